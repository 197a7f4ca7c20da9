import { sha256 } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { Finding } from '../core/verdict.ts'
import { fetchBeside } from '../materials/fetch/beside.ts'
import type { GithubProof, MaterialItem, Verify } from '../materials/manifest/item.ts'
import { signerText } from '../policy/changes.ts'
import {
  type ExpectedGithub,
  type ExpectedSigner,
  type ExpectedWorkflow,
  GITHUB_ISSUER,
  GITHUB_SERVER,
} from '../policy/expected.ts'
import type { Expectation } from '../policy/gate.ts'
import { compilePattern, type Pattern } from '../policy/match.ts'
import type { TrustName } from '../policy/policy.ts'
import type { FetchedBundles } from '../registry/fetched.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import { loadTrust } from '../sigstore/trust/load.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import { needUnder } from '../sigstore/verify/need.ts'
import { verifyArtifact } from '../sigstore/verify/verify.ts'
import { digestOf, type SignedBytes } from './materials-fetch-bytes.ts'
import { signersFor } from './materials-fetch-keys.ts'
import { type Checked, type FetchRun, type Refused, refusalOf } from './materials-fetch-run.ts'
import type { MaterialProof } from './materials-outcome.ts'
import type { Verifier, VerifyPorts } from './verify-request.ts'
import { GateRun, verifyFile } from './verify-subject.ts'

/** What a bundle has to prove, as the manifest says it. */
interface Claim {
  readonly expected: ExpectedSigner
  readonly require: Expectation['require']
  bundles(): Promise<FetchedBundles>
}

/** A bundle beside the material, by a certificate of this identity. */
export async function sigstoreProof(
  run: FetchRun,
  item: MaterialItem,
  bytes: SignedBytes,
  { bundle, identity, issuer }: Extract<Verify, { kind: 'sigstore' }>,
): Promise<Checked> {
  const found = await fetchBeside(run.address(bundle), LIMITS.bundleBytes, run.download)
  const fetched = {
    bundles: [{ bytes: found, manifest: sha256(found), beside: true as const }],
    complete: true,
    skipped: [],
  }
  const expected = { kind: 'sigstore', identity: { exact: identity }, issuer } as const
  return bundleProof(run, item, bytes, { expected, require: ['signature'], bundles: async () => fetched })
}

/** What GitHub keeps about the digest, by exactly this workflow of this very repository: its provenance. */
export async function githubProof(
  run: FetchRun,
  item: MaterialItem,
  bytes: SignedBytes,
  proof: GithubProof,
): Promise<Checked> {
  const { attestations } = run.ports
  if (attestations === undefined)
    throw fail('github/api-permission', `Nobody can be asked for the attestations of ${proof.repository}`, {
      expected: 'a token that may read attestations',
      remedy: 'Give the job the permission attestations: read, and the input github-token.',
    })
  const expected = expectedGithub(proof)
  const bundles = () => attestations(proof.repository, digestOf(bytes))
  return bundleProof(run, item, bytes, { expected, require: ['provenance'], bundles })
}

/**
 * The manifest's expectation holds, and where the policy has signers for it, one of theirs as well: then it is the policy's
 * word, else the judged commit's own (13-adversary 20). Every signer names its own root (13-adversary 29).
 */
async function bundleProof(run: FetchRun, item: MaterialItem, bytes: SignedBytes, claim: Claim): Promise<Checked> {
  const rule = run.rule(item.uri.canonical)
  const signers = signersFor(run.request, rule)
  const mustBeListed = rule !== undefined && rule.keys.length > 0
  if (mustBeListed && signers.length === 0) throw notListed(item, rule.keys)
  const refusals: Refused[] = []
  for (const { name, key } of signers) {
    const own = await attempt(run, item, bytes, claim, key.trust)
    const listed = 'proof' in own ? await attempt(run, item, bytes, { ...claim, expected: key.signer }, key.trust) : own
    if ('proof' in listed) return { proof: { ...listed.proof, keys: 'policy', by: `${listed.proof.by} (${name})` } }
    refusals.push(listed)
  }
  if (!mustBeListed) {
    const own = await attempt(run, item, bytes, claim, 'public-good')
    if ('proof' in own) return own
    refusals.unshift(own)
  }
  return weakest(refusals)
}

/** Any one would have been enough, so one that could not be looked at leaves it open. */
function weakest(refusals: readonly Refused[]): Refused {
  const open = refusals.find(({ verdict }) => verdict === 'unknown')
  return open ?? { verdict: 'rejected', findings: distinct(refusals.flatMap(({ findings }) => findings)) }
}

function distinct(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map(item => [`${item.code} ${item.message} ${item.found}`, item])).values()]
}

type Signature = Extract<MaterialProof, { kind: 'signature' }>

async function attempt(
  run: FetchRun,
  item: MaterialItem,
  bytes: SignedBytes,
  claim: Claim,
  trust: TrustName,
): Promise<{ readonly proof: Signature } | Refused> {
  try {
    const gate = new GateRun(portsFor(run, bytes, claim, trust))
    const subject = { kind: 'file', name: item.uri.canonical, path: bytes.name } as const
    return outcomeOf(await verifyFile(subject, expectationOf(run, claim, trust), gate), item)
  } catch (error) {
    return refusalOf(asWaybillError(error), item)
  }
}

function outcomeOf({ verdict, by, findings, links = [], digest }: SubjectReceipt, item: MaterialItem) {
  const evidence = links.find(({ bundle }) => bundle !== undefined)?.bundle
  if (verdict === 'passed' && evidence !== undefined)
    return { proof: { kind: 'signature', keys: 'declared-by-commit', by: by ?? '', evidence } } as const
  if (verdict === 'passed' || verdict === 'not-asked') throw new TypeError(`no bundle proves ${digest}`)
  return { verdict, findings: findings.map(finding => ({ ...finding, subject: item.uri.canonical })) }
}

function expectationOf({ request }: FetchRun, { expected, require }: Claim, trust: TrustName): Expectation {
  const { policy } = request
  return {
    build: expected,
    require,
    stage: 'deploy',
    sourceMode: 'any',
    trust,
    quarantined: policy.quarantined,
    private: false,
    revoked: policy.revoked,
    description: `${require.join(', ')} by ${signerText(expected)}`,
  }
}

function portsFor(run: FetchRun, bytes: SignedBytes, { bundles }: Claim, trust: TrustName): VerifyPorts {
  const { now } = run.ports
  return {
    resolve: () => Promise.reject(new TypeError('a file is not resolved')),
    hashFile: async () => ({ digest: digestOf(bytes), size: bytes.size, content: bytes.content }),
    evidence: () => [bundles],
    verifier: async () => verifierOf(await rootOf(run, trust)),
    now,
    clock: () => 0,
  }
}

function verifierOf(root: TrustRoot): Verifier {
  return { bundle: (bytes, artifact) => verifyArtifact(bytes, artifact, root, needUnder(root)) }
}

/** @throws `sigstore/trust-…`, `materials/key-unusable` */
export async function rootOf({ ports, request }: FetchRun, trust: TrustName): Promise<TrustRoot> {
  if (typeof trust === 'string') return ports.trustRoot(trust)
  const bytes = request.policyFiles.get(trust.file)
  if (bytes !== undefined) return loadTrust({ trustedRootFile: bytes })
  throw fail('materials/key-unusable', `The policy's trust root ${trust.file} is missing`, {
    expected: trust.file,
    found: 'no such file beside the policy',
  })
}

/** The parser of manifests takes whole names only, so no pattern is meant by them. */
function expectedGithub({ repository, repositoryId, signer, sourceRef, trigger }: GithubProof): ExpectedGithub {
  const [first, ...more] = sourceRef.map(literal)
  if (first === undefined) throw new TypeError('a manifest without a source ref')
  return {
    kind: 'github',
    repository,
    repositoryId: String(repositoryId),
    signer: workflowOf(signer),
    sourceRef: [first, ...more],
    trigger,
    issuer: GITHUB_ISSUER,
    server: GITHUB_SERVER,
  }
}

function workflowOf(text: string): ExpectedWorkflow {
  const at = text.indexOf('@')
  const behind = text.slice(at + 1)
  const commit = /^[0-9a-f]{40}$/.test(behind)
  return { path: text.slice(0, at), at: commit ? { commit: behind } : { ref: literal(behind) }, text }
}

function literal(text: string): Pattern {
  const pattern = text.includes('*') ? undefined : compilePattern(text)
  if (pattern !== undefined) return pattern
  throw fail('materials/manifest-unusable', 'A ref in the manifest cannot be compared', { found: text })
}

function notListed({ name, uri }: MaterialItem, keys: readonly string[]): WaybillError {
  return fail(
    'materials/key-not-allowed',
    `The policy asks for another signature on ${uri.canonical} than the manifest`,
    {
      expected: `a signature by ${keys.join(' or ')}`,
      found: `a certificate, in the item ${name}`,
    },
  )
}
