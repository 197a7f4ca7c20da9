import { maybe } from '../core/maybe.ts'
import { GithubApi } from '../github/api.ts'
import type { Environment } from '../io/environment.ts'
import type { HttpClient } from '../io/http.ts'

/** The platform as the command line asks it. */
export interface PlatformApi {
  readonly api: GithubApi
  /** `https://github.com`, without a slash at the end. */
  readonly serverUrl: string
}

/**
 * The public service, or the one that the runner's own variables name; the token comes from the environment, never from the
 * command line, where every process of the machine could read it.
 */
export function platformApi(env: Environment, http: HttpClient): PlatformApi {
  const { apiUrl, graphqlUrl, token } = platformAddress(env)
  const api = new GithubApi({ http, apiUrl, graphqlUrl, ...maybe('token', token) })
  return { api, serverUrl: trimmed(env.GITHUB_SERVER_URL || 'https://github.com') }
}

/** Where it is, and the token that the environment has for it. */
export function platformAddress(env: Environment): {
  readonly apiUrl: string
  readonly graphqlUrl: string
  readonly token: string | undefined
} {
  const apiUrl = trimmed(env.GITHUB_API_URL || 'https://api.github.com')
  const graphqlUrl = env.GITHUB_GRAPHQL_URL || `${apiUrl}/graphql`
  return { apiUrl, graphqlUrl, token: env.GITHUB_TOKEN || env.GH_TOKEN || undefined }
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '')
}
