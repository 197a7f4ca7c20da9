import { type Digest, hexOf, sha256 } from '../../src/core/digest.ts'
import type { JsonObject } from '../../src/core/json.ts'
import type { CertificateSigner, CiExtensions, ObservedSigner } from '../../src/core/signer.ts'
import type { Signed } from '../../src/policy/gate-case.ts'
import { type DeploySummaryFacts, deploySummaryStatement, deployVerifierId } from '../../src/statements/deploy-vsa.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { type QuarantineRecord, quarantineStatement } from '../../src/statements/quarantine.ts'
import { type ScaiClaim, type ScaiResource, scaiStatement } from '../../src/statements/scai.ts'
import { DEPLOY } from '../statements/chain-facts.ts'
import { COMMIT, certificate, IMAGE, provenance, type SignedOptions, signed } from './images.ts'
import { POLICY_URI } from './source-world.ts'

/** Links above an image's source, as the verifier would hand them over: of the image and run that `images.ts` speaks of. */
export const GATE_POLICY = { uri: POLICY_URI, digest: sha256('the policy') }

const MAIN = { ref: 'refs/heads/main' }

/** Another workflow of the same repository, on its main branch. */
function workflow(name: string, ci: Partial<CiExtensions> = {}): CertificateSigner {
  const san = `https://github.com/acme/app/.github/workflows/${name}.yml@${MAIN.ref}`
  const run = 'https://github.com/acme/app/actions/runs/2/attempts/1'
  return certificate({
    san,
    ci: { buildSignerUri: san, buildConfigUri: san, sourceRepositoryRef: MAIN.ref, runInvocationUri: run, ...ci },
  })
}

/** Who may deploy to production, who may put into quarantine, and somebody who may neither. */
export const DEPLOYER = workflow('deploy', { environment: 'production' })
export const GUARD = workflow('guard')
export const MALLORY = certificate({ san: 'mallory@example.com' })

/** The text of `build`, `deployer`, `quarantine-by` for them. */
export const BUILD_TEXT =
  'github: {repository: acme/app, repository-id: 4711, signer: "acme/app/.github/workflows/release.yml@refs/tags/v*", source-ref: ["refs/tags/v*"]}'
const onMain = (name: string, more = '') =>
  `github: {repository: acme/app, repository-id: 4711, signer: "acme/app/.github/workflows/${name}.yml@refs/heads/main", source-ref: [refs/heads/main]${more}}`
export const DEPLOYER_TEXT = onMain('deploy', ', environment: production')
export const GUARD_TEXT = onMain('guard')

export function resource(name: string, more: Partial<ScaiResource> = {}): ScaiResource {
  return { digest: { sha256: hexOf(sha256(name)) }, ...more }
}

/** A base image and a download, signed by whom the policy of the build names; nothing else could enter. */
export const GOOD_CLAIMS: readonly ScaiClaim[] = [
  {
    attribute: 'BASE_IMAGE_SIGNATURE_VERIFIED',
    target: resource('base'),
    keys: 'policy',
    evidence: resource('bundle'),
  },
  { attribute: 'MATERIAL_DIGEST_VERIFIED', target: resource('tini') },
  { attribute: 'MATERIAL_SIGNATURE_VERIFIED', target: resource('tini'), keys: 'policy', evidence: resource('sig') },
  { attribute: 'BASE_IMAGES_DECLARED' },
  {
    attribute: 'BUILD_SOURCES_CLOSED_WORLD',
    conditions: { builder: 'fresh', cache: 'none', network: 'none' },
    evidence: resource('source policy'),
  },
  { attribute: 'REPRODUCIBLE', evidence: resource('comparison') },
]

export function scai(claims: readonly ScaiClaim[] = GOOD_CLAIMS, options: SignedOptions = {}): Signed {
  const bytes = scaiStatement([{ digest: { sha256: hexOf(options.digest ?? IMAGE) } }], claims)
  return ofBytes(bytes, options)
}

/** A provenance whose materials were insisted on, and which lists them. */
export function enforced(change: Parameters<typeof provenance>[0] = {}, options: SignedOptions = {}): Signed {
  const dependencies = [
    { uri: 'git+https://github.com/acme/app@refs/tags/v1.2.3', digest: { gitCommit: COMMIT } },
    { uri: 'docker-image://ghcr.io/acme/base:1', digest: resource('base').digest },
    { uri: 'https://example.com/tini', digest: resource('tini').digest },
  ]
  return provenance(
    {
      'buildDefinition.internalParameters.waybill.materials': { mode: 'enforce', verdict: 'passed' },
      'buildDefinition.resolvedDependencies': dependencies,
      ...change,
    },
    options,
  )
}

export function deploySummary(
  change: Partial<DeploySummaryFacts> = {},
  { signer = DEPLOYER, ...options }: SignedOptions = {},
  predicate: JsonObject = {},
): Signed {
  const { run: _none, ...stated } = DEPLOY
  const facts: DeploySummaryFacts = {
    ...stated,
    digests: [options.digest ?? IMAGE],
    verifierId: deployVerifierId(signer),
    policy: GATE_POLICY,
    ...change,
  }
  return ofBytes(deploySummaryStatement(facts), { ...options, signer }, predicate)
}

export function quarantine(change: Partial<QuarantineRecord> = {}, options: SignedOptions = {}): Signed {
  const record = {
    digest: options.digest ?? IMAGE,
    decision: 'quarantine',
    policy: GATE_POLICY.uri,
    environment: 'production',
    reason: 'the signature does not verify',
    codes: ['verify/identity-mismatch'],
    nonce: '5f0e6a1b9c2d4e7f8a3b6c5d4e7f0a1b',
    ...change,
  } as QuarantineRecord
  return ofBytes(quarantineStatement(record), { signer: GUARD, ...options })
}

export function release(of: Signed, change: Partial<QuarantineRecord> = {}, options: SignedOptions = {}): Signed {
  return quarantine({ decision: 'release', releases: of.payload, reason: 'looked at', codes: [], ...change }, options)
}

/** A statement's bytes with every subject, as if signed. */
function ofBytes(
  bytes: Uint8Array,
  options: SignedOptions & { signer?: ObservedSigner },
  more: JsonObject = {},
): Signed {
  const { subject, predicateType, predicate } = parseStatement(bytes)
  const item = signed({ ...options, predicateType, predicate: { ...predicate, ...more }, payload: sha256(bytes) })
  return { ...item, statement: { ...item.statement, subject } }
}

export function at(time: string): { readonly signedAt: Date } {
  return { signedAt: new Date(time) }
}

export function digestOfName(name: string): Digest {
  return sha256(name)
}
