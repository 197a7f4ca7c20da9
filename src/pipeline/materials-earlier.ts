import type { Verified } from '../core/verified.ts'
import { readBundleIndex } from '../registry/bundle-index.ts'
import { readProvenance } from '../statements/provenance.ts'
import { PROVENANCE_PREDICATE, type SignedStatement } from '../statements/statement.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { sourceIndexTag } from './earlier.ts'
import { digestText, placeName } from './materials-receipt.ts'

/**
 * What went into the last attested image of this branch, or of the branch that a proposal is for: `placeName` → digest. Only for
 * people to compare, so whatever fails gives nothing and ends nothing; yet only provenance that a run of this very repository
 * signed on that branch counts, because anybody who may push to the registry can write the index that leads to it.
 */
export async function earlierMaterials(
  { source, run, repositories }: AttestRequest,
  ports: AttestPorts,
): Promise<ReadonlyMap<string, string>> {
  const ref = source.base?.ref ?? source.ref
  if (run === undefined || !ref.startsWith('refs/heads/')) return new Map()
  try {
    const bundles = await readBundleIndex(ports.registry, repositories[0], sourceIndexTag(ref))
    if (bundles.length === 0) return new Map()
    const verify = await ports.verifier()
    const own = bundles
      .flatMap((bytes): readonly Verified<SignedStatement>[] => {
        try {
          return [verify(bytes)]
        } catch {
          return []
        }
      })
      .filter(signed => isOwn(signed, run.repositoryId, ref))
    return new Map(own.flatMap(({ statement }) => materialsIn(statement.predicate)))
  } catch {
    return new Map()
  }
}

function isOwn({ statement, signer }: Verified<SignedStatement>, repositoryId: string, ref: string): boolean {
  if (statement.predicateType !== PROVENANCE_PREDICATE || signer.kind !== 'certificate') return false
  const { sourceRepositoryIdentifier, sourceRepositoryRef } = signer.ci
  return sourceRepositoryIdentifier === repositoryId && sourceRepositoryRef === ref
}

function materialsIn(predicate: SignedStatement['statement']['predicate']): readonly (readonly [string, string])[] {
  return readProvenance(predicate).resolvedDependencies.flatMap(({ name, digest }) =>
    name === undefined || digestText(digest) === '' ? [] : [[placeName(name), digestText(digest)] as const],
  )
}
