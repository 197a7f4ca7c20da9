import { resolve } from 'node:path'
import { CATALOGUE } from '../../core/catalogue.ts'
import { HttpClient } from '../../io/http.ts'
import { readStandardInput } from '../../io/stdin.ts'
import { QUARANTINE_FOLDER } from '../../pipeline/quarantine-file.ts'
import { loadCredentials } from '../../registry/credentials.ts'
import { renderSarif } from '../../report/sarif.ts'
import { SUBJECT_LIMITS } from '../../subjects/limits.ts'
import { DEPLOY_OPTIONS, type DeployLine, readDeployLine } from '../deploy-options.ts'
import { runDeploy } from '../deploy-run.ts'
import { commandSigner } from '../deploy-signer.ts'
import type { DeployResult, DeployWish } from '../deploy-wish.ts'
import { exitCodeOfError, exitCodeOfVerdict } from '../exit-code.ts'
import { composeImages, joinNamed, manifestImages, type NamedImages } from '../gate-manifests.ts'
import { platformApi } from '../platform-api.ts'
import { policyFile } from '../policy-file.ts'
import { showReceipt } from '../show.ts'
import { tufCacheOf } from '../tuf-cache.ts'
import { WAYBILL_VERSION } from '../version.ts'
import { command, type Desk } from './command.ts'

export const deployCommand = command({
  words: 'deploy',
  synopsis:
    'deploy IMAGE… [--manifest PATH…] --policy FILE --environment NAME (--identity-token-file FILE | --key FILE|env:NAME)',
  usage: `waybill deploy – verify, sign that it may be deployed to an environment, move tags, write what is applied

  waybill deploy IMAGE… [--manifest PATH…] --policy FILE --environment NAME (--identity-token-file FILE | --key FILE)

Everything is judged by the policy's deploy rules first. Only if all of it passed, a deploy summary is signed for every
image whose rule names a deployer, attached to the image, read back, and only then tags are moved. Nothing is applied
to a cluster.

What is deployed (at least one):
  IMAGE                               repository@sha256:… or repository:tag
  --manifest PATH                     Kubernetes manifests, a file or a pattern; - is standard input (may be repeated)
  --compose FILE                      a compose file (may be repeated)
  --file PATH                         a file that is no image (may be repeated)

By which rules, and where to:
  --policy FILE                       the policy; its digest stands in the summary
  --environment NAME                  of a workflow's token the environment must be the same

Who signs (one of them):
  --identity-token-file FILE          an OIDC token with audience sigstore
  --key FILE|env:NAME                 a private key in PEM; --key-password env:NAME
  --signing-config FILE               Sigstore services of your own (default: the public instance; identity and time then
                                        become public for ever)
  --transparency-log WHERE            auto, public, own or none

What happens then:
  --promote TAG                       a tag to point to what was deployed, or registry/repository:tag, into which the image
                                        and its evidence are copied (may be repeated)
  --output DIR                        bundles, deployment.json, manifests with digests, policies (default: waybill-deploy)
  --annotate                          write the expected identities into the pod templates
  --no-pin                            write no manifests
  --policies ENGINE                   none, policy-controller or kyverno (default: none)

Where evidence lies, and what happens to what is rejected:
  --bundle FILE                       a bundle on disk (may be repeated)
  --files-repository REPOSITORY       registry repository with the bundles of files
  --insecure-registry HOST[:PORT]     a registry without TLS (may be repeated)
  --quarantine MODE                   off, files, attest or retag (default: attest)
  --quarantine-directory DIR          where rejected files and kept records go (default: waybill-quarantine)
  --events FILE                       append a JSON line for each rejected subject

How to tell:
  --json                              the result object on stdout, nothing else
  --format sarif                      SARIF on stdout, nothing else
  --quiet                             only the exit code

Example:
  waybill deploy --manifest rendered.yaml --policy .github/waybill.yml --environment production \\
    --identity-token-file token --promote production
`,
  options: DEPLOY_OPTIONS,
  read: readDeployLine,
  run: deployCommandLine,
})

async function deployCommandLine(line: DeployLine, desk: Desk): Promise<number> {
  const { world, env } = desk
  const folder = world.workingFolder
  const http = new HttpClient({ plainHttpHosts: line.insecureRegistries })
  try {
    const { api } = platformApi(env, http)
    const { identityTokenFile, key, environment, signingConfig, transparencyLog } = line
    const result = await runDeploy(await wishOf(line, folder), {
      folder,
      http,
      credentials: await loadCredentials(env, env.HOME),
      insecureRegistries: line.insecureRegistries,
      cacheFolder: tufCacheOf(env, folder),
      ...(api.hasToken ? { store: api } : {}),
      signer: () =>
        commandSigner(
          {
            ...(identityTokenFile === undefined ? {} : { identityTokenFile: resolve(folder, identityTokenFile) }),
            ...(key === undefined ? {} : { key }),
            environment,
            folder,
            env,
          },
          {
            http,
            transparencyLog,
            ...(signingConfig === undefined ? {} : { signingConfig: resolve(folder, signingConfig) }),
          },
        ),
      progress: () => {},
    })
    show(result, line, desk)
    return result.error === undefined ? exitCodeOfVerdict(result.receipt.verdict) : exitCodeOfError(result.error.kind)
  } finally {
    http.close()
  }
}

async function wishOf(line: DeployLine, folder: string): Promise<DeployWish> {
  const { images, files, pin, annotate, policies, promote, environment, filesRepository, events } = line
  const stdin = () => readStandardInput(SUBJECT_LIMITS.manifestBytes)
  const manifests = line.manifests.length === 0 ? NOTHING : await manifestImages(line.manifests, { folder, stdin })
  const compose: NamedImages[] = []
  for (const file of line.compose) compose.push(await composeImages([file], folder))
  return {
    images,
    files,
    named: joinNamed([manifests, ...compose]),
    manifestFiles: manifests.sources.map(({ file }) => file),
    policy: await policyFile(line.policy, folder),
    policyPath: line.policy,
    environment,
    promote,
    pin,
    annotate,
    policies,
    output: resolve(folder, line.output),
    bundleFiles: line.bundles.map(path => resolve(folder, path)),
    ...(filesRepository === undefined ? {} : { filesRepository }),
    quarantine: line.quarantine,
    quarantineDirectory: line.quarantineDirectory ?? QUARANTINE_FOLDER,
    ...(events === undefined ? {} : { events }),
  }
}

const NOTHING: NamedImages = { subjects: [], unreadable: [], sources: [] }

function show({ receipt }: DeployResult, { format, quiet }: DeployLine, desk: Desk): void {
  if (format === 'sarif') desk.world.out(renderSarif(receipt, { version: WAYBILL_VERSION, rulesFrom: CATALOGUE }))
  else showReceipt(receipt, desk, { json: format === 'json', quiet })
}
