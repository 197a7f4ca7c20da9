import type { TrustedTime } from '../core/facts.ts'
import type { CommitJudgement, KeyUse } from './judgement.ts'

/** A signed commit of the finished fold, and the time before which it is known to have existed. */
export interface SignedCommit {
  readonly commit: CommitJudgement
  /** The commit under which the key is listed: the one since the anchor, also for a commit of a squashed pull request. */
  readonly at: CommitJudgement['id']
  readonly time: TrustedTime | undefined
}

/**
 * Every key that signed accepted commits, oldest use first: what a gate needs to apply revocations of later days
 * (13-adversary 12). Bounded by keys, not by commits.
 */
export function keyUses(commits: Iterable<SignedCommit>): readonly KeyUse[] {
  const uses = new Map<string, Use>()
  for (const { commit, at, time } of commits) {
    const { key, principal, basis } = commit
    if (basis !== 'signed' || key === undefined || principal === undefined) continue
    const identity = identityOf(commit, key)
    const name = JSON.stringify([identity.kind, identity.authority, identity.fingerprint])
    const before = uses.get(name) ?? { use: { ...identity, principal, first: at, last: at, commits: 0 } }
    uses.set(name, {
      use: { ...before.use, last: at, commits: before.use.commits + 1 },
      times: widened(before, time),
    })
  }
  return [...uses.values()].map(({ use, times }) =>
    times === undefined ? use : { ...use, firstTime: new Date(times.first), lastTime: new Date(times.last) },
  )
}

interface Use {
  readonly use: KeyUse
  /** Undefined once a commit of the key is covered by no time: then none of them says anything about all. */
  readonly times?: { readonly first: number; readonly last: number } | undefined
}

function widened({ use, times }: Use, time: TrustedTime | undefined): Use['times'] {
  const at = time?.time.getTime()
  if (at === undefined || (times === undefined && use.commits > 0)) return undefined
  return { first: Math.min(times?.first ?? at, at), last: Math.max(times?.last ?? at, at) }
}

type Identity = Pick<KeyUse, 'fingerprint' | 'primary' | 'kind' | 'authority' | 'serials'>

function identityOf({ signature, primary }: CommitJudgement, key: string): Identity {
  if (signature?.kind === 'gitsign')
    return { kind: 'gitsign', fingerprint: `${signature.identity} (${signature.issuer})` }
  if (signature?.kind === 'x509') {
    const serials = signature.chain.map(({ serial }) => serial)
    return { kind: 'x509', fingerprint: key, authority: signature.root, serials }
  }
  if (signature?.kind === 'ssh' && signature.certificate !== undefined)
    return { kind: 'ssh-certificate', fingerprint: key, authority: signature.certificate.authority }
  return { fingerprint: key, ...(primary === undefined ? {} : { primary }) }
}
