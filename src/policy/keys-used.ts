import type { CommitId } from '../core/digest.ts'
import type { TrustedTime, ValidSignature } from '../core/facts.ts'
import type { CoveringTime, KeyIdentity, KeyUse } from './judgement.ts'
import { identityDigest } from './revocation.ts'
import { earliestTime } from './times.ts'

/** One signature that a verdict rests on. */
export interface SignedUse {
  readonly key: KeyIdentity
  readonly principal: string
  /** The commit under which the key is listed: the one since the anchor, also for a commit of a squashed pull request. */
  readonly at: CommitId
  /** Whether it is a commit's own; else a reviewer's. */
  readonly isCommit: boolean
  /** Before which it is known to have existed, whatever became of the key since. */
  readonly time: CoveringTime | undefined
  /** When an earlier run verified it; of expiry only. */
  readonly earlier: TrustedTime | undefined
}

/**
 * Every key that signed accepted commits or reviews that counted, oldest use first: what a gate needs to apply revocations of
 * later days (13-adversary 12). Bounded by keys, not by commits.
 */
export function keyUses(signed: Iterable<SignedUse>): readonly KeyUse[] {
  const uses = new Map<string, Use>()
  for (const item of signed) {
    const name = nameOf(item.key)
    const before = uses.get(name)
    uses.set(name, before === undefined ? begun(item) : continued(before, item))
  }
  return [...uses.values()].map(ended)
}

/** The list with one more use of a key, which may stand in it already. */
export function alsoUsed(uses: readonly KeyUse[], more: KeyUse): readonly KeyUse[] {
  const name = nameOf(more)
  if (!uses.some(use => nameOf(use) === name)) return [...uses, more]
  return uses.map(use => (nameOf(use) === name ? joined(use, more) : use))
}

/** What of a signature's key can be told in a record that lasts. */
export function identityOfKey(signature: ValidSignature): KeyIdentity {
  const { fingerprint } = signature
  if (signature.kind === 'gitsign')
    return { kind: 'gitsign', fingerprint: identityDigest(signature.identity, signature.issuer) }
  if (signature.kind === 'x509') {
    const chain = signature.chain.map(certificate => certificate.fingerprint)
    const serials = signature.chain.map(({ serial }) => serial)
    return { kind: 'x509', fingerprint, authority: signature.root, chain, serials }
  }
  if (signature.kind === 'openpgp')
    return signature.primary === fingerprint ? { fingerprint } : { fingerprint, primary: signature.primary }
  if (signature.certificate === undefined) return { fingerprint }
  return { kind: 'ssh-certificate', fingerprint, authority: signature.certificate.authority }
}

/** An SSH key may sign plainly and under a certificate: two things that are revoked apart. */
function nameOf({ kind, authority, fingerprint }: KeyIdentity): string {
  return JSON.stringify([kind, authority, fingerprint])
}

interface Times {
  readonly firstTime: Date
  readonly lastTime: Date
  readonly timesFrom: readonly CoveringTime['from'][]
}

interface Use {
  readonly use: KeyUse
  /** Undefined once a use is covered by no time: then none of them says anything about all. */
  readonly sure: Times | undefined
  /** The same with what earlier runs tell. */
  readonly any: Date | undefined
}

function begun({ key, principal, at, isCommit, time, earlier }: SignedUse): Use {
  return {
    use: { ...key, principal, first: at, last: at, commits: isCommit ? 1 : 0 },
    sure: timesOf(time),
    any: earliestTime(time, earlier)?.time,
  }
}

function continued({ use, sure, any }: Use, { key, at, isCommit, time, earlier }: SignedUse): Use {
  return {
    use: { ...joinedChains(use, key), last: at, commits: use.commits + (isCommit ? 1 : 0) },
    sure: widened(sure, timesOf(time)),
    any: latest(any, earliestTime(time, earlier)?.time),
  }
}

function ended({ use, sure, any }: Use): KeyUse {
  const says = any !== undefined && (sure === undefined || any.getTime() < sure.lastTime.getTime())
  return { ...use, ...sure, ...(says ? { verifiedTime: any } : {}) }
}

function timesOf(time: CoveringTime | undefined): Times | undefined {
  return time === undefined ? undefined : { firstTime: time.time, lastTime: time.time, timesFrom: [time.from] }
}

function widened(a: Times | undefined, b: Times | undefined): Times | undefined {
  if (a === undefined || b === undefined) return undefined
  const timesFrom = [...new Set([...a.timesFrom, ...b.timesFrom])]
  return { ...a, lastTime: latest(a.lastTime, b.lastTime) ?? a.lastTime, timesFrom }
}

function latest(a: Date | undefined, b: Date | undefined): Date | undefined {
  return a === undefined || b === undefined ? undefined : new Date(Math.max(a.getTime(), b.getTime()))
}

/** The same certificate may be issued through several authorities in between. */
function joinedChains<T extends KeyIdentity>(use: T, { chain, serials }: KeyIdentity): T {
  return {
    ...use,
    ...(chain === undefined ? {} : { chain: [...new Set([...(use.chain ?? []), ...chain])] }),
    ...(serials === undefined ? {} : { serials: [...new Set([...(use.serials ?? []), ...serials])] }),
  }
}

function joined(use: KeyUse, more: KeyUse): KeyUse {
  const { firstTime: _first, lastTime: _last, timesFrom: _from, verifiedTime: _verified, ...rest } = use
  const sure = widened(timesIn(use), timesIn(more))
  const any = latest(use.verifiedTime ?? use.lastTime, more.verifiedTime ?? more.lastTime)
  return ended({ use: { ...joinedChains(rest, more), commits: use.commits + more.commits }, sure, any })
}

function timesIn({ firstTime, lastTime, timesFrom }: KeyUse): Times | undefined {
  const known = firstTime !== undefined && lastTime !== undefined && timesFrom !== undefined
  return known ? { firstTime, lastTime, timesFrom } : undefined
}
