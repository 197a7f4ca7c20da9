import type { Digest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { isObject, parseJson } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { findingOf } from '../core/verdict.ts'
import type { ContentReader } from '../registry/bundle-manifest.ts'
import { inspectImage } from '../registry/image.ts'
import type { Repository } from '../registry/reference.ts'
import type { InspectedLabel } from '../report/inspection.ts'
import type { ImageFacts } from './inspect-request.ts'

export const NO_IMAGE: ImageFacts = { platforms: [], labels: [], skipped: [] }

/** The image as its registry serves it, with the labels of its first platform. What cannot be read is named. */
export async function imageFacts(reader: ContentReader, repository: Repository, digest: Digest): Promise<ImageFacts> {
  try {
    const { kind, platforms } = await inspectImage(reader, repository, digest)
    const shown = platforms.map(item => ({ platform: item.platform, digest: item.digest, size: item.contentBytes }))
    const facts = { kind, platforms: shown, labels: [], skipped: [] }
    const labels = await labelsOf(reader, repository, [digest, ...shown.slice(0, 1).map(item => item.digest)])
    return { ...facts, ...labels }
  } catch (error) {
    return { ...NO_IMAGE, skipped: [findingOf(asWaybillError(error), digest, 'note')] }
  }
}

/** Annotations of the manifests, labels of the config: words of whoever made the image, signed by nobody. */
async function labelsOf(
  reader: ContentReader,
  repository: Repository,
  digests: readonly Digest[],
): Promise<Pick<ImageFacts, 'labels' | 'skipped'>> {
  const labels: InspectedLabel[] = []
  try {
    for (const digest of new Set(digests)) {
      const { manifest } = await reader.getManifest(repository, digest)
      labels.push(...entries('annotation', manifest.annotations))
      if (manifest.kind === 'index') continue
      const config = parseJson(
        await reader.getBlob(repository, manifest.config.digest, LIMITS.manifestBytes),
        'image config',
      )
      const inner = isObject(config) && isObject(config.config) ? config.config.Labels : undefined
      if (isObject(inner)) labels.push(...entries('label', inner))
    }
    return { labels, skipped: [] }
  } catch (error) {
    return { labels, skipped: [findingOf(asWaybillError(error), digests[0] ?? '', 'note')] }
  }
}

function entries(from: InspectedLabel['from'], map: Readonly<Record<string, unknown>>): readonly InspectedLabel[] {
  return Object.entries(map).flatMap(([name, value]) => (typeof value === 'string' ? [{ from, name, value }] : []))
}
