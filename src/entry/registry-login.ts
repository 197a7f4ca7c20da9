import type { Login } from '../build/builder.ts'
import type { Environment } from '../io/environment.ts'
import { type CredentialSource, loadCredentials } from '../registry/credentials.ts'

const GHCR = 'ghcr.io'

export interface RegistryLogins {
  readonly source: CredentialSource
  /** Logins that no file on this machine holds, for the builder's own pushes. */
  readonly logins: readonly Login[]
}

/**
 * The machine's logins, and the job's token for ghcr.io where it has none of its own.
 * @param actor the user name that goes with the token; ghcr.io does not judge it.
 * @param given logins of the inputs, which come first.
 */
export async function registryCredentials(
  env: Environment,
  githubToken: string | undefined,
  actor: string,
  given: readonly Login[] = [],
): Promise<RegistryLogins> {
  const files = await loadCredentials(env, env.HOME)
  const known = given.some(({ host }) => host === GHCR) || (await files.find(GHCR, '')) !== undefined
  const logins = [
    ...given,
    ...(known || githubToken === undefined ? [] : [{ host: GHCR, username: actor, password: githubToken }]),
  ]
  if (logins.length === 0) return { source: files, logins }
  const byHost = logins.map(({ host, username, password }) => [host, { username, password }] as const)
  return { source: await loadCredentials(env, env.HOME, { logins: Object.fromEntries(byHost) }), logins }
}
