import type { Digest } from '../core/digest.ts'
import type { FileToAttach } from '../registry/attached-file.ts'
import { type AttachedBundle, attachBundles, type BundleToAttach } from '../registry/bundles.ts'
import type { Descriptor } from '../registry/manifest.ts'
import { formatReference } from '../registry/reference.ts'
import type { AttestationReceipt, SinkReceipt } from '../report/receipt.ts'
import { COMPARISON_NAME, COMPARISON_TYPE } from '../statements/comparison.ts'
import { RESOLVED_MATERIALS_NAME, RESOLVED_MATERIALS_TYPE } from '../statements/resolved-materials.ts'
import { SCAI_PREDICATE } from '../statements/scai.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'
import type { ServedImage } from './digest-stage.ts'
import { legacyReceipt } from './legacy-signatures.ts'
import { materialsClaims } from './materials-statements.ts'
import type { RunRecord } from './run.ts'
import { beginSavingState } from './saved-state.ts'
import type { Signed, SignedDocument } from './sign-stage.ts'
import { announce, errorOfSinks, failedPlace, fillSinks, furtherSinks, placesIn, type Sink } from './sinks.ts'
import type { SourceOutcome } from './source-stage.ts'
import { statedJudgement } from './source-statements.ts'
import { liesBeside } from './stated.ts'
import { subjectsOf } from './subjects-of.ts'

/** Statements of one run about each image: signature and provenance. */
const BUNDLES = 2
/** Statements about the commit, which travel with it: summary and detail. */
const SOURCE_BUNDLES = 2
/** The claims about materials, and the resolved manifest that they name. */
const MATERIALS_BUNDLES = 2

interface ToPublish {
  readonly source: SourceOutcome
  readonly built: Built
  readonly image: ServedImage
}

/** Begins to open a connection for each manifest that will be attached, so that all can travel at once. */
export function beginPublishing(request: AttestRequest, ports: AttestPorts, { source, built, image }: ToPublish): void {
  const stated = statedJudgement(request, source, built) === undefined ? 0 : SOURCE_BUNDLES
  const claimed = materialsClaims(built).length === 0 ? 0 : MATERIALS_BUNDLES
  const bundles = BUNDLES + stated + claimed
  for (const repository of image.repositories) ports.registry.warm(repository, subjectsOf(image).length * bundles)
}

/**
 * Brings what was signed to every place that was asked for: attached to the image and each platform manifest in every repository,
 * and where inputs name more. Each place is tried and has its own status; one that failed ends the run, so that no tag moves and
 * a repeat adds what is missing. Repeating it adds nothing else.
 */
export function publishBundles(
  request: AttestRequest,
  ports: AttestPorts,
  { built, image, signed }: Pick<ToPublish, 'built' | 'image'> & { readonly signed: Signed },
  record: RunRecord,
): Promise<void> {
  return record.stages.run('publish', undefined, async () => {
    const files = [...resolvedManifest(built, image, signed), ...comparisonOf(image, signed)]
    const items = subjectsOf(image).flatMap(subject =>
      signed.bundles.filter(({ bytes }) => liesBeside(bytes, subject.digest)).map(bundle => itemOf(bundle, subject)),
    )
    const stored: Stored = new Map()
    const registries = image.repositories.map(
      (repository): Sink => ({
        name: 'registry',
        place: formatReference(repository),
        fill: async () => {
          stored.set(formatReference(repository), await attachBundles(ports.registry, repository, items, { files }))
          return undefined
        },
      }),
    )
    const inRegistries = await fillSinks(registries)
    // Only then: a run that is cut finds its bundles in the registry again, and what was copied from them is not made anew beside it.
    const filled = [...inRegistries, ...(await fillSinks(furtherSinks(request, ports, { image, signed })))]
    beginSavingState(ports, record)
    const receipts = filled.map(({ receipt }) => receipt)
    const inAll = placesIn(receipts, 'registry', 'failed').length === 0
    const announced = inAll ? await announce(ports, image) : undefined
    record.sinks = [...receipts, ...(announced === undefined ? [] : [announced])]
    record.attestations = receiptsOf(image, signed, items, { stored, sinks: record.sinks })
    record.notices.push(...record.sinks.flatMap(noticeOf))
    const error = errorOfSinks(filled)
    if (error !== undefined) throw error
    return { state: 'passed', value: undefined }
  })
}

/** A place that keeps nothing for repositories like this ends no run; whoever asked for it has to know. */
function noticeOf({ name, place, state, error }: SinkReceipt): readonly string[] {
  const ends = state === 'failed' && name !== 'github-artifacts'
  return error === undefined || ends ? [] : [`${name} (${place}): ${error.message} (${error.code})`]
}

function receiptsOf(
  image: ServedImage,
  { bundles, legacy = [] }: Signed,
  items: readonly BundleToAttach[],
  places: Places,
): readonly AttestationReceipt[] {
  const inTags = placesIn(places.sinks, 'legacy-signatures', 'passed').map(({ place }) => place)
  return [
    ...bundles.map(bundle => receiptOf(bundle, image.descriptor.digest, items, places)),
    ...legacy.map(one => legacyReceipt(one, inTags.includes(formatReference(one.repository)))),
  ]
}

/** On the index alone: whoever has a platform finds the claims there, and in them its digest. */
function resolvedManifest(built: Built, image: ServedImage, { bundles }: Signed): readonly FileToAttach[] {
  const { materials } = built
  const claims = bundles.find(({ predicateType }) => predicateType === SCAI_PREDICATE)
  // Claims of another kind name another file.
  if (claims === undefined || materials.resolved === undefined || materialsClaims(built).length === 0) return []
  const { bytes } = materials.resolved
  const kind = { artifactType: RESOLVED_MATERIALS_TYPE, title: RESOLVED_MATERIALS_NAME }
  return [{ subject: image.descriptor, bytes, ...kind, created: claims.signedAt }]
}

/** Beside the index, like the manifest of materials: the claim names it by digest. */
function comparisonOf(image: ServedImage, { bundles, comparison }: Signed): readonly FileToAttach[] {
  const claim = bundles.findLast(({ predicateType }) => predicateType === SCAI_PREDICATE)
  if (claim === undefined || comparison === undefined) return []
  const kind = { artifactType: COMPARISON_TYPE, title: COMPARISON_NAME }
  return [{ subject: image.descriptor, bytes: comparison.bytes, ...kind, created: claim.signedAt }]
}

function itemOf(bundle: SignedDocument, subject: Descriptor): BundleToAttach {
  return { subject, bundle: bundle.bytes, predicateType: bundle.predicateType, created: bundle.signedAt }
}

/** By repository; in the order of the items. */
type Stored = Map<string, readonly AttachedBundle[]>

interface Places {
  readonly stored: Stored
  readonly sinks: readonly SinkReceipt[]
}

function receiptOf(
  document: SignedDocument,
  image: Digest,
  items: readonly BundleToAttach[],
  { stored, sinks }: Places,
): AttestationReceipt {
  const whole = items.findIndex(item => item.bundle === document.bytes && item.subject.digest === image)
  // What is about one platform lies beside that alone.
  const at = whole >= 0 ? whole : items.findIndex(item => item.bundle === document.bytes)
  const subject = items[at]?.subject.digest ?? image
  const inRegistries = placesIn(sinks, 'registry', 'passed').map(({ place }) => ({
    place,
    one: stored.get(place)?.[at],
  }))
  const manifest = inRegistries[0]?.one?.manifest
  const failed = placesIn(sinks, 'registry', 'failed')
  return {
    predicateType: document.predicateType,
    subject,
    ...(manifest === undefined ? {} : { manifest }),
    bundle: document.path,
    ...(document.log === undefined ? {} : { log: document.log }),
    stored: inRegistries.map(({ place, one }) => `${place} (${one?.stored})`),
    ...(failed.length === 0 ? {} : { notStored: failed.map(failedPlace) }),
  }
}
