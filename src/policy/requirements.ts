import type { ExpectedSigner } from './expected.ts'
import { REQUIREMENTS } from './keys.ts'
import {
  type AllowRule,
  type ClaimRequirement,
  DEFAULT_BUILDERS,
  type Requirement,
  type SourceRequirement,
} from './policy.ts'
import { type Field, type Fields, oneOrMore, type Reading, wordOf, wrong } from './read.ts'

/** What a rule asks for before a deploy, and besides where the image runs. */
export type Asked = Pick<AllowRule, 'require' | 'admit'>

/** Items that a source summary proves. */
export function isSourceRequirement(item: Requirement): item is SourceRequirement {
  return item === 'source-signed' || item === 'source-accepted' || item === 'source-reviewed'
}

/** Items that a SCAI statement of the same run proves. */
export function isClaimRequirement(item: Requirement): item is ClaimRequirement {
  return (
    item === 'materials-verified' || item === 'materials-pinned' || item === 'closed-world' || item === 'reproducible'
  )
}

/** Everything a rule asks for at any stage. */
export function everyItem({ require, admit }: Asked): readonly Requirement[] {
  return [...require, ...admit]
}

/** `require` and `admit`. An item in both would suggest that before a deploy it does not count. */
export function parseAsked(reading: Reading, require: Field, admit: Field | undefined): Asked {
  const [first, ...more] = oneOrMore(reading, require)
  const required: [Requirement, ...Requirement[]] = [wordOf(reading, first, REQUIREMENTS)]
  for (const item of more) required.push(newItem(reading, item, required))
  const admitted: Requirement[] = []
  for (const item of admit === undefined ? [] : oneOrMore(reading, admit)) {
    const word = newItem(reading, item, admitted)
    if (required.includes(word))
      throw wrong(reading, item, `names ${word}, which require asks for already: it holds at both stages`)
    admitted.push(word)
  }
  return { require: required, admit: admitted }
}

function newItem(reading: Reading, field: Field, before: readonly Requirement[]): Requirement {
  const word = wordOf(reading, field, REQUIREMENTS)
  if (before.includes(word)) throw wrong(reading, field, `names ${word} twice`)
  return word
}

/**
 * Much of a rule is about a provenance: which run built, from which commit, with which builder. Where nothing asks for one,
 * such a line would look like a rule and be none.
 */
export function refuseWithoutProvenance(
  reading: Reading,
  rule: Field,
  fields: Fields,
  asked: Asked,
  { build, builders }: { readonly build: ExpectedSigner; readonly builders: readonly string[] },
): void {
  const { require } = asked
  const all = everyItem(asked)
  // 13-adversary 40: the certificate describes the job that signed, only the provenance says where the build ran.
  const hosted = build.kind === 'github' && build.runner === 'github-hosted'
  if (hosted && !require.includes('provenance'))
    throw wrong(reading, rule, 'asks for a runner, which only provenance tells', 'require: [signature, provenance]')
  const audit = fields.get('allow-audit')
  if (audit !== undefined && !all.includes('provenance'))
    throw wrong(reading, audit, 'is about provenance, which nothing asks for', 'require: [signature, provenance]')
  const named = fields.get('build')?.node
  if (named?.kind === 'map' && named.entries.some(({ key }) => key === 'builders') && !all.includes('provenance'))
    throw wrong(reading, rule, 'names builders, which only provenance tells', 'require: [signature, provenance]')
  for (const items of [require, all]) {
    const claim = items.find(isClaimRequirement)
    if (claim !== undefined && !items.includes('provenance'))
      throw wrong(reading, rule, `requires ${claim} of a build that only provenance names`, `[provenance, ${claim}]`)
  }
  const claim = all.find(isClaimRequirement)
  if (claim !== undefined) refuseRecorders(reading, rule, claim, all, builders)
}

/** 13-adversary 15, 18: who did not build says nothing of materials, and buildah cannot close the world. */
function refuseRecorders(
  reading: Reading,
  rule: Field,
  claim: ClaimRequirement,
  all: readonly Requirement[],
  builders: readonly string[],
): void {
  if (!builders.some(name => DEFAULT_BUILDERS.some(driven => driven === name)))
    throw wrong(reading, rule, `requires ${claim} of builders that only record a digest`, 'builders: [buildx, buildah]')
  if (all.includes('closed-world') && !builders.includes('buildx'))
    throw wrong(reading, rule, 'requires closed-world, which no builder of it can prove', 'builders: [buildx]')
}
