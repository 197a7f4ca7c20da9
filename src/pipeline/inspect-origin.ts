import { hexOf } from '../core/digest.ts'
import type { Verified } from '../core/verified.ts'
import type { Origin, OriginSource } from '../report/inspection.ts'
import type { ProvenanceClaims } from '../statements/read-provenance.ts'
import type { SignedStatement } from '../statements/statement.ts'
import {
  builtCommit,
  commitsIn,
  detailIn,
  isDetail,
  isProvenance,
  isSource,
  materialsIn,
  provenanceIn,
  summaryIn,
} from './inspect-read.ts'
import type { Found } from './inspect-request.ts'
import { signedFacts, standingOf } from './inspect-standing.ts'

type Signed = Verified<SignedStatement>

interface Story {
  readonly signed: Signed
  readonly claims: ProvenanceClaims
}

/**
 * Where an image comes from, by the one provenance that counts. Without an expectation none counts more than another: anybody
 * who may write to the repository can attach one, so that several which tell different stories give no origin at all.
 */
export function originOf(found: Found): { readonly origin?: Origin; readonly stories: number } {
  const all = candidates(found)
  const verified = all.filter(({ signed }) => standingOf(signed, found.gate) === 'verified')
  const counted = verified.length > 0 ? verified : all
  const stories = new Set(counted.map(storyOf)).size
  const [first] = counted
  if (first === undefined || stories > 1) return { stories }
  return { stories, origin: origin(first, found, verified.length > 0 ? 'verified' : 'seen') }
}

/** Those about the image itself, else about an index that lists it, else about its platforms. */
function candidates({ statements, digest, relatives }: Found): readonly Story[] {
  const all = statements.filter(isProvenance).flatMap(signed => {
    const read = provenanceIn(signed)
    return 'value' in read ? [{ signed, claims: read.value }] : []
  })
  const about = (digests: readonly string[]) =>
    all.filter(({ signed }) =>
      signed.statement.subject.some(({ digest: { sha256 } }) => sha256 !== undefined && digests.includes(sha256)),
    )
  const own = about([hexOf(digest)])
  if (own.length > 0) return own
  const parents = about(relatives.parents.map(hexOf))
  return parents.length > 0 ? parents : about(relatives.platforms.map(hexOf))
}

/** A second run that built the same from the same tells the same story. */
function storyOf({ signed, claims }: Story): string {
  const { by } = signedFacts(signed)
  const materials = materialsIn(claims).map(({ name, digest }) => `${name} ${digest}`)
  return JSON.stringify([by, claims.builderId, builtCommit(claims)?.digest.gitCommit, materials.toSorted()])
}

function origin({ signed, claims }: Story, found: Found, standing: Origin['standing']): Origin {
  const built = builtCommit(claims)
  const commit = built?.digest.gitCommit
  const source = commit === undefined ? undefined : sourceOf(commit, found)
  return {
    standing,
    by: signedFacts(signed).by ?? '',
    builder: claims.builderId,
    buildType: claims.buildType,
    ...(built?.uri === undefined ? {} : { repository: built.uri.replace(/@.*$/, '') }),
    ...(commit === undefined ? {} : { commit }),
    materials: materialsIn(claims),
    ...(source === undefined ? {} : { source }),
  }
}

/** The one detail that a summary of this commit names; several different ones are none. */
function sourceOf(commit: string, { statements, gate }: Found): OriginSource | undefined {
  const pairs = statements.filter(isSource).flatMap(summary => {
    const read = summaryIn(summary)
    if (!('value' in read) || read.value.commit !== commit) return []
    const details = statements.filter(item => isDetail(item) && item.payload === read.value.detail)
    return details.map(detail => ({ detail, standing: standingOf(detail, gate) }))
  })
  const verified = pairs.filter(({ standing }) => standing === 'verified')
  const counted = verified.length > 0 ? verified : pairs
  const [first] = counted
  const stories = new Set(counted.map(({ detail }) => `${detail.payload} ${signedFacts(detail).by}`))
  const read = first === undefined ? undefined : detailIn(first.detail)
  if (first === undefined || read === undefined || stories.size > 1 || !('value' in read)) return undefined
  const { range, law } = read.value
  return {
    standing: verified.length > 0 ? 'verified' : 'seen',
    by: signedFacts(first.detail).by ?? '',
    policy: { uri: law.policy.uri, digest: law.policy.digest, anchor: range.anchor },
    commits: commitsIn(read.value),
    count: range.count,
  }
}
