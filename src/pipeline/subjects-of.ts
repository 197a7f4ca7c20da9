import type { Descriptor } from '../registry/manifest.ts'
import type { ServedImage } from './digest-stage.ts'

/** The index and every platform manifest; a plain image is its own only subject (5-build § 2). */
export function subjectsOf(image: Pick<ServedImage, 'kind' | 'descriptor' | 'platforms'>): readonly Descriptor[] {
  if (image.kind === 'image') return [image.descriptor]
  return [image.descriptor, ...image.platforms.map(platform => platform.descriptor)]
}
