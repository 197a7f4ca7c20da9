import { type Digest, hexOf } from '../core/digest.ts'
import type { ResourceDescriptor } from '../statements/provenance.ts'
import { RESOLVED_MATERIALS_NAME } from '../statements/resolved-materials.ts'
import { type BuildConditions, type ScaiClaim, type ScaiResource, scaiStatement } from '../statements/scai.ts'
import type { Subject } from '../statements/statement.ts'
import type { Built } from './build-stage.ts'
import type { JudgedMaterial, MaterialsOutcome } from './materials-outcome.ts'
import { proofWord } from './materials-receipt.ts'

/** What the gate's items would find in the claims of this run. */
export type MaterialsRequirement = 'materials-verified' | 'materials-pinned' | 'closed-world'

/**
 * The claims that this run may make about its materials: only where everything passed under enforce and the builder kept the
 * rest out. An audit earns none, however well it went (13-adversary 41), and what nobody here built neither (15).
 * @returns empty when there is nothing to claim.
 */
export function materialsClaims({ materials, result }: Built): readonly ScaiClaim[] {
  const { claim, allowed, judged, resolved } = materials
  const { enforcement } = result
  const enforced = claim.mode === 'enforce' && claim.verdict === 'passed' && allowed !== undefined
  if (!enforced || enforcement === undefined || resolved === undefined) return []
  const manifest: ScaiResource = { name: RESOLVED_MATERIALS_NAME, digest: digestSet(resolved.digest) }
  return [
    ...distinct(judged.flatMap(claimsOf)),
    { attribute: 'BASE_IMAGES_DECLARED', evidence: manifest },
    ...(unsignedFrontends(materials).length === 0 && isConfirmed(materials, result) ? closedClaim(result) : []),
  ]
}

/** The statement's bytes; undefined when nothing is claimed. */
export function materialsStatement(built: Built, subjects: readonly [Subject, ...Subject[]]): Uint8Array | undefined {
  const claims = materialsClaims(built)
  return claims.length === 0 ? undefined : scaiStatement(subjects, claims)
}

/** Which items of a gate's rule these claims must meet, so that a run can hold itself to them. */
export function claimedRequirements(built: Built): readonly MaterialsRequirement[] {
  const claims = materialsClaims(built)
  if (claims.length === 0) return []
  const signed = built.materials.judged.every(judged => proofWord(judged) === 'signed')
  const closed = claims.some(({ attribute }) => attribute === 'BUILD_SOURCES_CLOSED_WORLD')
  return [signed ? 'materials-verified' : 'materials-pinned', ...(closed ? (['closed-world'] as const) : [])]
}

/** A signature says who, a digest which bytes: of what is no image both were checked, and both are claimed. */
function claimsOf(judged: JudgedMaterial): readonly ScaiClaim[] {
  const { kind, name, uri, digest, proof } = judged
  const target = { name, uri, digest }
  const image = kind === 'image'
  const pinned: ScaiClaim = { attribute: image ? 'BASE_IMAGE_DIGEST_PINNED' : 'MATERIAL_DIGEST_VERIFIED', target }
  if (proof?.kind !== 'signature') return [pinned]
  const signed: ScaiClaim = {
    attribute: image ? 'BASE_IMAGE_SIGNATURE_VERIFIED' : 'MATERIAL_SIGNATURE_VERIFIED',
    target,
    keys: proof.keys,
    evidence: { digest: digestSet(proof.evidence) },
  }
  return image ? [signed] : [signed, pinned]
}

/**
 * 13-adversary 19: only of a builder made for this run, without a cache, a network, and secrets or agents to fetch with; and 18: never of a parser, which
 * sees what a Dockerfile says and not what a builder does.
 */
function closedClaim({ enforcement, conditions, opened = [] }: Built['result']): readonly ScaiClaim[] {
  if (
    enforcement?.by !== 'builder' ||
    enforcement.policy === undefined ||
    conditions === undefined ||
    opened.length > 0
  )
    return []
  const { builder, cache, network } = conditions
  if (builder !== 'fresh' || cache !== 'none' || network !== 'none') return []
  const closed: BuildConditions = { builder, cache, network }
  const evidence = { name: 'source-policy', digest: digestSet(enforcement.policy.digest) }
  return [{ attribute: 'BUILD_SOURCES_CLOSED_WORLD', conditions: closed, evidence }]
}

/**
 * The builder's own provenance says what went in, and was compared. One that names nothing although images were let in says
 * nothing either; then the canary alone speaks for the builder.
 */
function isConfirmed({ allowed }: MaterialsOutcome, { observed }: Built['result']): boolean {
  const images = (allowed?.images ?? []).filter(({ use }) => use !== 'builder')
  return observed !== undefined && (observed.length > 0 || images.length === 0)
}

/**
 * Frontend images that ran and that nobody whom the policy names has signed. A frontend is a program with the network, and `network:
 * none` is a wish that it passes on or not: whoever chose it could have brought anything in, and its digest only says that it was
 * chosen (13-adversary 19). Source: BuildKit 0.26.3 `frontend/gateway` (own container, `NewContainer`), `dockerui` `force-network-mode`.
 */
export function unsignedFrontends({
  allowed,
  judged,
}: Pick<MaterialsOutcome, 'allowed' | 'judged'>): readonly string[] {
  const frontends = (allowed?.images ?? []).filter(({ use }) => use === 'frontend')
  return frontends
    .filter(({ digest }) => {
      const own = judged.filter(one => one.digest.sha256 === hexOf(digest))
      return !own.some(({ proof }) => proof?.kind === 'signature' && proof.keys === 'policy')
    })
    .map(({ names, reference }) => names[0] ?? reference.canonical)
}

/** One image under two tags, or as base and as frontend, is one claim about one digest. */
function distinct(claims: readonly ScaiClaim[]): readonly ScaiClaim[] {
  const known = new Map<string, ScaiClaim>()
  for (const claim of claims) {
    const target = 'target' in claim ? claim.target : undefined
    const key = JSON.stringify([claim.attribute, target?.uri, Object.entries(target?.digest ?? {}).sort()])
    if (!known.has(key)) known.set(key, claim)
  }
  return [...known.values()]
}

/** For the provenance: what is known by digest, each with how it was verified and whether anything else was kept out. */
export function resolvedMaterials({ materials, result }: Built): readonly ResourceDescriptor[] {
  const enforced = materials.allowed !== undefined && result.enforcement !== undefined
  const known = materials.judged.filter(({ digest }) => Object.keys(digest).length > 0)
  const descriptors = known.map(judged => {
    const { name, uri, digest, verdict, proof } = judged
    const by = proof?.kind === 'signature' ? { by: proof.by } : {}
    const annotations = { proof: proofWord(judged), verdict, ...by, enforced: enforced ? 'true' : 'false' }
    return { name, uri, digest, annotations }
  })
  return [...new Map(descriptors.map(item => [JSON.stringify([item.uri, item.digest]), item])).values()]
}

/** The policy that the builder was given, for whoever wants to compare. */
export function sourcePolicyByproduct({ result }: Built): readonly ResourceDescriptor[] {
  const policy = result.enforcement?.policy
  return policy === undefined ? [] : [{ name: 'source-policy', digest: digestSet(policy.digest) }]
}

function digestSet(digest: Digest): Readonly<Record<string, string>> {
  return { sha256: hexOf(digest) }
}
