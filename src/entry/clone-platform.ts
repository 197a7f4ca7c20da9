import { asWaybillError } from '../core/error.ts'
import { GithubApi } from '../github/api.ts'
import { githubEvidence } from '../github/evidence.ts'
import { repositoryIdOf } from '../github/repository-id.ts'
import type { Environment } from '../io/environment.ts'
import type { HttpClient } from '../io/http.ts'
import type { PlatformPort } from '../pipeline/attest-request.ts'
import { type Clone, repositoryUri } from '../source/clone.ts'
import { REMOTE } from './clone-names.ts'

/** The platform of a clone, or why it is not asked. */
export type ClonePlatform =
  | { readonly port: PlatformPort; readonly repositoryId?: number; readonly silent?: undefined }
  | { readonly silent: string }

/** Where the clone comes from, `https://github.com/acme/app`; undefined when its remote is no server's. */
export async function originOf(clone: Clone): Promise<string | undefined> {
  return repositoryUri((await clone.find('remote', 'get-url', REMOTE)) ?? '')
}

/**
 * The platform's API, where a token and a repository are known. The token belongs to one server, the public one unless
 * `GITHUB_SERVER_URL` says otherwise: a clone's remote, which may be anybody's, never decides where it is sent.
 */
export async function platformOf(
  origin: string | undefined,
  env: Environment,
  http: () => HttpClient,
  offline: boolean,
): Promise<ClonePlatform> {
  if (offline) return { silent: 'with --offline nobody is asked' }
  const token = env.GITHUB_TOKEN
  if (token === undefined || token === '') return { silent: 'there is no GITHUB_TOKEN' }
  const serverUrl = (env.GITHUB_SERVER_URL || 'https://github.com').replace(/\/+$/, '')
  const name = origin?.startsWith(`${serverUrl}/`) === true ? origin.slice(serverUrl.length + 1) : undefined
  if (name === undefined || !/^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/.test(name))
    return { silent: `the remote ${REMOTE} is no repository of ${serverUrl}, for which GITHUB_TOKEN is` }
  const apiUrl = (env.GITHUB_API_URL || 'https://api.github.com').replace(/\/+$/, '')
  const api = new GithubApi({ http: http(), apiUrl, graphqlUrl: env.GITHUB_GRAPHQL_URL || `${apiUrl}/graphql`, token })
  try {
    const id = await repositoryIdOf(api, name)
    const options = { api, http: http(), repository: name, repositoryId: String(id), serverUrl }
    return { port: githubEvidence(options), repositoryId: id }
  } catch (error) {
    // It was to be asked, so what rests on its answer is unknown, and the rest is judged.
    const failed = () => Promise.reject(asWaybillError(error))
    return { port: { commits: failed, signingKeys: failed } }
  }
}
