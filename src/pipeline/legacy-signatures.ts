import { type Digest, hexOf } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import { foreignSigner, type OwnSigner } from '../policy/same-attestation.ts'
import { fetchLegacy, legacyTag } from '../registry/legacy.ts'
import { appendLegacy, type LegacyContent } from '../registry/legacy-append.ts'
import type { Descriptor } from '../registry/manifest.ts'
import { formatReference, type Repository } from '../registry/reference.ts'
import type { AttestationReceipt } from '../report/receipt.ts'
import { legacyLayer } from '../sigstore/legacy-layer.ts'
import { simpleSigningPayload } from '../statements/simple-signing.ts'
import { COSIGN_SIGN_PREDICATE, SIMPLE_SIGNING } from '../statements/statement.ts'
import type { AttestPorts, LegacyVerifier } from './attest-request.ts'
import { KeptForTags } from './kept-for-tags.ts'
import { BUNDLE_FOLDER, LEGACY_FOLDER, type SignedDocument, type SigningWorld } from './kept-statements.ts'
import { statedDigests } from './stated.ts'
import { subjectsOf } from './subjects-of.ts'

/** One signature for a `.sig` tag: of one digest in one repository, since the name stands in what is signed. */
export interface LegacySigned {
  readonly repository: Repository
  readonly subject: Digest
  readonly content: LegacyContent
  /** Its bundle on disk; absent: an earlier attempt of this run signed it, and it is in the registry. */
  readonly made?: { readonly path: string; readonly log?: { readonly url: string; readonly index: string } }
}

/** Signatures made at the same time. */
const PARALLEL = 4

/**
 * Signs each digest for each repository as cosign ≤ 2 does, but none that this very run signed already: what lies under the tag
 * counts only if it verifies and is by this signer (13-adversary 24). Each bundle is on disk the moment it exists, and all are waited
 * for: what was signed is kept, whatever happens to another.
 */
export async function signLegacy(world: SigningWorld): Promise<readonly LegacySigned[]> {
  const { ports, image, earlier, hand, record } = world
  if (ports.legacyVerifier === undefined) throw new TypeError('signatures in tags without a verifier of them')
  const verify = await ports.legacyVerifier()
  const places = image.repositories.flatMap(repository =>
    subjectsOf(image).map(({ digest: subject }) => ({ repository, subject })),
  )
  const kept = new KeptForTags(await earlier.forTags())
  const signOne = async ({ repository, subject }: Place): Promise<LegacySigned> => {
    const name = formatReference(repository)
    const wanted = { payload: simpleSigningPayload(name, subject), own: earlier.own, verify }
    const onDisk = kept.find(wanted)
    const found = await foundOf(ports, repository, subject, wanted)
    if (found !== undefined) return { repository, subject, content: found }
    const { bundle, log } = onDisk ?? (await (await hand()).signImage(name, subject))
    const path = await ports.keep(pathOf(name, subject), bundle)
    const { annotations } = legacyLayer(bundle, wanted.payload)
    const made = { path, ...(log === undefined ? {} : { log }) }
    const one = { repository, subject, content: { payload: wanted.payload, annotations }, made }
    record.attestations = [...record.attestations, legacyReceipt(one, false)]
    return one
  }
  const settled = await inParallel(places, PARALLEL, async place => (await Promise.allSettled([signOne(place)]))[0])
  record.notices.push(...kept.notices())
  return settled.map(one => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}

function pathOf(name: string, subject: Digest): string {
  const place = name.replaceAll(/[^A-Za-z0-9._-]/g, '-')
  return `${BUNDLE_FOLDER}/${LEGACY_FOLDER}/${place}-${hexOf(subject)}.sigstore.json`
}

type Place = Pick<LegacySigned, 'repository' | 'subject'>

/** A signature for a tag that counts as this run's own. */
export interface Wanted {
  readonly payload: Uint8Array
  /** Absent: of a run that is not known nothing can be its own. */
  readonly own: OwnSigner | undefined
  readonly verify: LegacyVerifier
}

async function foundOf(
  { registry }: AttestPorts,
  repository: Repository,
  subject: Digest,
  { payload, own, verify }: Wanted,
): Promise<LegacyContent | undefined> {
  if (own === undefined) return undefined
  const { legacy } = await fetchLegacy(registry, repository, subject)
  return legacy.find(signature => {
    if (signature.form !== 'signature' || !Buffer.from(payload).equals(signature.payload)) return false
    try {
      return foreignSigner(verify(signature).signer, own) === undefined
    } catch (error) {
      // Whoever may push may plant what verifies nowhere; it stays what it is, and ours is made.
      if (asWaybillError(error).code === 'core/internal') throw error
      return false
    }
  })
}

export interface LegacyToPublish {
  readonly subjects: readonly Descriptor[]
  readonly bundles: readonly SignedDocument[]
  readonly legacy: readonly LegacySigned[]
}

/**
 * Fills the `.sig` and `.att` tags of an image and its platforms in one repository. An attestation is the one that is attached, in
 * another form: it was signed and logged once. What is stated of the commit alone has no place in a tag that is about an image.
 * @returns how many signatures and attestations were not there before.
 */
export async function publishLegacy(
  { registry }: AttestPorts,
  repository: Repository,
  { subjects, bundles, legacy }: LegacyToPublish,
): Promise<number> {
  const attestations = bundles
    .filter(({ predicateType }) => predicateType !== COSIGN_SIGN_PREDICATE)
    .map(({ bytes, predicateType }) => ({ about: statedDigests(bytes), content: attestationOf(bytes, predicateType) }))
  const added = await Promise.all(
    subjects.flatMap(({ digest: subject }) => {
      const here = legacy.filter(one => one.subject === subject && one.repository === repository)
      const signatures = here.map(({ content }) => content)
      const about = attestations.filter(one => one.about.has(subject)).map(({ content }) => content)
      return [
        appendLegacy(registry, repository, { subject, form: 'signature' }, signatures),
        ...(about.length === 0 ? [] : [appendLegacy(registry, repository, { subject, form: 'attestation' }, about)]),
      ]
    }),
  )
  return added.reduce((sum, one) => sum + one.added, 0)
}

/** cosign writes the type beside it, for whoever replaces an attestation of one type. */
function attestationOf(bundle: Uint8Array, predicateType: string): LegacyContent {
  const { payload, annotations } = legacyLayer(bundle)
  return { payload, annotations: { ...annotations, predicateType } }
}

/** @param stored whether its sink says that it is in the registry. */
export function legacyReceipt({ repository, subject, made }: LegacySigned, stored: boolean): AttestationReceipt {
  const tag = formatReference({ ...repository, tag: legacyTag(subject, 'signature') })
  return {
    predicateType: SIMPLE_SIGNING,
    subject,
    ...(made === undefined ? {} : { bundle: made.path }),
    ...(made?.log === undefined ? {} : { log: made.log }),
    ...(stored || made === undefined ? { stored: [tag] } : {}),
  }
}
