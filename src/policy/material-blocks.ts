import { parseBaseImages } from './base-image-rules.ts'
import { parseMaterialKeys } from './material-keys.ts'
import { parseMaterials } from './materials-block.ts'
import type { FileReading } from './paths.ts'
import type { Policy } from './policy.ts'
import type { Fields } from './read.ts'

/** `base-images`, `materials` and `material-keys`: a block that is absent judges nothing and is not the same as an empty one. */
export function parseMaterialBlocks(
  reading: FileReading,
  fields: Fields,
): Pick<Policy, 'baseImages' | 'materials' | 'materialKeys'> {
  const images = fields.get('base-images')
  const keys = fields.get('material-keys')
  const materials = fields.get('materials')
  const baseImages = images === undefined ? undefined : parseBaseImages(reading, images)
  const materialKeys = keys === undefined ? undefined : parseMaterialKeys(reading, keys)
  return {
    ...(baseImages === undefined ? {} : { baseImages }),
    ...(materials === undefined ? {} : { materials: parseMaterials(reading, materials, materialKeys ?? new Map()) }),
    ...(materialKeys === undefined ? {} : { materialKeys }),
  }
}
