import { parseCommitId } from '../../src/core/digest.ts'
import { commitReceipt, levelsOf, ruleChanges } from '../../src/pipeline/source-receipt.ts'
import type { CommitJudgement, SourceJudgement } from '../../src/policy/judgement.ts'

const id = parseCommitId('a'.repeat(40))
const COMMIT: CommitJudgement = {
  id,
  subject: 'Merge pull request #7',
  author: { name: 'Alice', email: 'alice@example.com', time: 0, offset: '+0000' },
  kind: 'openpgp',
  principal: 'alice',
  githubId: 1,
  lawAt: id,
  derivedFrom: { pull: 7, head: id, commits: [id] },
  review: {
    enough: true,
    label: 'platform-recorded',
    by: ['bob'],
    pull: 7,
    head: id,
    statements: [],
    keys: ['SHA256:x'],
  },
  trustedTime: { time: new Date('2026-05-02T08:00:00Z'), from: 'platform' },
  outcome: 'passed',
  basis: 'derived',
  findings: [],
}

test('commitReceipt() tells reviews, what a commit was made of and its time, and no e-mail address', () => {
  const receipt = commitReceipt(COMMIT)
  expect(receipt).toMatchObject({
    basis: 'derived',
    githubId: 1,
    derivedFrom: { pull: 7, commits: [id] },
    review: { enough: true, by: ['bob'], pull: 7 },
    trustedTime: { time: '2026-05-02T08:00:00.000Z', from: 'platform' },
  })
  expect(JSON.stringify(receipt)).not.toContain('@example.com')
  expect(receipt.review).not.toHaveProperty('keys')
})

test.each<[Partial<SourceJudgement>, readonly string[]]>([
  [{ commits: [COMMIT] }, []],
  [{ commits: [], level: 'ORG_SOURCE_COMMITS_ACCEPTED', reviewed: true }, []],
  [{ commits: [COMMIT], level: 'ORG_SOURCE_COMMITS_SIGNED' }, ['ORG_SOURCE_COMMITS_SIGNED']],
  [{ commits: [COMMIT], level: 'ORG_SOURCE_COMMITS_SIGNED', reviewed: false }, ['ORG_SOURCE_COMMITS_SIGNED']],
  [
    { commits: [COMMIT], level: 'ORG_SOURCE_COMMITS_ACCEPTED', reviewed: true },
    ['ORG_SOURCE_COMMITS_ACCEPTED', 'ORG_SOURCE_REVIEWED'],
  ],
])('levelsOf() of %j is %j', (part, levels) => {
  expect(levelsOf(part as SourceJudgement)).toEqual(levels)
})

test('ruleChanges() puts what is proposed first and says of every line whether it loosens', () => {
  const change = {
    commit: id,
    subject: 'Let bob commit',
    kind: 'policy',
    accepted: true,
    paths: [],
    by: 'alice',
  } as const
  const line = { what: 'role', how: 'added', text: '@developers: alice, bob' } as const
  const [first, second] = ruleChanges(
    { ...change, subject: '', accepted: false, lines: [{ ...line, loosens: true }] },
    [{ ...change, lines: [line] }],
  )
  expect(first).toMatchObject({ proposed: true, accepted: false, lines: [{ loosens: true }] })
  expect(first).not.toHaveProperty('title')
  expect(second).toMatchObject({ title: 'Let bob commit', by: 'alice', lines: [{ loosens: false }] })
})
