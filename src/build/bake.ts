import { posix } from 'node:path'
import { decodeUtf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import type { Environment } from '../io/environment.ts'
import { makeTemporaryFolder, remove, writeFileAtomic } from '../io/files.ts'
import { findTool, run } from '../io/process.ts'
import { type BakeTarget, readBakePrint } from './bake-print.ts'
import { dockerConfigFolder } from './credentials.ts'

export interface BakeQuestion {
  /** Path in the commit; its end says what it is: `.hcl` or `.json`. */
  readonly file: string
  readonly bytes: Uint8Array
  readonly target: string
  /** All that `variable` blocks find in the environment. */
  readonly variables: Readonly<Record<string, string>>
}

/** Milliseconds: an evaluation builds nothing and asks nobody. */
const EVALUATION_MS = 60_000

/**
 * Lets `docker buildx bake --print` evaluate one file, alone in a folder of its own: no second file beside it that would be merged
 * (`docker-bake.override.hcl`, compose files, `.env`), no variable of the job, no builder.
 * @param folder the run's private folder. @throws `build/bake-unusable`, `build/bake-refused`
 */
export async function evaluateBake(question: BakeQuestion, env: Environment, folder: string): Promise<BakeTarget> {
  const docker = findTool('docker', env.PATH ?? '')
  if (docker === undefined)
    throw unusable(
      'There is no docker to evaluate the bake file',
      'docker with the plugin buildx',
      'no docker on PATH',
      {
        remedy: 'Add a step `uses: docker/setup-buildx-action@v3` before this one.',
      },
    )
  const place = await makeTemporaryFolder(folder, 'bake-')
  try {
    const name = `docker-bake${posix.extname(question.file)}`
    await writeFileAtomic(posix.join(place, name), question.bytes)
    const { code, stdout, stderr } = await run({
      file: docker,
      args: ['buildx', 'bake', '--progress=quiet', '--print', `--file=${name}`, '--', question.target],
      env: bakeEnvironment(env, question.variables),
      cwd: place,
      timeoutMs: EVALUATION_MS,
      maxOutputBytes: LIMITS.bakeBytes,
      endGroup: true,
    }).catch((error: unknown) => {
      throw unusable('The bake file could not be evaluated', 'an evaluation that ends', 'none', { cause: error })
    })
    if (code !== 0) throw notEvaluated(stderr, question)
    return readBakePrint(stdout, question.target)
  } finally {
    await remove(place)
  }
}

/** Not even PATH and HOME: every variable of the environment can be read by a `variable` block of its name. */
function bakeEnvironment(
  env: Environment,
  variables: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const config = dockerConfigFolder(env)
  return { LC_ALL: 'C', ...(config === undefined ? {} : { DOCKER_CONFIG: config }), ...variables }
}

function notEvaluated(stderr: Uint8Array, { target }: BakeQuestion): Error {
  const lines = (decodeUtf8(stderr) ?? '').split('\n').filter(line => line.trim() !== '')
  const found = printable(lines.slice(-6).join(' ⏎ '), 1000)
  // It asks for the agent of this very process, which it has no business with.
  if (/ssh agent/i.test(found))
    return fail('build/bake-refused', 'The target of the bake file has ssh, which is not served', {
      expected: 'a target without ssh',
      found: 'ssh',
      remedy: 'Remove `ssh` from the target, and give it as the input `ssh`.',
    })
  return unusable(`buildx cannot evaluate the target ${printable(target, 160)}`, 'exit code 0', found)
}

function unusable(
  message: string,
  expected: string,
  found: string,
  more: { readonly remedy?: string; readonly cause?: unknown } = {},
): Error {
  return fail('build/bake-unusable', message, { expected, found, ...more })
}
