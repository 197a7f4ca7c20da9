import { asWaybillError, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { findingOf } from '../core/verdict.ts'
import { remove } from '../io/files.ts'
import { renameInto } from '../io/private-file.ts'
import type { Address } from '../materials/fetch/answer.ts'
import { fromCache, intoCache } from '../materials/fetch/cache.ts'
import { type Downloaded, download } from '../materials/fetch/download.ts'
import type { MaterialItem, Verify } from '../materials/manifest/item.ts'
import type { ByteFacts, HashName, Wanted } from '../materials/proof/byte-check.ts'
import { refuseQuarantined } from '../policy/base-images.ts'
import { digestOf, signedBytes } from './materials-fetch-bytes.ts'
import { requireListed } from './materials-fetch-keys.ts'
import { type FetchRun, isRefusedMaterial, passedMaterial, refusedMaterial } from './materials-fetch-run.ts'
import { verifyBytes } from './materials-fetch-verify.ts'
import type { FetchedMaterial } from './materials-outcome.ts'

/** One file by its address or a mirror. @throws what says that its verdict is not passed */
export async function fetchFile(run: FetchRun, item: MaterialItem, url: string): Promise<FetchedMaterial> {
  const rule = run.rule(url)
  requireListed(rule, item)
  const { addresses, refused } = addressesOf(run, item, url)
  const wanted = wantedOf(item, item.verify)
  const part = run.part()
  const { cacheFolder } = run.ports
  const kept = cacheFolder === undefined ? undefined : await fromCache(cacheFolder, wanted, part)
  const got: Downloaded =
    kept === undefined
      ? await download({ wanted, addresses, path: part }, run.download).catch(thrownAway(part))
      : { ...kept, from: 'the cache', hosts: [], failures: [] }
  return finish(run, item, { ...got, path: part, failures: [...refused, ...got.failures] })
}

interface Fetched extends Downloaded {
  readonly path: string
}

/** Verifies what was fetched, and gives it its name. */
export async function finish(run: FetchRun, item: MaterialItem, fetched: Fetched): Promise<FetchedMaterial> {
  const { path, from, hosts, bytes } = fetched
  const signed = signedBytes(fetched, path, item.name)
  try {
    refuseQuarantined(run.request.policy, item.uri.canonical, [digestOf(signed)])
    const checked = await verifyBytes(run, item, signed, item.verify)
    if (isRefusedMaterial(checked)) return refusedMaterial(run, item, checked)
    const place = run.place(item)
    const digest = shownDigest(item, fetched)
    if (run.ports.cacheFolder !== undefined)
      await intoCache(run.ports.cacheFolder, new Map(Object.entries(digest)), path)
    await renameInto(path, place)
    const notes = fetched.failures.map(error => findingOf(error, item.uri.canonical, 'note'))
    return passedMaterial(run, item, { path: place, size: bytes, from, hosts, digest, notes }, checked.proof)
  } finally {
    await remove(path)
  }
}

/** Which hashes the check of its signature needs besides those of the digest. */
export function wantedOf(
  { name, digest, size = LIMITS.materialBytes }: MaterialItem,
  verify: Verify | undefined,
): Wanted {
  const also: readonly HashName[] =
    verify?.kind === 'minisign' ? ['blake2b512'] : verify?.kind === 'checksums' ? ['sha512'] : []
  return { name, digest, size, also }
}

/** A mirror without a rule is not asked, and told. */
function addressesOf(
  run: FetchRun,
  { mirrors }: MaterialItem,
  url: string,
): { readonly addresses: readonly Address[]; readonly refused: readonly WaybillError[] } {
  const refused: WaybillError[] = []
  const others = mirrors.flatMap(mirror => {
    try {
      return [run.address(mirror)]
    } catch (error) {
      refused.push(asWaybillError(error))
      return []
    }
  })
  return { addresses: [run.address(url), ...others], refused }
}

/** SHA-256 always, and what the manifest names besides. */
function shownDigest(item: MaterialItem, { digests }: ByteFacts): Readonly<Record<string, string>> {
  const sha256 = Buffer.from(digests.get('sha256') ?? []).toString('hex')
  return { sha256, ...Object.fromEntries(item.digest) }
}

function thrownAway(path: string): (error: unknown) => Promise<never> {
  return async error => {
    await remove(path)
    throw error
  }
}
