import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { CommitId, Digest } from '../../src/core/digest.ts'
import type { Json } from '../../src/core/json.ts'
import type { RunClaims } from '../../src/statements/claims.ts'
import { type DeployRun, deploySummaryStatement } from '../../src/statements/deploy-vsa.ts'
import { provenanceStatement } from '../../src/statements/provenance.ts'
import type { KubernetesObject } from '../../tools/peers/kubernetes-client.ts'
import type { ClaimOverrides } from '../fakes/claims.ts'
import { CLAIMS, FACTS } from '../statements/facts.ts'
import { attestedBundle, PROVENANCE } from './attested.ts'
import { startTufMirror, type TufMirror } from './tuf.ts'
import { attachAll, clientFor, pinned, pushStranger, repositoryIn, type World } from './world.ts'

/** What a cluster is told to admit: one image's digests in one environment, built by one and let in by another. */
export interface Admitted {
  /** `host/repository`, as a pod names it. */
  readonly repository: string
  readonly issuer: string
  /** `source`: the repository whose run it must have been, as provenance names it; the signer may serve many. */
  readonly builder: { readonly identity: string; readonly source: string }
  readonly deployer: { readonly identity: string; readonly environment: string; readonly policyUri: string }
  readonly quarantined: readonly Digest[]
}

export const TRUST_ROOT = 'waybill-test'
/** One policy as an operator would write it, about provenance alone: facts of the engine are pinned with it, changed. */
export function writtenPolicy({ repository, issuer, builder }: Admitted): KubernetesObject {
  const images = [{ glob: `${repository}@*` }, { glob: `${repository}:*` }]
  const built = `input.predicate.buildDefinition.externalParameters.workflow.repository == ${JSON.stringify(builder.source)}`
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'written' },
    spec: { images, authorities: [signedBy(issuer, builder.identity, built)] },
  }
}

/** A trust root that policy-controller fetches by TUF. */
export function fetchedTrustRoot({ url, root }: TufMirror, name = TRUST_ROOT): KubernetesObject {
  return trustRoot(name, { remote: { mirror: url, root: root.toString('base64') } })
}

function trustRoot(name: string, spec: object): KubernetesObject {
  return { apiVersion: 'policy.sigstore.dev/v1alpha1', kind: 'TrustRoot', metadata: { name }, spec }
}

/**
 * What its signer must have stated. Rego, not CUE: there a field that is absent agrees with every condition on it.
 * The controller writes the ids of the logs of every trust root of one's own as hexadecimal text, and then finds neither an entry of
 * the log nor one of the certificate log, so of such a root only the timestamp authority is any use here.
 */
function signedBy(issuer: string, subject: string, condition: string): object {
  const data = `package sigstore
default isCompliant = false
isCompliant {
  ${condition}
}
`
  const trustRootRef = TRUST_ROOT
  return {
    name: 'signer',
    signatureFormat: 'bundle',
    // Never asked; without one the controller fills in the public instance's.
    keyless: {
      url: 'https://fulcio.invalid',
      identities: [{ issuer, subject }],
      trustRootRef,
      insecureIgnoreSCT: true,
    },
    rfc3161timestamp: { trustRootRef },
    attestations: [{ name: 'statement', predicateType: PROVENANCE, policy: { type: 'rego', data } }],
  }
}

/**
 * A trust root without what this version of policy-controller refuses to have in it at all: logs whose keys are not of
 * elliptic curves, which those of Rekor v2 are.
 */
export function startTrustRoot({ stack }: World): Promise<TufMirror> {
  type Log = { readonly publicKey: { readonly keyDetails: string } }
  const trusted = JSON.parse(readFileSync(stack.trustedRootFile, 'utf8')) as { readonly tlogs: readonly Log[] }
  const tlogs = trusted.tlogs.filter(({ publicKey }) => publicKey.keyDetails.startsWith('PKIX_ECDSA_'))
  return startTufMirror('trusted_root.json', Buffer.from(JSON.stringify({ ...trusted, tlogs })))
}

/** The same from its keys, one by one, for a cluster that can fetch nothing. */
export function givenTrustRoot({ stack }: World, name: string): KubernetesObject {
  const base64 = (file: string) => readFileSync(file).toString('base64')
  const authority = (common: string, { url, chainFile }: { readonly url: string; readonly chainFile: string }) => ({
    subject: { organization: 'waybill.test', commonName: common },
    uri: url,
    certChain: base64(chainFile),
  })
  const log = ({ url, publicKeyFile }: { readonly url: string; readonly publicKeyFile: string }) => ({
    baseURL: url,
    hashAlgorithm: 'sha-256',
    publicKey: base64(publicKeyFile),
  })
  const sigstoreKeys = {
    certificateAuthorities: [authority('fulcio', stack.fulcio)],
    tLogs: [log(stack.rekorV1)],
    ctLogs: [log(stack.ctLog)],
    timestampAuthorities: [authority('timestamp', stack.timestamp)],
  }
  return trustRoot(name, { sigstoreKeys })
}

/** What somebody attaches to an image. */
export interface Evidence {
  /** The claims of the run whose provenance it is. */
  readonly provenance?: ClaimOverrides
  readonly summaries?: readonly Summary[]
}

/** A deploy summary, and how it differs from what the cluster wants. */
export interface Summary {
  readonly claims: ClaimOverrides
  readonly environment?: string
  readonly resource?: string
  /** Fields of the predicate that are others; undefined: none. */
  readonly other?: Readonly<Record<string, Json | undefined>>
}

export const REGISTRY = 'referrers'

/** Pushes a new image with this evidence. @returns it by digest. */
export async function pushWith(world: World, admitted: Admitted, { provenance, summaries = [] }: Evidence) {
  const digest = await pushStranger(world, REGISTRY, admitted.repository, randomUUID())
  if (provenance !== undefined) await attach(world, admitted, digest, provenance, provenanceBy(world, provenance))
  for (const summary of summaries) await summarize(world, admitted, digest, summary)
  return { digest, image: pinned(admitted.repository, digest) }
}

/** What Waybill states of a build in a run with these claims. */
function provenanceBy({ stack }: World, overrides: ClaimOverrides): Said {
  const all = stack.oidc.claims(overrides)
  const claims = Object.fromEntries(Object.keys(CLAIMS).map(name => [name, String(all[name])])) as unknown as RunClaims
  const commit = { id: claims.sha as CommitId, ref: claims.ref }
  return saidIn(provenanceStatement({ ...FACTS, serverUrl: stack.git.url, claims, commit }))
}

/** Signs a deploy summary of an image and attaches it. */
export async function summarize(world: World, admitted: Admitted, digest: Digest, summary: Summary): Promise<void> {
  const { identity, environment, policyUri } = admitted.deployer
  const { type, params } = saidIn(
    deploySummaryStatement({
      digests: [digest],
      verifierId: identity,
      resource: summary.resource ?? admitted.repository,
      environment: summary.environment ?? environment,
      policy: { uri: policyUri, digest },
      inputs: [{ uri: PROVENANCE, digest }],
      verifiedAt: new Date(),
      waybillVersion: '0.0.0',
      sourceLevels: [],
      run: runOf(world, { ...summary.claims, environment: summary.environment ?? environment }),
    }),
  )
  await attach(world, admitted, digest, summary.claims, { type, params: { ...params, ...summary.other } })
}

function runOf({ stack }: World, overrides: ClaimOverrides): DeployRun {
  const claims = stack.oidc.claims(overrides)
  const claim = (name: string) => String(claims[name])
  return {
    repository: claim('repository'),
    repositoryId: claim('repository_id'),
    ownerId: claim('repository_owner_id'),
    ref: claim('ref'),
    eventName: claim('event_name'),
    runnerEnvironment: claim('runner_environment'),
    environment: claim('environment'),
  }
}

interface Said {
  readonly type: string
  readonly params: object
}

function saidIn(statement: Uint8Array): Said {
  const { predicateType, predicate } = JSON.parse(Buffer.from(statement).toString('utf8')) as {
    predicateType: string
    predicate: object
  }
  return { type: predicateType, params: predicate }
}

async function attach(
  world: World,
  { repository }: Admitted,
  digest: Digest,
  claims: ClaimOverrides,
  predicate: Said,
): Promise<void> {
  const subjects = [{ name: repository, digest }]
  const bytes = await attestedBundle(world, { subjects, claims, timestamped: true, predicate })
  const { client, close } = clientFor(REGISTRY)
  try {
    await attachAll(client, repository, digest, [{ bytes, predicateType: predicate.type }])
  } finally {
    close()
  }
}

/** A workflow that builds for many repositories: its name in a certificate says nothing of whose image it is. */
export const SHARED = 'acme/shared/.github/workflows/build.yml@refs/heads/main'
export const DEPLOY = 'acme/app/.github/workflows/deploy.yml@refs/heads/main'
export const BUILDER: ClaimOverrides = { job_workflow_ref: SHARED }
export const DEPLOYER: ClaimOverrides = { workflow_ref: DEPLOY, job_workflow_ref: DEPLOY, environment: 'production' }

/** What the cluster of these tests wants. */
export function admittedIn(world: World, name: string, quarantined: readonly Digest[] = []): Admitted {
  const { stack } = world
  return {
    repository: repositoryIn(world, REGISTRY, name),
    issuer: stack.oidc.issuer,
    builder: { identity: `${stack.git.url}/${SHARED}`, source: `${stack.git.url}/acme/app` },
    deployer: {
      identity: `${stack.git.url}/${DEPLOY}`,
      environment: 'production',
      policyUri: `git+${stack.git.url}/acme/app#.waybill.yml`,
    },
    quarantined,
  }
}
