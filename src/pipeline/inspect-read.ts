import { asWaybillError } from '../core/error.ts'
import type { Verified } from '../core/verified.ts'
import type { Fact, InspectedCommit, InspectedMaterial } from '../report/inspection.ts'
import { isDeploySummary, readDeploySummary } from '../statements/deploy-vsa.ts'
import { isQuarantine, readQuarantine } from '../statements/quarantine.ts'
import { type Dependency, type ProvenanceClaims, readProvenance } from '../statements/read-provenance.ts'
import { readSourceDetail } from '../statements/read-source-detail.ts'
import { isScai, readScai, type ScaiClaim } from '../statements/scai.ts'
import type { SourceDetail } from '../statements/source-detail.ts'
import { isSourceSummary, readSourceSummary, type SourceSummary } from '../statements/source-vsa.ts'
import { PROVENANCE_PREDICATE, type SignedStatement } from '../statements/statement.ts'
import { SOURCE_VERIFICATION_PREDICATE } from '../statements/uris.ts'

type Signed = Verified<SignedStatement>

/** What a statement says, or why nobody can read it: the words of whoever signed it, judged by nobody here. */
export type Read<T> = { readonly value: T } | { readonly unreadable: Fact }

export const isProvenance = ({ statement }: Signed): boolean => statement.predicateType === PROVENANCE_PREDICATE
export const isSource = ({ statement }: Signed): boolean => isSourceSummary(statement)
export const isDetail = ({ statement }: Signed): boolean => statement.predicateType === SOURCE_VERIFICATION_PREDICATE
export const isDeploy = ({ statement }: Signed): boolean => isDeploySummary(statement)
export const isRecord = ({ statement }: Signed): boolean => isQuarantine(statement)
export const isClaims = ({ statement }: Signed): boolean => isScai(statement)

export const provenanceIn = ({ statement }: Signed): Read<ProvenanceClaims> =>
  read(() => readProvenance(statement.predicate))
export const summaryIn = ({ statement }: Signed): Read<SourceSummary> => read(() => readSourceSummary(statement))
export const detailIn = ({ statement }: Signed): Read<SourceDetail> => read(() => readSourceDetail(statement))
export const deployIn = ({ statement }: Signed) => read(() => readDeploySummary(statement))
export const recordIn = ({ statement }: Signed) => read(() => readQuarantine(statement))
export const claimsIn = ({ statement }: Signed): Read<readonly ScaiClaim[]> => read(() => readScai(statement))

function read<T>(parse: () => T): Read<T> {
  try {
    return { value: parse() }
  } catch (error) {
    const { code, message } = asWaybillError(error)
    return { unreadable: { name: 'cannot be read', value: `${message} (${code})` } }
  }
}

/** The commit that a provenance names as what was built: its first dependency, or what a recording build only claims. */
export function builtCommit({ resolvedDependencies, claimedSource }: ProvenanceClaims): Dependency | undefined {
  const [first] = resolvedDependencies
  if (first?.digest.gitCommit !== undefined) return first
  return claimedSource?.digest.gitCommit === undefined ? undefined : claimedSource
}

/** Everything else that a provenance says was taken in. */
export function materialsIn(claims: ProvenanceClaims): readonly InspectedMaterial[] {
  const built = builtCommit(claims)
  return claims.resolvedDependencies
    .filter(({ digest: { gitCommit } }) => gitCommit === undefined || gitCommit !== built?.digest.gitCommit)
    .map(({ name, uri, digest }) => ({
      name: name ?? uri ?? 'without a name',
      ...(uri === undefined || uri === name ? {} : { uri }),
      digest: digestText(digest),
      claims: [],
    }))
}

export function digestText(digest: Readonly<Record<string, string>>): string {
  const [first] = Object.entries(digest).toSorted(([a], [b]) => Number(b === 'sha256') - Number(a === 'sha256'))
  return first === undefined ? '' : first.join(':')
}

export function commitsIn({ commits, reviews }: SourceDetail): readonly InspectedCommit[] {
  const reviewed = new Map(reviews.map(review => [review.commit, review]))
  return commits.map(({ gitCommit, kind, basis, principal, key }) => {
    const by = reviewed.get(gitCommit)?.by ?? []
    return {
      id: gitCommit,
      kind,
      basis,
      ...(principal === undefined ? {} : { principal }),
      ...(key === undefined ? {} : { key }),
      ...(by.length === 0 ? {} : { reviewedBy: by }),
    }
  })
}
