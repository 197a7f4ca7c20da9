import { fail } from '../core/error.ts'
import type { FetchPorts, FetchRequest } from './materials-fetch-request.ts'
import type { FetchedMaterial } from './materials-outcome.ts'

export { placeMaterials } from '../materials/unpack/place.ts'
export type { ArtifactPlace, ArtifactSource, FetchPorts, FetchRequest } from './materials-fetch-request.ts'

/**
 * Fetches and verifies every material of a manifest that is no image, in parallel. What fails is a verdict of its item, never
 * the end of the others; an item without a rule is not even asked for (13-adversary 39).
 */
export async function fetchMaterials(_request: FetchRequest, _ports: FetchPorts): Promise<readonly FetchedMaterial[]> {
  throw fail('core/internal', 'Materials are not fetched yet')
}
