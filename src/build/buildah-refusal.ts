import { fail, type WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'

interface Said {
  readonly expected: string
  readonly found?: string
  readonly remedy?: string
}

/** `Line <n> of the Dockerfile <why>`: two readers could see two things there. */
export function readDifferently(line: number, why: string, said: Said): WaybillError {
  return refusal('materials/read-differently', line, why, said)
}

/** `Line <n> of the Dockerfile <why>`: buildah cannot be kept to what is allowed. */
export function notWithBuildah(line: number, why: string, said: Said): WaybillError {
  return refusal('materials/not-with-buildah', line, why, said)
}

/** `Line <n> of the Dockerfile <why>`: nobody declared it. */
export function undeclared(line: number, why: string, said: Said): WaybillError {
  return refusal('materials/undeclared', line, why, said)
}

type Code = 'materials/read-differently' | 'materials/not-with-buildah' | 'materials/undeclared'

function refusal(code: Code, line: number, why: string, { expected, found, remedy }: Said): WaybillError {
  const where = line === 0 ? 'An option of the build' : `Line ${line} of the Dockerfile`
  return fail(code, `${where} ${printable(why, 200)}`, {
    expected,
    ...(found === undefined ? {} : { found: printable(found, 200) }),
    ...(remedy === undefined ? {} : { remedy }),
  })
}
