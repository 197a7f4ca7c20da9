import { type CommitId, type Digest, isCommitId, isDigest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import type { Verified } from '../core/verified.ts'
import { readBundleIndex } from '../registry/bundle-index.ts'
import { readProvenance } from '../statements/provenance.ts'
import { PROVENANCE_PREDICATE, type SignedStatement } from '../statements/statement.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { sourceIndexTag } from './earlier.ts'
import { digestText, placeName } from './materials-receipt.ts'
import type { RunRecord } from './run.ts'

/** The newest attested image of this branch, as provenance that a run of this very repository signed on it tells. */
export interface LastAttested {
  readonly digest: Digest
  readonly commit?: CommitId
  readonly signedAt?: Date
  /** What went in, `placeName` → digest. */
  readonly materials: ReadonlyMap<string, string>
}

export type LastLook =
  | { readonly kind: 'found'; readonly last: LastAttested }
  | { readonly kind: 'none' }
  /** Something is there and could not be read, or proves nothing. */
  | { readonly kind: 'unknown'; readonly why: string }

/**
 * Looks once a run, of this branch or the branch that a proposal is for. Only for people to compare, so whatever fails is told and ends
 * nothing; yet only the word of a run of this repository on that branch counts, because anybody who may push to the registry can write
 * the index that leads to it.
 */
export function lastAttested(request: AttestRequest, ports: AttestPorts, record: RunRecord): Promise<LastLook> {
  record.last ??= look(request, ports)
  return record.last
}

async function look({ source, run, repositories, serverUrl }: AttestRequest, ports: AttestPorts): Promise<LastLook> {
  const ref = source.base?.ref ?? source.ref
  if (run === undefined || !ref.startsWith('refs/heads/')) return { kind: 'none' }
  try {
    const bundles = await readBundleIndex(ports.registry, repositories[0], sourceIndexTag(ref))
    if (bundles.length === 0) return { kind: 'none' }
    const own = verified(bundles, await ports.verifier())
      .filter(signed => isOwnRecord(signed, { serverUrl, repositoryId: run.repositoryId, ref }))
      .sort((a, b) => (b.signedAt?.getTime() ?? 0) - (a.signedAt?.getTime() ?? 0))
    const [newest] = own
    return newest === undefined
      ? { kind: 'unknown', why: 'verify/no-attestation' }
      : { kind: 'found', last: read(newest) }
  } catch (error) {
    return { kind: 'unknown', why: asWaybillError(error).code }
  }
}

function verified(
  bundles: readonly Uint8Array[],
  verify: (bytes: Uint8Array) => Verified<SignedStatement>,
): readonly Verified<SignedStatement>[] {
  return bundles.flatMap(bytes => {
    try {
      return [verify(bytes)]
    } catch {
      return []
    }
  })
}

/** By number, for a repository may be renamed; and on this server, for another platform gives the same numbers to others. */
export function isOwnRecord(
  { statement, signer }: Verified<SignedStatement>,
  { serverUrl, repositoryId, ref }: { readonly serverUrl: string; readonly repositoryId: string; readonly ref: string },
): boolean {
  if (statement.predicateType !== PROVENANCE_PREDICATE || signer.kind !== 'certificate') return false
  const { sourceRepositoryIdentifier, sourceRepositoryRef, sourceRepositoryUri = '' } = signer.ci
  const ours = sourceRepositoryUri.startsWith(`${serverUrl}/`)
  return ours && sourceRepositoryIdentifier === repositoryId && sourceRepositoryRef === ref
}

/** @throws `statements/provenance-malformed` */
function read({ statement, signedAt }: Verified<SignedStatement>): LastAttested {
  const { resolvedDependencies, claimedSource } = readProvenance(statement.predicate)
  const commit = (claimedSource ?? resolvedDependencies[0])?.digest.gitCommit
  const digest = `sha256:${statement.subject[0].digest.sha256}`
  if (!isDigest(digest)) throw new Error('The first subject of a provenance is an image')
  const materials = resolvedDependencies.flatMap(({ name, digest: of }) =>
    name === undefined || digestText(of) === '' ? [] : [[placeName(name), digestText(of)] as const],
  )
  return {
    digest,
    ...(isCommitId(commit) ? { commit } : {}),
    ...(signedAt === undefined ? {} : { signedAt }),
    materials: new Map(materials),
  }
}
