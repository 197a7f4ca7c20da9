import { asWaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import type { MaterialItem } from '../materials/manifest/item.ts'
import { fetchArtifact } from './materials-fetch-artifact.ts'
import { fetchFile } from './materials-fetch-file.ts'
import { fetchRepository } from './materials-fetch-git.ts'
import type { FetchPorts, FetchRequest } from './materials-fetch-request.ts'
import { FetchRun, refusalOf, refusedMaterial } from './materials-fetch-run.ts'
import type { FetchedMaterial } from './materials-outcome.ts'
import { fetchSubmodules } from './submodules.ts'

export { placeMaterials } from '../materials/unpack/place.ts'
export type { ArtifactPlace, ArtifactSource, FetchPorts, FetchRequest } from './materials-fetch-request.ts'

/**
 * Fetches and verifies every material of a manifest that is no image, in parallel. What fails is a verdict of its item, never
 * the end of the others; an item without a rule is not even asked for (13-adversary 39). Bytes get their name only once digest
 * and signature were right.
 *
 * An item without a digest passes with that of what is served, which is then for the caller to write down; the parser of
 * manifests gives none but under `github` and `sigstore`.
 *
 * Submodules of the judged tree come along, declared or not; those that nothing allows are refused without being asked for.
 * @throws `source/gitmodules-malformed`, `source/submodule-undeclared`: then nobody can say which submodules there are.
 */
export async function fetchMaterials(request: FetchRequest, ports: FetchPorts): Promise<readonly FetchedMaterial[]> {
  const run = new FetchRun(request, ports)
  const items = request.items.filter(({ uri, use }) => uri.kind !== 'image' && use.kind !== 'submodule')
  const submodules = fetchSubmodules(run)
  submodules.catch(() => {}) // told where it is waited for
  const fetched = await inParallel(items, LIMITS.materialsParallel, async item => {
    try {
      run.requireTime()
      return await fetchItem(run, item)
    } catch (error) {
      return refusedMaterial(run, item, refusalOf(asWaybillError(error), item))
    }
  })
  return [...fetched, ...(await submodules)]
}

function fetchItem(run: FetchRun, item: MaterialItem): Promise<FetchedMaterial> {
  const { uri } = item
  switch (uri.kind) {
    case 'git':
      return fetchRepository(run, item, uri)
    case 'artifact':
      return fetchArtifact(run, item, uri)
    case 'url':
      return fetchFile(run, item, uri.canonical)
    case 'image':
      throw new TypeError('images are judged elsewhere')
  }
}
