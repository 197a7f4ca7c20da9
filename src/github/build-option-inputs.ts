import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Environment } from '../io/environment.ts'
import { type Inputs, malformed } from './inputs.ts'

/** What a build may be given besides its context; every value as written, read strictly where it is used. */
export interface BuildOptionInputs {
  /** Id → value. */
  readonly secrets: ReadonlyMap<string, string>
  /** Id → path, relative ones from the workspace. */
  readonly secretFiles: ReadonlyMap<string, string>
  /** `default`, `id=path` or `id=path,path`. */
  readonly ssh: readonly string[]
  /** Socket of the job's agent, for an entry without a path. */
  readonly sshAgent?: string
  /** Name → `docker-image://…` or a folder of the commit. */
  readonly buildContexts: ReadonlyMap<string, string>
  readonly cacheFrom: readonly string[]
  readonly cacheTo: readonly string[]
}

/** Names of these inputs: they say nothing where nothing is built. */
export const BUILD_OPTIONS = ['secrets', 'secret-files', 'ssh', 'build-contexts', 'cache-from', 'cache-to'] as const

/** @throws `entry/input-malformed`, `build/secret-malformed` */
export function readBuildOptions(inputs: Inputs, env: Environment): BuildOptionInputs {
  return {
    secrets: parseSecrets(inputs.text('secrets') ?? ''),
    secretFiles: new Map(Object.entries(inputs.pairs('secret-files'))),
    ssh: inputs.list('ssh'),
    ...(env.SSH_AUTH_SOCK === undefined ? {} : { sshAgent: env.SSH_AUTH_SOCK }),
    buildContexts: new Map(Object.entries(inputs.pairs('build-contexts'))),
    cacheFrom: inputs.list('cache-from'),
    cacheTo: inputs.list('cache-to'),
  }
}

/**
 * `id=value`, one a line; a value of several lines stands with its id in double quotes, a quote inside it twice (RFC 4180 § 2), as
 * `docker/build-push-action` reads them. No part of the text is ever shown: it may be the secret.
 * @throws `build/secret-malformed`
 */
export function parseSecrets(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const entry of entriesOf(text)) {
    const at = entry.indexOf('=')
    if (at < 1) throw secretMalformed(found.size, 'is no id=value', MULTI_LINE)
    const id = entry.slice(0, at).trim()
    const value = entry.slice(at + 1)
    if (!/^[A-Za-z0-9_.-]+$/.test(id)) throw secretMalformed(found.size, 'has no id', MULTI_LINE)
    if (found.has(id)) throw malformed('secrets', 'each id once', `${printable(id, 60)} twice`)
    if (value.trim() === '')
      throw fail('build/secret-malformed', `The secret ${printable(id, 60)} is empty`, {
        expected: 'a value',
        remedy:
          'See that the repository or environment has this secret. Runs for forks and Dependabot get none: leave the input out for them.',
      })
    found.set(id, value)
  }
  return found
}

const MULTI_LINE =
  'Write id=value on one line. Put id and value of several lines into double quotes, and double each quote in it; or write the value to a file and use secret-files.'

function entriesOf(text: string): readonly string[] {
  const entries: string[] = []
  // A quoted entry, or a line; what neither matches stands behind a closing quote, or has none.
  const entry = /[ \t]*(?:"((?:[^"]|"")*)"[ \t]*(?=[\r\n]|$)|([^"\r\n][^\r\n]*)|(?=[\r\n]))[\r\n]*/y
  while (entry.lastIndex < text.length) {
    const found = entry.exec(text)
    if (found === null || found[0] === '')
      throw secretMalformed(entries.length, 'has a quote without its other', MULTI_LINE)
    const [, quoted, plain] = found
    const value = quoted?.replaceAll('""', '"') ?? plain?.trim() ?? ''
    if (value !== '') entries.push(value)
  }
  return entries
}

function secretMalformed(before: number, what: string, remedy: string): Error {
  return fail('build/secret-malformed', `Entry ${before + 1} of secrets ${what}`, { expected: 'id=value', remedy })
}
