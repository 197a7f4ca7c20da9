import { hexOf } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { together } from '../core/together.ts'
import { findingOf, type Outcome, worst } from '../core/verdict.ts'
import { readDockerfile } from '../materials/dockerfile/instructions.ts'
import { addImages, type NewImage, nameFor } from '../materials/manifest/add.ts'
import type { DigestName, MaterialItem } from '../materials/manifest/item.ts'
import { lockManifest } from '../materials/manifest/lock.ts'
import type { LockChange, LockReport } from '../report/lock.ts'
import { lawOf } from './materials-command-judge.ts'
import { type LockPorts, lockedImages } from './materials-command-lock-images.ts'
import type { JudgedFiles } from './materials-command-request.ts'
import type { FetchedMaterial, JudgedMaterial } from './materials-outcome.ts'
import { materialReceipt } from './materials-receipt.ts'

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
  const verdict = judged.length === 0 ? 'passed' : worst(judged.map(item => item.verdict) as [Outcome, ...Outcome[]])
  const wanted = new Map([...images.digests, ...(await digestsOf(fetched, ports))])
  const added = newImages(images.missing, items)
  const changes = [...changesOf(items, wanted, judged), ...added.map(image => additionOf(image))]
  const report = {
    path,
    outcome: verdict,
    failed: judged.filter(item => item.verdict !== 'passed').map(item => materialReceipt(item, new Map())),
    changes,
  }
  if (verdict !== 'passed' || changes.length === 0) return report
  const before = files.manifest?.bytes
  const locked = before === undefined ? undefined : lockManifest(before, path, wanted)
  return { ...report, bytes: addImages(locked, path, added) }
}

/** Fetched without the digests that stand there, so that what is served now is what is verified. */
async function fetchNow(files: JudgedFiles, path: string, ports: LockPorts): Promise<readonly FetchedMaterial[]> {
  const { policy, files: policyFiles } = lawOf(files.policy)
  const items = (files.manifest?.items ?? []).filter(({ uri }) => uri.kind !== 'image')
  if (items.length === 0) return []
  return ports.fetch({
    items: items.map(item => ({ ...item, digest: new Map() })),
    manifest: path,
    policy,
    policyFiles,
    commitFile: file => ports.file(file),
    folder: await ports.folder(),
  })
}
