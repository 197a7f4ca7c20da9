import { isAbsolute } from 'node:path'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { isPrintable, printable } from '../core/text.ts'

/** What `RUN --mount=type=ssh` may ask: one agent's socket, or the private keys of an agent that the builder makes for it. */
export interface BuildSsh {
  readonly id: string
  /** Absolute; one socket, or one or more keys. */
  readonly paths: readonly string[]
}

const SSH_ID = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/

/** @throws `build/ssh-malformed` */
export function checkSsh(all: readonly BuildSsh[]): void {
  for (const { id, paths } of all) {
    if (!SSH_ID.test(id))
      throw sshMalformed('The id of an ssh agent is not spelled as an id', 'letters, digits and _ . -', id)
    if (paths.length === 0) throw sshMalformed(`The ssh agent ${id} has no path`, 'a socket or a private key', id)
    // Both builders cut the list of paths at commas, and neither reads quotes there.
    for (const path of paths)
      if (!isAbsolute(path) || !isPrintable(path) || path.includes(','))
        throw sshMalformed(`The ssh agent ${id} lies at no usable path`, 'an absolute path without a comma', path)
  }
  const ids = all.map(({ id }) => id)
  const twice = ids.find((id, at) => ids.indexOf(id) !== at)
  if (twice !== undefined) throw sshMalformed(`Two ssh agents have the id ${twice}`, 'each id once', twice)
  if (all.length > LIMITS.buildSecrets)
    throw sshMalformed('There are too many ssh agents', `at most ${LIMITS.buildSecrets}`, String(all.length))
}

/** The same words for buildx and buildah; the path is always said, so that the child needs no SSH_AUTH_SOCK. */
export function sshFlags(all: readonly BuildSsh[] = []): readonly string[] {
  return all.map(({ id, paths }) => `--ssh=${id}=${paths.join(',')}`)
}

function sshMalformed(message: string, expected: string, found: string): Error {
  return fail('build/ssh-malformed', message, { expected, found: printable(found, 300) })
}

/**
 * @param agent SSH_AUTH_SOCK of the job. @param place where a relative path begins.
 * @throws `build/ssh-malformed`
 */
export function parseSsh(text: string, agent: string | undefined, place: (path: string) => string): BuildSsh {
  const at = text.indexOf('=')
  const id = at < 0 ? text : text.slice(0, at)
  const paths =
    at < 0
      ? []
      : text
          .slice(at + 1)
          .split(',')
          .filter(path => path !== '')
  if (at >= 0 && paths.length === 0)
    throw sshMalformed(`The ssh agent ${printable(id, 60)} has no path`, 'id=/path', text)
  if (at >= 0) return { id, paths: paths.map(path => place(path)) }
  if (agent !== undefined && agent !== '') return { id, paths: [agent] }
  throw fail(
    'build/ssh-malformed',
    `The ssh agent ${printable(id, 60)} needs one that runs, and SSH_AUTH_SOCK names none`,
    {
      expected: 'SSH_AUTH_SOCK, or id=/path/of/socket-or-key',
      found: 'neither',
      remedy:
        'Start one in an earlier step and add the key: eval "$(ssh-agent -s)"; echo "SSH_AUTH_SOCK=$SSH_AUTH_SOCK" >>"$GITHUB_ENV"',
    },
  )
}
