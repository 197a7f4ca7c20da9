import type { Digest } from '../core/digest.ts'
import type { FileToAttach } from '../registry/attached-file.ts'
import { type AttachedBundle, attachBundles, type BundleToAttach } from '../registry/bundles.ts'
import type { Descriptor } from '../registry/manifest.ts'
import { formatReference } from '../registry/reference.ts'
import type { AttestationReceipt } from '../report/receipt.ts'
import { RESOLVED_MATERIALS_NAME, RESOLVED_MATERIALS_TYPE } from '../statements/resolved-materials.ts'
import { SCAI_PREDICATE } from '../statements/scai.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'
import type { ServedImage } from './digest-stage.ts'
import { type Everywhere, errorOfEverywhere, failedPlace, inEveryRepository } from './every-repository.ts'
import { materialsClaims } from './materials-statements.ts'
import type { RunRecord } from './run.ts'
import type { Signed, SignedDocument } from './sign-stage.ts'
import type { SourceOutcome } from './source-stage.ts'
import { statedJudgement } from './source-statements.ts'

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

/** Attaches every bundle to the image and to each platform manifest, in every repository. Repeating it adds nothing. */
export function publishBundles(
  ports: AttestPorts,
  { built, image, signed }: Pick<ToPublish, 'built' | 'image'> & { readonly signed: Signed },
  record: RunRecord,
): Promise<void> {
  return record.stages.run('publish', undefined, async () => {
    const files = resolvedManifest(built, image, signed)
    const items = subjectsOf(image).flatMap(subject => signed.bundles.map(bundle => itemOf(bundle, subject)))
    const published = await inEveryRepository(image.repositories, repository =>
      attachBundles(ports.registry, repository, items, { files }),
    )
    record.attestations = signed.bundles.map(bundle => receiptOf(bundle, image.descriptor.digest, items, published))
    const error = errorOfEverywhere(published)
    if (error !== undefined) throw error
    return { state: 'passed', value: undefined }
  })
}

/** On the index alone: whoever has a platform finds the claims there, and in them its digest. */
function resolvedManifest({ materials }: Built, image: ServedImage, { bundles }: Signed): readonly FileToAttach[] {
  const claims = bundles.find(({ predicateType }) => predicateType === SCAI_PREDICATE)
  if (claims === undefined || materials.resolved === undefined) return []
  const { bytes } = materials.resolved
  const kind = { artifactType: RESOLVED_MATERIALS_TYPE, title: RESOLVED_MATERIALS_NAME }
  return [{ subject: image.descriptor, bytes, ...kind, created: claims.signedAt }]
}

/** The index and every platform manifest; a plain image is its own only subject (5-build § 2). */
export function subjectsOf(image: ServedImage): readonly Descriptor[] {
  if (image.kind === 'image') return [image.descriptor]
  return [image.descriptor, ...image.platforms.map(platform => platform.descriptor)]
}

function itemOf(bundle: SignedDocument, subject: Descriptor): BundleToAttach {
  return { subject, bundle: bundle.bytes, predicateType: bundle.predicateType, created: bundle.signedAt }
}

function receiptOf(
  document: SignedDocument,
  subject: Digest,
  items: readonly BundleToAttach[],
  { done, failed }: Everywhere<readonly AttachedBundle[]>,
): AttestationReceipt {
  const at = items.findIndex(item => item.bundle === document.bytes && item.subject.digest === subject)
  const manifest = done[0]?.value[at]?.manifest
  return {
    predicateType: document.predicateType,
    subject,
    ...(manifest === undefined ? {} : { manifest }),
    bundle: document.path,
    ...(document.log === undefined ? {} : { log: document.log }),
    stored: done.map(({ repository, value }) => `${formatReference(repository)} (${value[at]?.stored})`),
    ...(failed.length === 0 ? {} : { notStored: failed.map(failedPlace) }),
  }
}
