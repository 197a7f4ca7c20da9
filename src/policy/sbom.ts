import type { Finding } from '../core/verdict.ts'
import type { SignedStatement, Statement } from '../statements/statement.ts'
import { finding } from './gate-findings.ts'

/** in-toto attestation framework, predicates SPDX and CycloneDX; some tools put the version behind. */
const SPDX = /^https:\/\/spdx\.dev\/Document(?:\/v\d+(?:\.\d+){0,2})?$/
const CYCLONEDX = /^https:\/\/cyclonedx\.org\/bom(?:\/v?\d+(?:\.\d+){0,2})?$/

export function isSbom({ predicateType }: Pick<Statement, 'predicateType'>): boolean {
  return SPDX.test(predicateType) || CYCLONEDX.test(predicateType)
}

/**
 * An SBOM is a claim; what stands in it is not judged. But an empty object is no list of anything, so the field by which each
 * format names itself must be there. SPDX 2.3 § 6.1 and 3.0 (JSON-LD), CycloneDX 1.6 `bomFormat`.
 */
export function judgeSbom({ statement }: SignedStatement, subject: { readonly name: string }): readonly Finding[] {
  const { predicate, predicateType } = statement
  const spdx = SPDX.test(predicateType)
  const { spdxVersion, '@graph': graph, bomFormat } = predicate
  const named = spdx
    ? (typeof spdxVersion === 'string' && spdxVersion.startsWith('SPDX-')) || Array.isArray(graph)
    : bomFormat === 'CycloneDX'
  if (named) return []
  const facts = {
    expected: spdx ? 'spdxVersion, or @graph' : 'bomFormat: CycloneDX',
    found: Object.keys(predicate).slice(0, 10).join(', ') || 'an empty document',
  }
  return [finding(subject, 'verify/sbom-unusable', 'The statement is no software bill of materials', facts)]
}
