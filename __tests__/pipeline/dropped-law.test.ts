import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import { parseAuthorizedKey } from '../../src/core/ssh-key.ts'
import { acceptedLaw } from '../../src/pipeline/base-law.ts'
import { SourceFold } from '../../src/pipeline/source-fold.ts'
import { endFoldAt } from '../../src/policy/fold.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'
import { ALICE, EvidenceWorld, MAIN } from './evidence-world.ts'

const NOW = new Date('2026-06-01T12:00:00Z')
const BOB = makeSshSigner()
const CAROL = makeSshSigner()
const POLICY = (roles: string) => `version: 1
principals:
  alice: {emails: [alice@example.com], signers: [{ssh: {key: "${ALICE.publicKey}"}}]}
  bob: {emails: [bob@example.com], signers: [{ssh: {key: "${BOB.publicKey}"}}]}
  carol: {emails: [carol@example.com], signers: [{ssh: {key: "${CAROL.publicKey}"}}]}
roles: ${roles}
source:
  - refs: [refs/heads/main]
    commits: {signers: ["@developers"]}
policy-change: {signers: ["@maintainers"]}
`
const WITH_CAROL = POLICY('{maintainers: [alice, bob], developers: ["@maintainers", carol]}')
const WITHOUT_CAROL = POLICY('{maintainers: [alice, bob], developers: ["@maintainers"]}')
const LAW = '.github/waybill.yml'
const PEOPLE = { alice: ALICE, bob: BOB, carol: CAROL }
const CAROLS = { signer: CAROL, email: 'carol@example.com' }
type Name = keyof typeof PEOPLE

/** A branch on which carol commits until alice takes her out of the developers. */
class World extends EvidenceWorld {
  readonly start = this.commit({ [LAW]: WITH_CAROL }, 'start')

  by(name: Name, message: string, files: Readonly<Record<string, string | null>>): CommitId {
    const signer = PEOPLE[name]
    return parseCommitId(this.repository.commit({ message, signer, email: `${name}@example.com`, files }))
  }

  /** Goes on from another commit; `main` is moved there. */
  goTo(commit: string): void {
    this.repository.git('reset', '--quiet', '--hard', commit)
  }

  /** A merge with the tree of `like`, as whoever pushes could make it. */
  merge(name: Name, message: string, parents: readonly CommitId[], like: CommitId): CommitId {
    const email = `${name}@example.com`
    const id = this.repository.object({ message, signer: PEOPLE[name], email }, this.tree(like), parents)
    this.goTo(id)
    return parseCommitId(id)
  }

  async fold() {
    return new SourceFold(await this.open(), NOW).alongFirstParents(this.start, this.head(), MAIN)
  }

  async judge(head = this.head()) {
    const judgement = endFoldAt(await this.fold(), head, NOW)
    if (judgement === undefined) throw new Error(`${head} is not on the line`)
    const { outcome, commits, lawAt } = judgement
    return { outcome, lawAt, codes: commits.flatMap(c => c.findings.map(({ code }) => `${c.subject} ${code}`)) }
  }
}

const worlds: World[] = []
afterAll(async () => {
  for (const world of worlds) await world.close()
})

function newWorld(): World {
  const world = new World()
  worlds.push(world)
  return world
}

const REJECTED = { outcome: 'rejected', codes: expect.arrayContaining(['evil merge policy/dropped-change']) }

describe('13-adversary 3: a merge made the wrong way round does not drop a change of the law', () => {
  /** alice takes carol out; carol goes on from before that. */
  function removed() {
    const world = newWorld()
    const removal = world.by('alice', 'remove carol', { [LAW]: WITHOUT_CAROL })
    world.goTo(world.start)
    return { world, removal, own: world.by('carol', 'evil', { evil: 'evil\n' }) }
  }

  test('when its second parent is the protected branch', async () => {
    const { world, removal, own } = removed()
    world.merge('carol', 'evil merge', [own, removal], own)
    expect(await world.judge()).toMatchObject({ ...REJECTED, lawAt: world.start })
  })

  test('when the old law was put back beside the line first', async () => {
    const { world, removal, own } = removed()
    world.goTo(removal)
    const back = world.by('carol', 'back', { [LAW]: WITH_CAROL })
    world.merge('carol', 'evil merge', [own, back], own)
    expect(await world.judge()).toMatchObject(REJECTED)
  })

  test('when another merge beside the line dropped it', async () => {
    const { world, removal, own } = removed()
    const hidden = world.merge('carol', 'hidden', [world.start, removal], world.start)
    world.merge('carol', 'evil merge', [own, hidden], own)
    expect(await world.judge()).toMatchObject(REJECTED)
  })

  test('and nothing is proposed under the law that came of it', async () => {
    const { world, removal, own } = removed()
    world.merge('carol', 'evil merge', [own, removal], own)
    const base = await world.fold()
    expect(() => acceptedLaw(base)).toThrow(
      expect.objectContaining({ code: 'policy/dropped-change', kind: 'unknown' }) as Error,
    )
  })

  test('also not for a commit below the merge, when that one is built', async () => {
    const { world, removal, own } = removed()
    world.merge('carol', 'evil merge', [own, removal], own)
    expect(await world.judge(own)).toMatchObject({ outcome: 'rejected' })
  })

  test('not even for a maintainer, once the law says that the key was stolen, nor by his exceptions', async () => {
    const world = newWorld()
    const { fingerprint } = parseAuthorizedKey(ALICE.publicKey)
    const stolen = `${WITH_CAROL}revoked: [{fingerprint: "${fingerprint}", effective: 2026-01-01, mode: compromised}]\n`
    const removal = world.by('bob', 'alice’s key is stolen', { [LAW]: stolen })
    world.goTo(world.start)
    const own = world.by('alice', 'evil', { evil: 'evil\n' })
    const merge = world.merge('alice', 'evil merge', [own, removal], own)
    expect(await world.judge()).toMatchObject(REJECTED)
    const excepting = `${WITH_CAROL}exceptions: [{commit: ${merge}, reason: mine, approved-by: alice}]\n`
    world.by('alice', 'except', { [LAW]: excepting })
    expect(await world.judge()).toMatchObject({ outcome: 'rejected' })
    world.by('bob', 'settle', { [LAW]: `${excepting}# looked at\n` })
    expect(await world.judge()).toMatchObject({ outcome: 'passed' })
  })
})

describe('13-adversary 4: nobody is locked out by an honest merge', () => {
  const WORKFLOW = '.github/workflows/ci.yml'

  test('of a branch that left before the law changed', async () => {
    const world = newWorld()
    const [topic = world.start] = world.branch([{ b: 'b\n' }])
    const change = world.by('alice', 'edit', { [WORKFLOW]: 'on: push\n' })
    const tree = world.mergedTree(change, topic)
    world.goTo(world.repository.object({ message: 'merge', ...CAROLS }, tree, [change, topic]))
    expect(await world.judge()).toMatchObject({ outcome: 'passed', lawAt: change })
  })

  test('of a branch into which the protected one was merged', async () => {
    const world = newWorld()
    const [topic = world.start] = world.branch([{ b: 'b\n' }])
    const change = world.by('alice', 'edit', { [WORKFLOW]: 'on: push\n' })
    const tree = world.mergedTree(change, topic)
    const updated = world.repository.object({ message: 'update', ...CAROLS }, tree, [topic, change])
    world.goTo(world.repository.object({ message: 'merge', ...CAROLS }, tree, [change, updated]))
    expect(await world.judge()).toMatchObject({ outcome: 'passed', lawAt: change })
  })

  test('of a branch on which a maintainer tried something and took it back', async () => {
    const world = newWorld()
    const [, topic = world.start] = world.branch([{ [WORKFLOW]: 'on: push\n' }, { [WORKFLOW]: null, b: 'b\n' }])
    const base = world.by('alice', 'base', { c: 'c\n' })
    const tree = world.mergedTree(base, topic)
    world.goTo(world.repository.object({ message: 'merge', ...CAROLS }, tree, [base, topic]))
    expect(await world.judge()).toMatchObject({ outcome: 'passed' })
  })

  test('of a branch with a change that came to the protected one on another way, and was changed again there', async () => {
    const world = newWorld()
    const [topic = world.start] = world.branch([{ [WORKFLOW]: 'on: push\n', b: 'b\n' }])
    world.by('alice', 'picked', { [WORKFLOW]: 'on: push\n' })
    const again = world.by('alice', 'again', { [WORKFLOW]: 'on: [push]\n' })
    const tree = world.withFile(world.tree(again), 'b', 'b\n')
    world.goTo(world.repository.object({ message: 'merge', ...CAROLS }, tree, [again, topic]))
    expect(await world.judge()).toMatchObject({ outcome: 'passed' })
  })

  test('by a maintainer who leaves out the change of another', async () => {
    const world = newWorld()
    const [topic = world.start] = world.branch([{ [WORKFLOW]: 'on: push\n' }])
    const base = world.by('bob', 'base', { c: 'c\n' })
    world.merge('bob', 'without the workflow', [base, topic], base)
    expect(await world.judge()).toMatchObject({ outcome: 'passed' })
  })
})
