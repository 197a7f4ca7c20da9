import { checkServed } from '../build/platforms.ts'
import { fail } from '../core/error.ts'
import { type InspectedImage, inspectImage } from '../registry/image.ts'
import { formatReference, type Repository } from '../registry/reference.ts'
import type { PlatformReceipt } from '../report/receipt.ts'
import { isRecorded } from '../statements/provenance.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'
import type { RunRecord } from './run.ts'

/** The image as every repository serves it. */
export interface ServedImage extends InspectedImage {
  readonly repositories: readonly [Repository, ...Repository[]]
}

/**
 * Reads the manifest by digest from every repository and hashes those bytes, children included: what is signed must be
 * what can be pulled (5-build § 2). Nothing to read when nothing was pushed.
 */
export function readServedImage(
  request: AttestRequest,
  ports: AttestPorts,
  built: Built,
  record: RunRecord,
): Promise<ServedImage | undefined> {
  const { result } = built
  if (result.pushedTo.length === 0) {
    recordUnpushed(request, built, record)
    return Promise.resolve(undefined)
  }
  return record.stages.run('digest', undefined, async () => {
    const images = await Promise.all(
      request.repositories.map(repository => inspectImage(ports.registry, repository, result.digest)),
    )
    const [first] = images
    if (first === undefined) throw fail('core/internal', 'No repository to read the image from')
    if (!isRecorded(result.builder)) checkServed(namesOf(first), request.build.platforms)
    recordImage(request, built, first, record)
    return { state: 'passed', value: { ...first, repositories: request.repositories } }
  })
}

function namesOf({ platforms }: InspectedImage): readonly string[] {
  return platforms.map(({ platform }) => platform)
}

function recordImage(request: AttestRequest, built: Built, image: InspectedImage, record: RunRecord): void {
  record.image = {
    repository: formatReference(request.repositories[0]),
    digest: image.descriptor.digest,
    mediaType: image.descriptor.mediaType,
    platforms: image.platforms.map(
      ({ platform, digest, contentBytes }): PlatformReceipt => ({ platform, digest, size: contentBytes }),
    ),
    tags: [],
    builder: built.result.builder,
    pushed: true,
  }
}

function recordUnpushed(request: AttestRequest, built: Built, record: RunRecord): void {
  record.image = {
    repository: formatReference(request.repositories[0]),
    digest: built.result.digest,
    mediaType: built.result.mediaType ?? '',
    platforms: [],
    tags: [],
    builder: built.result.builder,
    pushed: false,
  }
}
