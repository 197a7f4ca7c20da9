import { hexOf } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { remove } from '../io/files.ts'
import { download } from '../materials/fetch/download.ts'
import type { MaterialItem, MaterialUri } from '../materials/manifest/item.ts'
import { takeOut } from '../materials/unpack/take-out.ts'
import { finish, wantedOf } from './materials-fetch-file.ts'
import { requireListed } from './materials-fetch-keys.ts'
import type { FetchRun } from './materials-fetch-run.ts'
import type { FetchedMaterial } from './materials-outcome.ts'

/**
 * A file that another workflow kept: of its newest successful run, out of the archive that the platform made of it, proved by
 * GitHub's attestation of exactly that file (13-adversary 20). That the platform served it proves nothing.
 */
export async function fetchArtifact(
  run: FetchRun,
  item: MaterialItem,
  uri: Extract<MaterialUri, { kind: 'artifact' }>,
): Promise<FetchedMaterial> {
  const rule = run.rule(uri.canonical)
  requireListed(rule, item)
  const { verify } = item
  if (verify?.kind !== 'github')
    throw fail('materials/key-not-allowed', `The artifact ${uri.canonical} has nobody who signed it`, {
      expected: 'verify: {github: {…}}',
      found: verify?.kind ?? 'no verify',
    })
  const { artifacts } = run.ports
  if (artifacts === undefined)
    throw fail('github/api-permission', `Nobody can be asked for ${uri.canonical}`, {
      expected: 'a token that may read actions of that repository',
      remedy: 'Give the job the permission actions: read, and the input github-token.',
    })
  const place = await artifacts.newest(uri, verify)
  const archive = run.part()
  const out = run.part()
  try {
    const digest = new Map(place.digest === undefined ? [] : [['sha256', hexOf(place.digest)]])
    const wanted = { name: `${uri.canonical} (zip)`, digest, size: LIMITS.materialBytes }
    // Chosen by the platform's API, not by the manifest; the address still has to be a public one, unless the API's is none.
    const addresses = [{ url: place.url, guard: run.guard(place.inside === true) }]
    const { hosts } = await download({ wanted, addresses, path: archive }, run.download)
    const facts = await takeOut(archive, uri.file, out, wantedOf(item, verify))
    return await finish(run, item, { ...facts, path: out, from: place.run, hosts, failures: [] })
  } finally {
    await remove(archive)
    await remove(out)
  }
}
