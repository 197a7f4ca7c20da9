import type { Digest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import type { Receipt, SubjectReceipt } from '../report/receipt.ts'
import type { OpenKept } from './kept-open.ts'

/**
 * Whose word a replay rests on (13-adversary 29). Policy and trust root come from the caller, or the folder's own are pinned
 * by its digest, which the caller knows from elsewhere; otherwise the result is the word of whoever wrote the folder.
 */
export interface ReplayGround {
  readonly policy: 'caller' | 'pinned' | 'folder'
  readonly trustedRoots: 'caller' | 'pinned' | 'folder'
  /** True: the verdict has to go through `asRecorded`. */
  readonly own: boolean
}

export interface ReplayPins {
  /** A policy file, or flags that say who is expected. */
  readonly callerPolicy: boolean
  /** A trust root from a file, or the policy of the caller names all that are needed. */
  readonly callerRoot: boolean
  /** Of `manifest.json`; pins policy and roots, too. Compared by `openKept`. */
  readonly folderDigest?: Digest
}

/**
 * @throws `pipeline/kept-incomplete` when the folder holds no policy and the caller gives none.
 */
export function replayGround(kept: OpenKept, pins: ReplayPins): ReplayGround {
  const whole = pins.folderDigest !== undefined && pins.folderDigest === kept.digest
  const policy = pins.callerPolicy ? 'caller' : whole ? 'pinned' : 'folder'
  const roots = pins.callerRoot ? 'caller' : whole ? 'pinned' : 'folder'
  if (policy !== 'caller' && kept.policy === undefined)
    throw fail('pipeline/kept-incomplete', 'The recorded run was judged by flags, so the folder has no policy', {
      expected: 'the flags that say who is expected, or --policy FILE',
      found: 'neither',
      remedy: 'Say who is expected, by the same flags as then or by --policy FILE, and give --trusted-root FILE.',
    })
  return { policy, trustedRoots: roots, own: policy === 'folder' || roots === 'folder' }
}

/** The bytes of the root that a rule names. @throws `pipeline/kept-incomplete` */
export function keptRoot({ trustedRoots }: OpenKept, name: string): Uint8Array {
  const root = trustedRoots.find(it => it.name === name)
  if (root !== undefined) return root.bytes
  throw fail('pipeline/kept-incomplete', `The folder holds no trusted root for ${name}`, {
    expected: name,
    found: trustedRoots.length === 0 ? 'none' : trustedRoots.map(it => it.name).join(', '),
  })
}

/** What a reader of any replay must know before the verdict, and what it cannot have checked. */
export function replayed(receipt: Receipt, kept: OpenKept): Receipt {
  return {
    ...receipt,
    notices: [`Judged again as of ${kept.time.toISOString()}, the time that the folder names.`, ...receipt.notices],
    notChecked: [
      ...receipt.notChecked,
      'What the names of the subjects meant then, and whether more was attached to them: the folder says so.',
    ],
  }
}

/**
 * The receipt of a replay that rests on nothing but the folder: unknown as a whole and for every subject, and never `passed`
 * anywhere, for who reads only subjects must not be misled either.
 */
export function asRecorded(receipt: Receipt): Receipt {
  return { ...receipt, verdict: 'unknown', recorded: receipt.verdict, subjects: receipt.subjects.map(onlySaid) }
}

function onlySaid(subject: SubjectReceipt): SubjectReceipt {
  const { basis: _basis, by: _by, links: _links, ...rest } = subject
  const error = fail('pipeline/as-recorded', `${subject.verdict}, as recorded by whoever wrote this folder`, {
    expected: 'a policy and a trust root from the caller, or pinned by digest',
    found: 'those of the folder itself',
  })
  const findings: readonly Finding[] = [findingOf(error, subject.name === '' ? subject.digest : subject.name)]
  return { ...rest, verdict: 'unknown', findings: [...findings, ...subject.findings] }
}
