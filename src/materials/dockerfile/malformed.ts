import { fail, type WaybillError } from '../../core/error.ts'
import { printable } from '../../core/text.ts'

/** `The Dockerfile <why>`. */
export function malformed(why: string, expected: string, found?: string): WaybillError {
  return fail('materials/dockerfile-malformed', `The Dockerfile ${printable(why, 200)}`, {
    expected,
    ...(found === undefined ? {} : { found: printable(found, 200) }),
  })
}
