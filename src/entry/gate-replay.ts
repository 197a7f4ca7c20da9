import { resolve } from 'node:path'
import { isDigest } from '../core/digest.ts'
import type { KeptPolicy } from '../pipeline/kept.ts'
import { type OpenKept, openKept } from '../pipeline/kept-open.ts'
import { asRecorded, type ReplayGround, replayed, replayGround } from '../pipeline/kept-replay.ts'
import type { VerifyPorts } from '../pipeline/verify-request.ts'
import { type Law, lawFromFile } from '../policy/law.ts'
import { formatReference } from '../registry/reference.ts'
import type { Receipt } from '../report/receipt.ts'
import { usage } from './commands/command.ts'
import { placeOf } from './gate-recording.ts'
import type { PolicyOnDisk } from './policy-file.ts'

/** A folder of `--out`, and whose word its policy and roots are. */
export interface Replay {
  readonly kept: OpenKept
  readonly ground: ReplayGround
  /** The folder's own, when the caller gave none. */
  readonly policy?: PolicyOnDisk
}

/** What the caller brings himself. */
export interface ReplayCaller {
  readonly policy?: PolicyOnDisk
  /** Flags that say who is expected. */
  readonly flags: boolean
  readonly trustedRoot: boolean
  /** Items that must hold. */
  readonly require: boolean
}

/**
 * @param text `DIR`, or `DIR@sha256:<64 hex>` with the digest that `--out` told: it pins everything in the folder.
 * @throws `pipeline/kept-…`; `entry/usage` for a flag beside the folder's own policy, which would have to be ignored
 */
export async function openReplay(text: string, folder: string, caller: ReplayCaller): Promise<Replay> {
  const at = text.lastIndexOf('@')
  const pin = text.slice(at + 1)
  const pinned = at > 0 && isDigest(pin) ? pin : undefined
  const kept = await openKept(resolve(folder, pinned === undefined ? text : text.slice(0, at)), pinned)
  const ground = replayGround(kept, {
    callerPolicy: caller.policy !== undefined || caller.flags,
    callerRoot: caller.trustedRoot || namesAllRoots(caller.policy?.law),
    ...(pinned === undefined ? {} : { folderDigest: pinned }),
  })
  if (ground.policy === 'caller' || kept.policy === undefined) return { kept, ground }
  refuseBesideOwn(caller)
  return { kept, ground, policy: keptPolicyOnDisk(kept.policy) }
}

function refuseBesideOwn({ trustedRoot, require }: ReplayCaller): void {
  const found = trustedRoot ? '--trusted-root' : '--require'
  if (trustedRoot || require)
    throw usage('The policy in the folder says itself what must hold, and under which root', '--policy FILE', found)
}

/** A policy that takes no root from an instance on the network needs none of the folder's. */
function namesAllRoots(law: Law | undefined): boolean {
  return law?.policy.deploy.every(rule => rule.kind === 'deny' || typeof rule.trust !== 'string') ?? false
}

function keptPolicyOnDisk(kept: KeptPolicy): PolicyOnDisk {
  const bytes = kept.files.get(kept.path) ?? new Uint8Array()
  const law = lawFromFile(bytes, kept.path, named => kept.files.get(named))
  return { law, receipt: { uri: `file:${kept.path}`, digest: law.policyDigest }, kept }
}

/** What was resolved and fetched then; no server is asked. */
export function replayPorts({ kept }: Replay): Pick<VerifyPorts, 'resolve' | 'evidence'> {
  return {
    resolve: async reference => {
      const { digest, platforms, parents } = kept.resolve(formatReference(reference))
      return { digest, relatives: async () => ({ platforms, parents, complete: true, skipped: [] }) }
    },
    evidence: subject => [() => kept.bundles(placeOf(subject), subject.digest)],
  }
}

/** With nothing but the folder's own word the result is unknown, whatever it says (13-adversary 29). */
export function replayedReceipt(receipt: Receipt, { kept, ground }: Replay): Receipt {
  const told = replayed(receipt, kept)
  return ground.own ? asRecorded(told) : told
}
