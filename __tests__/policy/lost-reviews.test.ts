import { sha256 } from '../../src/core/digest.ts'
import { reviewRef } from '../../src/core/review-mention.ts'
import type { PullMention, ReviewFact, StepEvidence } from '../../src/policy/evidence.ts'
import { constantLaw, endFold, startFold, stepFold } from '../../src/policy/fold.ts'
import { parseLaw } from '../../src/policy/law.ts'
import { lostReviews } from '../../src/policy/lost-reviews.ts'
import { evidenceOf } from './story-evidence.ts'
import { ACCOUNTS, BASE, commit, filled, idOf, lawFiles, MAIN, NOW, PEOPLE, signatureOf } from './world.ts'

/** As `PEOPLE`, and erin who has no account. */
const POLICY = PEOPLE.replace(
  'roles:',
  `  erin: {emails: [erin@example.com], signers: [{ssh: {key: "${filled('{{erin}}')}"}}]}\nroles:`,
)
const LAW = constantLaw(parseLaw(lawFiles({ ...BASE, '.github/waybill.yml': POLICY })))
const HEAD = idOf('h')
const [OLD, NEW] = [sha256('old'), sha256('new')]

const mergeCommit = commit('m', { by: 'carol', parents: ['anchor', 'h'] })
const pull = (mentions: readonly PullMention[], more: object = {}) => {
  const { platform } = evidenceOf({ platform: { pulls: [{}] } }, mergeCommit, 'h')
  if (platform?.kind !== 'known') throw new Error('The platform is known')
  const [first] = platform.value.pulls
  if (first === undefined) throw new Error('There is a pull request')
  return { ...first, mentions, ...more }
}

/** `by` wrote that `statement` stands behind the ref of `principal`. */
function mention(by: string | undefined, statement = NEW, principal = by ?? 'alice', head = HEAD): PullMention {
  const ref = reviewRef(head, principal)
  const author = by === undefined ? {} : { author: { id: ACCOUNTS[by] ?? 1, login: by } }
  return { ref, head, principal, statement, ...author }
}

/** Changes of a statement; `undefined` takes the number away. */
type Change = Omit<Partial<ReviewFact>, 'repositoryId'> & { readonly repositoryId?: string | undefined }

function withoutAbsent({
  repositoryId,
  ...fact
}: ReviewFact | (Omit<ReviewFact, 'repositoryId'> & Change)): ReviewFact {
  return { ...fact, ...(repositoryId === undefined ? {} : { repositoryId }) }
}

const found = (mentions: readonly PullMention[], stored: Readonly<Record<string, typeof OLD>> = {}, more = {}) => {
  const refs = new Map(Object.entries(stored).map(([name, digest]) => [reviewRef(HEAD, name), digest]))
  return lostReviews([pull(mentions, more)], new Set([HEAD]), refs, LAW).map(({ found: what }) => what)
}

test.each<[string, readonly PullMention[], Readonly<Record<string, typeof OLD>>, readonly string[]]>([
  ['is there', [mention('alice')], { alice: NEW }, []],
  ['is gone', [mention('alice')], {}, ['none']],
  ['is another one now', [mention('alice')], { alice: OLD }, [OLD]],
  ['stands behind somebody else’s ref', [mention('alice')], { bob: NEW }, ['none']],
  ['took the place of an older one', [mention('alice', OLD), mention('alice', NEW)], { alice: NEW }, []],
  ['was replaced by an older one', [mention('alice', OLD), mention('alice', NEW)], { alice: OLD }, [OLD]],
  ['is spoken of by somebody else’s account', [mention('mallory', NEW, 'alice')], {}, []],
  ['is spoken of last by somebody else', [mention('alice'), mention('mallory', OLD, 'alice')], { alice: OLD }, [OLD]],
  ['is one of nobody', [mention('mallory')], {}, []],
  ['is one of a principal without an account', [mention('mallory', NEW, 'erin')], {}, ['none']],
  ['is spoken of by an account that is gone', [mention(undefined)], {}, ['none']],
  ['is about another head', [mention('alice', NEW, 'alice', idOf('older'))], {}, []],
])('13-adversary 11: a statement that %s', (_what, mentions, stored, expected) => {
  expect(found(mentions, stored)).toEqual(expected)
})

test('13-adversary 11: comments that were not all listed may speak of anything', () => {
  expect(found([mention('alice')], { alice: NEW }, { commentsComplete: false })).toEqual(['some of them'])
  expect(found([mention('alice')], { alice: NEW }, { commentsComplete: true })).toEqual([])
})

describe('13-adversary 11: the repository of a statement', () => {
  const REVIEW = {
    approvals: 1,
    by: new Set(['bob']),
    distinctFrom: new Set(['author', 'committers', 'last-pusher'] as const),
    strength: 'signed-by-reviewer',
  } as const
  const asking = { ...LAW, policy: { ...LAW.policy, source: LAW.policy.source.map(r => ({ ...r, review: REVIEW })) } }

  function judged(change: Change, context: { repositoryId?: number; repositoryUri?: string }) {
    const evidence = evidenceOf({ merge: 'equal', reviews: [{ by: 'bob', head: 'h' }] }, mergeCommit, 'h')
    const reviews = (evidence.reviews ?? []).map(fact => withoutAbsent({ ...fact, ...change }))
    const fold = startFold({ id: idOf('anchor') }, asking, MAIN, context)
    const head = commit('h', { by: 'carol', parents: ['anchor'] })
    const platform: StepEvidence['platform'] = { kind: 'known', value: { id: mergeCommit.id, pulls: [] } }
    const step = {
      commit: mergeCommit,
      broughtIn: [head],
      law: { files: [] },
      evidence: { ...evidence, platform, reviews },
    }
    const { outcome, commits } = endFold(stepFold(fold, step, NOW), NOW)
    return [outcome, commits.flatMap(({ findings }) => findings.map(finding => finding.found))[0]]
  }

  const URI = 'https://github.com/my-org/app'
  const OTHER = { repositoryUri: 'https://github.com/other/app' }
  const withoutNumber = (fact: Change): Change => ({ ...fact, repositoryId: undefined })
  test.each<[string, Change, object, string]>([
    ['the number, whatever the name is now', OTHER, { repositoryId: 4711, repositoryUri: URI }, 'passed'],
    [
      'the address where the statement has no number',
      withoutNumber({}),
      { repositoryId: 4711, repositoryUri: URI },
      'passed',
    ],
    ['the address where the run has no number', {}, { repositoryUri: URI }, 'passed'],
    [
      'another number under the same name',
      { repositoryId: '666' },
      { repositoryId: 4711, repositoryUri: URI },
      'rejected',
    ],
    ['another address', withoutNumber(OTHER), { repositoryId: 4711, repositoryUri: URI }, 'rejected'],
    ['another address, no number here', OTHER, { repositoryUri: URI }, 'rejected'],
    ['no address here', withoutNumber({}), { repositoryId: 4711 }, 'rejected'],
  ])('%s', (_what, change, context, outcome) => {
    expect(judged(change, context)[0]).toBe(outcome)
  })

  test('what is wrong with a statement is told with whose it is', () => {
    const [, said] = judged({ targetRef: 'refs/heads/release' }, { repositoryId: 4711 })
    expect(said).toBe('no approval that counts; the statement of bob is about refs/heads/release')
    const stranger = { repositoryId: '666', signature: signatureOf('mallory') as ReviewFact['signature'] }
    expect(judged(stranger, { repositoryId: 4711 })[1]).toContain('the statement of somebody whose key is not known is')
  })
})
