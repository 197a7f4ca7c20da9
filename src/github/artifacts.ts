import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { childEnvironment, type Environment } from '../io/environment.ts'
import { isLoopbackHost } from '../io/http.ts'
import { runInWorker } from '../io/worker.ts'
import type { ArtifactAnswer, ArtifactTask } from './artifact-task.ts'

/** Where a runner keeps artifacts. */
export interface ArtifactService {
  readonly url: string
  readonly token: string
}

/**
 * The artifact service of this runner. The client refuses other servers than GitHub's own, where the service speaks an older
 * protocol; the token goes to https and loopback only.
 * @returns why there is none, in words, in place of one.
 */
export function artifactService(env: Environment, serverUrl: string): ArtifactService | string {
  const { ACTIONS_RESULTS_URL: url, ACTIONS_RUNTIME_TOKEN: token } = env
  if (!url || !token) return 'the runner gives no address and token of one'
  if (!URL.canParse(url)) return 'its address is no URL'
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopbackHost(hostname))) return 'its address has no TLS'
  const server = new URL(serverUrl).hostname
  return speaksNewProtocol(server) ? { url, token } : `the artifacts of ${printable(server, 200)} have another protocol`
}

/** github.com, servers of GitHub's cloud, and servers of this machine. */
function speaksNewProtocol(host: string): boolean {
  return /^github\.com$|\.ghe\.com$/i.test(host) || isLoopbackHost(host)
}

export interface ArtifactsWorld {
  readonly env: Environment
  readonly service: ArtifactService
  /** Script of the thread that holds the client. */
  readonly script: string
  readonly deadlineMs?: number
}

/**
 * Asks the service in a thread of its own. Only there the token is in the environment, and nothing else of this process but proxies.
 * @throws `github/artifact-failed`
 */
export async function askArtifacts(world: ArtifactsWorld, task: ArtifactTask): Promise<ArtifactAnswer> {
  const { service, script, deadlineMs = LIMITS.artifactMs } = world
  const env = {
    ...childEnvironment(world.env),
    ACTIONS_RESULTS_URL: service.url,
    ACTIONS_RUNTIME_TOKEN: service.token,
    // The client's own test of the server is by name; ours, above, was by this name and the protocol.
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_WORKSPACE: task.folder,
  }
  const answer = await runInWorker({ script, data: task, env, deadlineMs }).catch(error => {
    const { found, message } = asWaybillError(error)
    return { state: 'failed', why: found ?? message } satisfies ArtifactAnswer
  })
  const { state, ...facts } = answer as ArtifactAnswer
  if (state !== 'failed') return answer as ArtifactAnswer
  const why = 'why' in facts ? withoutSecrets(facts.why, service.token) : 'nothing was said'
  const verb = task.kind === 'upload' ? 'taken' : 'given'
  throw fail('github/artifact-failed', `The artifact ${task.name} was not ${verb} by the runner’s artifact service`, {
    found: why,
    ...(/\b409\b|already exists/.test(why) ? { remedy: SAME_NAME } : {}),
  })
}

const SAME_NAME =
  'Another step or job of this run uses the same name: give each step an input `name` of its own, in a matrix for instance name: app- and the value of the matrix.'

/** What is behind a question mark signs a request; a message is one line for people. */
function withoutSecrets(why: string, token: string): string {
  const bare = why.replaceAll(token, '…').replaceAll(/(https?:\/\/[^\s?]+)\?\S*/g, '$1?…')
  return printable(bare.split('\n', 1)[0] ?? '', 500)
}

/** The step that uploads what a run left, as lines of YAML. Servers other than GitHub's own have the older protocol only. */
export function uploadStep(name: string, serverUrl: string): readonly string[] {
  const server = new URL(serverUrl).hostname
  const version = speaksNewProtocol(server) ? 'v4' : 'v3'
  const folder = `\${{ runner.temp }}/waybill/${name}`
  return [
    `- uses: actions/upload-artifact@${version}`,
    '  if: always()',
    '  with:',
    `    name: 'waybill-${name}'`,
    '    path: |',
    `      ${folder}/*.json`,
    `      ${folder}/signing-key.pub`,
    `      ${folder}/bundles`,
    '    if-no-files-found: ignore',
  ]
}
