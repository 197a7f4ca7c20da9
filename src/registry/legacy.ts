import { type Digest, hexOf } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import type { Finding } from '../core/verdict.ts'
import { type ContentReader, fetchLayer, notRead, type ReadBundles, sizedLayer } from './bundle-manifest.ts'
import { EvidenceBudget, overBudget } from './evidence-budget.ts'
import { PARALLEL_READS } from './fetch-bundles.ts'
import { LeftOut } from './fetched.ts'
import { type Descriptor, parseManifest } from './manifest.ts'
import { formatReference, type Repository } from './reference.ts'

/**
 * What cosign ≤ 2 writes beside an image: one layer of the manifest tagged `sha256-<hex>.sig` or `sha256-<hex>.att`.
 *
 *     signature    payload: simple signing JSON, {"critical": {"type": "cosign container image signature", "image": {"docker-manifest-digest": …}, …}}
 *     attestation  payload: DSSE envelope JSON
 *     annotations  dev.cosignproject.cosign/signature, dev.sigstore.cosign/{certificate, chain, bundle, rfc3161timestamp}
 *
 * Unverified bytes and texts, whoever may push chose them. Source: cosign SIGNATURE_SPEC.md.
 */
export interface LegacySignature {
  readonly form: 'signature' | 'attestation'
  readonly payload: Uint8Array
  readonly annotations: Readonly<Record<string, string>>
  /** The manifest that lists it. */
  readonly manifest: Digest
}

export interface FetchedLegacy {
  /** Smallest first. */
  readonly legacy: readonly LegacySignature[]
  readonly complete: boolean
  readonly skipped: readonly Finding[]
}

/** The only type of layer that counts in each of the two tags. */
export const LEGACY_LAYER: Readonly<Record<LegacySignature['form'], string>> = {
  signature: 'application/vnd.dev.cosign.simplesigning.v1+json',
  attestation: 'application/vnd.dsse.envelope.v1+json',
}

const KINDS = [
  { form: 'signature', suffix: 'sig', mediaType: LEGACY_LAYER.signature },
  { form: 'attestation', suffix: 'att', mediaType: LEGACY_LAYER.attestation },
] as const

type Kind = (typeof KINDS)[number]

interface LegacyCandidate {
  readonly form: Kind['form']
  readonly manifest: Digest
  readonly layer: Descriptor
}

export interface LegacyOptions {
  /** Shared with the bundles of the same subject. */
  readonly budget?: EvidenceBudget
  readonly read?: ReadBundles
}

/** `sha256-<hex>.sig`, `sha256-<hex>.att` */
export function legacyTag(subject: Digest, form: LegacySignature['form']): string {
  return `sha256-${hexOf(subject)}.${form === 'signature' ? 'sig' : 'att'}`
}

/**
 * Signatures and attestations of cosign ≤ 2. Two requests, and one for each different payload. A tag that does not exist
 * holds none; whatever cannot be read is named, never fatal.
 */
export async function fetchLegacy(
  reader: ContentReader,
  repository: Repository,
  subject: Digest,
  options: LegacyOptions = {},
): Promise<FetchedLegacy> {
  const out = new LeftOut()
  const read = options.read ?? new Map()
  const listed = await Promise.all(
    KINDS.map(kind =>
      candidatesOf(reader, repository, subject, kind, out).catch(error => {
        out.skip(formatReference({ ...repository, tag: legacyTag(subject, kind.form) }), error)
        return []
      }),
    ),
  )
  const { chosen, left } = (options.budget ?? new EvidenceBudget()).choose(listed.flat())
  if (left[0] !== undefined) out.skip(left[0].manifest, overBudget(left.length))
  const legacy = await inParallel(chosen, PARALLEL_READS, candidate =>
    readPayload(reader, repository, candidate, read).catch(error => out.skip(candidate.manifest, error)),
  )
  return { legacy: legacy.filter(item => item !== undefined), complete: out.complete, skipped: out.findings }
}

async function candidatesOf(
  reader: ContentReader,
  repository: Repository,
  subject: Digest,
  { form, mediaType }: Kind,
  out: LeftOut,
): Promise<readonly LegacyCandidate[]> {
  const raw = await reader.getRaw(repository, legacyTag(subject, form))
  if (raw === undefined) return []
  const manifest = parseManifest(raw.bytes, raw.mediaType)
  if (manifest.kind !== 'image') throw notRead('an index under the tag of legacy signatures')
  const right = manifest.layers.filter(layer => layer.mediaType === mediaType)
  const others = manifest.layers.length - right.length
  if (others > 0) out.skip(raw.digest, notRead(`${others} layers of another type than ${mediaType}`))
  if (right.length > LIMITS.legacyLayers) out.skip(raw.digest, tooMany(right.length))
  return right.slice(0, LIMITS.legacyLayers).flatMap(layer => {
    try {
      return [{ form, manifest: raw.digest, layer: sizedLayer(layer) }]
    } catch (error) {
      out.skip(raw.digest, error)
      return []
    }
  })
}

async function readPayload(
  reader: ContentReader,
  repository: Repository,
  candidate: LegacyCandidate,
  read: ReadBundles,
): Promise<LegacySignature> {
  const { bytes } = await fetchLayer(reader, repository, candidate, read)
  const { form, manifest, layer } = candidate
  return { form, payload: bytes, annotations: layer.annotations ?? {}, manifest }
}

function tooMany(found: number): Error {
  return fail('registry/referrers-incomplete', 'More legacy signatures are attached than are examined', {
    expected: `at most ${LIMITS.legacyLayers} layers under one tag`,
    found: String(found),
  })
}
