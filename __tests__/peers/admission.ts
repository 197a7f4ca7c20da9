import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Digest } from '../../src/core/digest.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { deployLevel, deployResource, deploySummaryStatement } from '../../src/statements/deploy-vsa.ts'
import { VERIFICATION_SUMMARY_PREDICATE } from '../../src/statements/statement.ts'
import type { KubernetesObject } from '../../tools/peers/kubernetes-client.ts'
import type { ClaimOverrides } from '../fakes/claims.ts'
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
/** Names of the policies, one for each link: every one that is about an image must admit it. */
export const LINKS = { build: 'waybill-build', deploy: 'waybill-deploy', quarantine: 'waybill-quarantine' } as const

/** The policies of one image and the trust root that they name, in the order in which a cluster must get them. */
export function policiesFor(admitted: Admitted, root: TufMirror): readonly KubernetesObject[] {
  const { repository, builder, deployer, quarantined } = admitted
  const images = [{ glob: `${repository}@*` }, { glob: `${repository}:*` }]
  const built = `input.predicate.buildDefinition.externalParameters.workflow.repository == ${quoted(builder.source)}`
  const { environment, policyUri } = deployer
  const entered = [
    'input.predicate.verificationResult == "PASSED"',
    `input.predicate.resourceUri == ${quoted(deployResource(repository, environment))}`,
    `input.predicate.policy.uri == ${quoted(policyUri)}`,
    `input.predicate.verifier.id == ${quoted(deployer.identity)}`,
    `input.predicate.verifiedLevels[_] == ${quoted(deployLevel(environment))}`,
  ]
  return [
    fetchedTrustRoot(root),
    imagePolicy(LINKS.build, images, signedBy(admitted, builder.identity, PROVENANCE, [built])),
    imagePolicy(LINKS.deploy, images, signedBy(admitted, deployer.identity, VERIFICATION_SUMMARY_PREDICATE, entered)),
    ...(quarantined.length === 0 ? [] : [quarantine(repository, quarantined)]),
  ]
}

/** A trust root that policy-controller fetches by TUF. */
export function fetchedTrustRoot({ url, root }: TufMirror, name = TRUST_ROOT): KubernetesObject {
  return trustRoot(name, { remote: { mirror: url, root: root.toString('base64') } })
}

function trustRoot(name: string, spec: object): KubernetesObject {
  return { apiVersion: 'policy.sigstore.dev/v1alpha1', kind: 'TrustRoot', metadata: { name }, spec }
}

function imagePolicy(name: string, images: readonly object[], authority: object): KubernetesObject {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name },
    spec: { images, authorities: [authority] },
  }
}

/**
 * What its signer must have stated. Rego, not CUE: there a field that is absent agrees with every condition on it.
 * The controller writes the ids of the logs of every trust root of one's own as hexadecimal text, and then finds neither an entry of
 * the log nor one of the certificate log, so of such a root only the timestamp authority is any use here.
 */
function signedBy({ issuer }: Admitted, subject: string, predicateType: string, conditions: readonly string[]): object {
  const rule = `package sigstore\ndefault isCompliant = false\nisCompliant {\n${conditions.map(one => `  ${one}\n`).join('')}}\n`
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
    attestations: [{ name: 'statement', predicateType, policy: { type: 'rego', data: rule } }],
  }
}

function quarantine(repository: string, digests: readonly Digest[]): KubernetesObject {
  const images = digests.map(digest => ({ glob: pinned(repository, digest) }))
  return imagePolicy(LINKS.quarantine, images, { name: 'none', static: { action: 'fail', message: 'quarantined' } })
}

/** As text in Rego, whose escapes are those of JSON. */
function quoted(text: string): string {
  return JSON.stringify(text)
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
  if (provenance !== undefined) await attach(world, admitted, digest, PROVENANCE, provenance)
  for (const summary of summaries) await summarize(world, admitted, digest, summary)
  return { digest, image: pinned(admitted.repository, digest) }
}

/** Signs a deploy summary of an image and attaches it. */
export async function summarize(world: World, admitted: Admitted, digest: Digest, summary: Summary): Promise<void> {
  const { identity, environment, policyUri } = admitted.deployer
  const statement = deploySummaryStatement({
    digests: [digest],
    verifierId: identity,
    resource: summary.resource ?? admitted.repository,
    environment: summary.environment ?? environment,
    policy: { uri: policyUri, digest },
    inputs: [{ uri: PROVENANCE, digest }],
    verifiedAt: new Date(),
    waybillVersion: '0.0.0',
    sourceLevels: [],
  })
  const { predicate } = JSON.parse(Buffer.from(statement).toString('utf8')) as { predicate: JsonObject }
  const params = { ...predicate, ...summary.other }
  await attach(world, admitted, digest, VERIFICATION_SUMMARY_PREDICATE, summary.claims, params)
}

async function attach(
  world: World,
  { repository }: Admitted,
  digest: Digest,
  type: string,
  claims: ClaimOverrides,
  params?: object,
): Promise<void> {
  const predicate = params === undefined ? {} : { predicate: { type, params } }
  const bytes = await attestedBundle(world, {
    subjects: [{ name: repository, digest }],
    claims,
    timestamped: true,
    ...predicate,
  })
  const { client, close } = clientFor(REGISTRY)
  try {
    await attachAll(client, repository, digest, [{ bytes, predicateType: type }])
  } finally {
    close()
  }
}

/** A workflow that builds for many repositories: its name in a certificate says nothing of whose image it is. */
const SHARED = 'acme/shared/.github/workflows/build.yml@refs/heads/main'
const DEPLOY = 'acme/app/.github/workflows/deploy.yml@refs/heads/main'
export const BUILDER: ClaimOverrides = { job_workflow_ref: SHARED }
export const DEPLOYER: ClaimOverrides = { job_workflow_ref: DEPLOY, environment: 'production' }

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
