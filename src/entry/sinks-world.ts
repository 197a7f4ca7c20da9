import { LIMITS } from '../core/limits.ts'
import { GithubApi } from '../github/api.ts'
import type { AttestInputs } from '../github/attest-inputs.ts'
import { storeAttestations } from '../github/attestation-post.ts'
import type { RunContext } from '../github/context.ts'
import { appendArtifacts } from '../github/runner-files.ts'
import { readFileBounded } from '../io/files.ts'
import type { HttpClient } from '../io/http.ts'
import type { AttestPorts } from '../pipeline/attest-request.ts'
import { inWorkspace } from './workspace.ts'

export interface SinksWorld {
  readonly inputs: Pick<AttestInputs, 'githubAttestations' | 'githubToken' | 'sbom'>
  readonly context: RunContext
  readonly http: HttpClient
}

/** What was signed goes there besides, if inputs or the runner say so. */
export function sinkPorts({
  inputs,
  context,
  http,
}: SinksWorld): Pick<AttestPorts, 'attestationStore' | 'artifacts' | 'sbom'> {
  const { githubAttestations, githubToken: token, sbom } = inputs
  const { apiUrl, graphqlUrl, repository, files } = context
  const { artifacts } = files
  return {
    ...(githubAttestations && token !== undefined
      ? {
          attestationStore: {
            repository,
            add: (subject, bundles) =>
              storeAttestations(
                { api: new GithubApi({ http, apiUrl, graphqlUrl, token }), http, repository },
                subject,
                bundles,
              ),
          },
        }
      : {}),
    ...(artifacts === undefined
      ? {}
      : { artifacts: { file: artifacts, add: references => appendArtifacts(artifacts, references) } }),
    ...(sbom === undefined || sbom === 'auto'
      ? {}
      : { sbom: () => readFileBounded(inWorkspace(context, sbom), LIMITS.predicateBytes) }),
  }
}
