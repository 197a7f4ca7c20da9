import { type Digest, hexOf } from '../core/digest.ts'
import { together } from '../core/together.ts'
import { worst } from '../core/verdict.ts'
import { addImages, type NewImage, nameFor } from '../materials/manifest/add.ts'
import type { DigestName, MaterialItem } from '../materials/manifest/item.ts'
import { lockManifest } from '../materials/manifest/lock.ts'
import type { LockChange, LockReport } from '../report/lock.ts'
import { lawOf } from './materials-command-judge.ts'
import { type LockPorts, lockedImages } from './materials-command-lock-images.ts'
import type { JudgedFiles } from './materials-command-request.ts'
import type { FetchedMaterial, JudgedMaterial } from './materials-outcome.ts'
import { materialReceipt, proofWord } from './materials-receipt.ts'

export interface LockOutcome extends LockReport {
  /** The manifest as it is to be; absent: it stays, because nothing differs or something failed. */
  readonly bytes?: Uint8Array
}

/**
 * What the manifest would say if it were written now: the digest of every item as it is served, once the item's own verification
 * and the policy's rule hold for exactly these bytes, and an item for each base image under `digest-lock` that nothing pins yet.
 * All or nothing: while one item fails, nothing is to be written, so no digest is ever weaker than before (13-adversary 20).
 * @throws `materials/manifest-unusable`, `materials/dockerfile-malformed`, and configuration errors
 */
export async function lockFiles(files: JudgedFiles, path: string, ports: LockPorts): Promise<LockOutcome> {
  const items = files.manifest?.items ?? []
  const [images, fetched] = await together([lockedImages(files, path, ports), fetchNow(files, path, ports)])
  const judged = [...images.judged, ...fetched.map(item => item.judged)]
  const verdict = worst(['passed', ...judged.map(item => item.verdict)])
  const failed = judged.filter(item => item.verdict !== 'passed').map(item => materialReceipt(item, new Map()))
  if (verdict !== 'passed') return { path, outcome: verdict, failed, changes: [] }
  const wanted = new Map([...images.digests, ...(await digestsOf(fetched, items, ports))])
  const added = newImages(images.missing, items)
  // The address of a judged image has the digest in it, which is what is asked for here.
  const byUri = new Map(judged.map(item => [item.kind === 'image' ? `docker-image://${item.name}` : item.uri, item]))
  const changes = [...changesOf(items, wanted, byUri), ...added.map(image => additionOf(image))]
  const report = { path, outcome: verdict, failed, changes }
  if (changes.length === 0) return report
  const before = files.manifest?.bytes
  const locked = before === undefined ? undefined : lockManifest(before, path, wanted)
  return { ...report, bytes: addImages(locked, path, added) }
}

/** Fetched without the digests that stand there, so that what is served now is what is verified. */
async function fetchNow(files: JudgedFiles, path: string, ports: LockPorts): Promise<readonly FetchedMaterial[]> {
  const { policy, files: policyFiles } = lawOf(files.policy)
  const items = (files.manifest?.items ?? []).filter(({ uri }) => uri.kind !== 'image')
  if (items.length === 0) return []
  return ports.bring({
    // A mirror that is behind would put an old file beside a new one.
    items: items.map(item => ({ ...item, digest: new Map(), mirrors: [] })),
    manifest: path,
    ...(files.content === undefined ? {} : { tree: files.content.tree }),
    policy,
    policyFiles,
    commitFile: file => ports.file(file),
    folder: await ports.folder(),
  })
}

/** Digests of what was fetched, by the algorithms that the item has; a new one is SHA-256. */
async function digestsOf(
  fetched: readonly FetchedMaterial[],
  declared: readonly MaterialItem[],
  ports: LockPorts,
): Promise<ReadonlyMap<string, ReadonlyMap<DigestName, string>>> {
  const entries = fetched.map(async ({ item, judged, path }) => {
    const known = declared.find(({ name }) => name === item.name)?.digest ?? new Map()
    const names = known.size > 0 ? [...known.keys()] : [item.uri.kind === 'git' ? 'gitCommit' : 'sha256']
    const pairs = await Promise.all(
      (names as readonly DigestName[]).map(async (name): Promise<readonly [DigestName, string][]> => {
        const hex = judged.digest[name] ?? (name === 'gitCommit' ? undefined : await ports.hash(path ?? '', name))
        return hex === undefined ? [] : [[name, hex]]
      }),
    )
    return [item.name, new Map(pairs.flat())] as const
  })
  return new Map(await Promise.all(entries))
}

function changesOf(
  items: readonly MaterialItem[],
  wanted: ReadonlyMap<string, ReadonlyMap<DigestName, string>>,
  judged: ReadonlyMap<string, JudgedMaterial>,
): readonly LockChange[] {
  return items.flatMap(({ name, uri, digest }) =>
    [...(wanted.get(name) ?? [])].flatMap(([algorithm, next]): readonly LockChange[] => {
      const old = digest.get(algorithm)
      if (old === next) return []
      return [
        {
          name,
          uri: uri.canonical,
          algorithm,
          ...(old === undefined ? {} : { old }),
          next,
          ...proofOf(judged.get(uri.canonical)),
          added: false,
        },
      ]
    }),
  )
}

function proofOf(judged: JudgedMaterial | undefined): Pick<LockChange, 'proof' | 'by'> {
  if (judged === undefined) return { proof: 'none' }
  return { proof: proofWord(judged), ...(judged.proof?.kind === 'signature' ? { by: judged.proof.by } : {}) }
}

function newImages(
  missing: readonly { readonly reference: string; readonly digest: Digest }[],
  items: readonly MaterialItem[],
): readonly NewImage[] {
  const taken = items.map(({ name }) => name)
  return missing.map(({ reference, digest }) => {
    const name = nameFor(reference, taken)
    taken.push(name)
    return { name, reference, digest }
  })
}

function additionOf({ name, reference, digest }: NewImage): LockChange {
  const uri = `docker-image://${reference}`
  return { name, uri, algorithm: 'sha256', next: hexOf(digest), proof: 'pinned', added: true }
}
