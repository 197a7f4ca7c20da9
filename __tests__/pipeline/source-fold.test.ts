import { parseCommitId } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import { SourceFold } from '../../src/pipeline/source-fold.ts'
import { endFold } from '../../src/policy/fold.ts'
import type { History } from '../../src/source/git.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'
import { ALICE, EvidenceWorld, MAIN, POLICY } from './evidence-world.ts'

const NOW = new Date('2026-06-01T12:00:00Z')
const BOB = makeSshSigner()
const WITH_BOB = POLICY.replace(
  'roles: {maintainers: [alice]}',
  `  bob: {emails: [bob@example.com], signers: [{ssh: {key: "${BOB.publicKey}"}}]}\nroles: {maintainers: [alice, bob]}`,
)
const worlds: EvidenceWorld[] = []
afterAll(async () => {
  for (const world of worlds) await world.close()
})

function newWorld(): EvidenceWorld {
  const world = new EvidenceWorld()
  worlds.push(world)
  return world
}

function byBob(world: EvidenceWorld, message: string): void {
  world.repository.commit({ message, signer: BOB, email: 'bob@example.com', files: { [message]: message } })
}

test('each commit is judged with the keys of its own moment, however many are judged together', async () => {
  const world = newWorld()
  world.commit({ a: 'a\n' }, 'one')
  byBob(world, 'too-early')
  const change = world.commit({ '.github/waybill.yml': WITH_BOB }, 'add-bob')
  byBob(world, 'in-time')
  world.commit({ '.github/ISSUE_TEMPLATE.md': 'hello\n' }, 'no-law')
  byBob(world, 'still')
  world.commit({ '.github/waybill.yml': POLICY }, 'remove-bob')
  byBob(world, 'too-late')
  const history = await world.open()
  const fold = await new SourceFold(history, NOW).alongFirstParents(world.anchor, world.head(), MAIN)
  const { commits, lawAt } = endFold(fold, NOW)
  expect(commits.map(({ subject, outcome }) => `${subject} ${outcome}`)).toEqual([
    'one passed',
    'too-early rejected',
    'add-bob passed',
    'in-time passed',
    'no-law passed',
    'still passed',
    'remove-bob passed',
    'too-late rejected',
  ])
  expect(lawAt).not.toBe(change)
})

test('a merge queue’s line and a pull request’s commits are judged under the law of their base', async () => {
  const world = newWorld()
  const base = world.commit({ a: 'a\n' }, 'base')
  const [one = base, two = base] = world.branch([{ b: 'b\n' }, { c: 'c\n' }])
  const tree = world.mergedTree(base, two)
  const id = world.repository.object({ message: 'queued', signer: ALICE }, tree, [base, two])
  world.repository.git('update-ref', 'refs/heads/main', id)
  const history = await world.open()
  const driver = new SourceFold(history, NOW)
  const { law } = await driver.alongFirstParents(world.anchor, base, MAIN)
  const line = await driver.alongUnderLaw(base, parseCommitId(id), { ...law, constant: true }, MAIN)
  const loose = await driver.underLaw(base, [one, two, parseCommitId(id)], { ...law, constant: true }, MAIN)
  const shown = (judged: typeof line) =>
    endFold(judged, NOW).commits.map(({ subject, via, outcome }) => [subject, via, outcome])
  expect(shown(line)).toEqual([
    ['topic 0', id, 'passed'],
    ['topic 1', id, 'passed'],
    ['queued', undefined, 'passed'],
  ])
  expect(shown(loose)).toEqual([
    ['topic 0', undefined, 'passed'],
    ['topic 1', undefined, 'passed'],
    ['queued', undefined, 'passed'],
  ])
})

/** The history, whose time is over when it is asked for the `nth` time. */
function late(history: History, nth: number): History {
  let asked = 0
  return new Proxy(history, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'remaining') return typeof value === 'function' ? value.bind(target) : value
      return () => {
        if (++asked >= nth) throw fail('source/deadline', 'The time is over')
        return 60_000
      }
    },
  })
}

test('13-adversary 13: what ends early says how far it came, and is unknown', async () => {
  const world = newWorld()
  world.commit({ a: 'a\n' })
  world.commit({ '.github/waybill.yml': WITH_BOB })
  world.commit({ b: 'b\n' })
  const fold = new SourceFold(late(await world.open(), 2), NOW)
  await expect(fold.alongFirstParents(world.anchor, world.head(), MAIN)).rejects.toMatchObject({
    code: 'source/deadline',
    kind: 'unknown',
    found: '2 of 3 commits of the line were judged',
  })
})
