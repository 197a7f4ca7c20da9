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
 */
export async function registryCredentials(
  env: Environment,
  githubToken: string | undefined,
  actor: string,
): Promise<RegistryLogins> {
  const files = await loadCredentials(env, env.HOME)
  if (githubToken === undefined || (await files.find(GHCR, '')) !== undefined) return { source: files, logins: [] }
  const login = { username: actor, password: githubToken }
  const source = await loadCredentials(env, env.HOME, { logins: { [GHCR]: login } })
  return { source, logins: [{ host: GHCR, ...login }] }
}
