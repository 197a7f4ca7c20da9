import { readAttestInputs } from '../github/attest-inputs.ts'
import type { WorkflowLog } from '../github/commands.ts'
import type { CommentInputs } from '../github/comment-inputs.ts'
import type { RunContext } from '../github/context.ts'
import type { Environment } from '../io/environment.ts'
import type { HttpClient } from '../io/http.ts'
import type { AttestPorts, AttestRequest } from '../pipeline/attest-request.ts'
import { RegistryClient } from '../registry/client.ts'
import { ANONYMOUS } from '../registry/credentials.ts'
import { planAttest } from './attest-plan.ts'
import { attestPorts } from './attest-world.ts'
import { materialsPorts } from './materials-world.ts'

export interface Companion {
  readonly env: Environment
  readonly inputs: CommentInputs
  /** With the pull request as its event. */
  readonly context: RunContext
  readonly log: WorkflowLog
  readonly http: HttpClient
  /** Private, of this run. */
  readonly folder: string
}

/**
 * The question that a run for this pull request would have asked, and a world to answer it in: every registry is asked as
 * nobody (13-adversary 39), nothing builds, nothing signs.
 */
export async function companionWorld({
  env,
  inputs: { policy, since, githubToken },
  context,
  log,
  http,
  folder,
}: Companion): Promise<{ readonly request: AttestRequest; readonly ports: AttestPorts }> {
  const inputs = readAttestInputs({
    'INPUT_GITHUB-TOKEN': githubToken,
    ...(policy === undefined ? {} : { INPUT_POLICY: policy }),
    ...(since === undefined ? {} : { INPUT_SINCE: since }),
  })
  const request = planAttest(inputs, context)
  const world = { env, inputs, context, request, log, http, folder, artifactScript: '' }
  const { earlier: _, ...ports } = await attestPorts(world)
  return {
    request,
    ports: {
      ...ports,
      registry: new RegistryClient({ http, credentials: ANONYMOUS }),
      materials: materialsPorts(world, ANONYMOUS),
    },
  }
}
