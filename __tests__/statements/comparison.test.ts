import { parseCommitId, parseDigest } from '../../src/core/digest.ts'
import { comparisonDocument, reproducibleStatement } from '../../src/statements/comparison.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { readScai } from '../../src/statements/scai.ts'

const digest = parseDigest(`sha256:${'1'.repeat(64)}`)
const BUILDS = {
  commit: parseCommitId('a'.repeat(40)),
  sourceDateEpoch: 1_700_000_000,
  builder: 'buildx',
  platforms: [{ platform: 'linux/amd64', digest }],
}

test('the same comparison gives the same bytes, so that another attempt finds its claim', () => {
  expect(comparisonDocument(BUILDS)).toEqual(comparisonDocument(structuredClone(BUILDS)))
  const other = comparisonDocument({ ...BUILDS, sourceDateEpoch: 1_700_000_001 })
  expect(other.digest).not.toBe(comparisonDocument(BUILDS).digest)
})

test('the claim is the one that the gate reads, with the comparison as its evidence', () => {
  const comparison = comparisonDocument(BUILDS)
  const subjects = [{ name: 'ghcr.io/acme/app', digest: { sha256: '1'.repeat(64) } }] as const
  const statement = parseStatement(reproducibleStatement(subjects, comparison))
  expect(statement.subject).toEqual(subjects)
  expect(readScai(statement)).toEqual([
    {
      attribute: 'REPRODUCIBLE',
      evidence: { name: 'waybill-comparison.json', digest: { sha256: comparison.digest.slice('sha256:'.length) } },
    },
  ])
})
