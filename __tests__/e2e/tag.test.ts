import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { Gpg } from '../fakes/gpg.ts'
import type { CommitOptions, RealSigner, TagOptions } from '../fakes/repository.ts'
import { type Inputs, REPOSITORY, type StepResult } from '../fakes/scenario.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'
import { commitOn, expectNoLeak, footprint, provenanceOf, startWorld, type World } from './source-support.ts'

jest.setTimeout(120_000)

let world: World
let gpg: Gpg
/** Alice's key of the real gpg. */
let print: string
/** The commit that brought the policy of this file: the anchor of every run. */
let base: string
/** Two commits of main after it, and a third that nobody signed. */
let one: string
let two: string
let bad: string
/** On a branch that no rule names. */
let aside: string
/** Brought to main by a merge, and the merge. */
let brought: string
let merge: string

const POLICY = '.github/waybill.yml'
const BOB = { name: 'Bob', email: 'bob@example.com' }
const byBob = (message: string, more: Partial<CommitOptions> = {}): CommitOptions => ({
  message,
  signer: world.scenario.bob,
  ...BOB,
  ...more,
})

const sshKeyFile = () => join(world.scenario.stack.folder, 'ssh-alice')

/** Alice maintains and tags, bob develops; releases leave main or a release branch. */
function policy(more = ''): string {
  const { alice, bob } = world.scenario
  const real = readFileSync(`${sshKeyFile()}.pub`, 'utf8').trim()
  return `version: 1
principals:
  alice:
    emails: [alice@example.com]
    signers:
      - { ssh: { key: "${alice.publicKey}" } }
      - { ssh: { key: "${real}" } }
      - { openpgp: { fingerprint: "${print}", file: keys/alice.asc } }
  bob: { emails: [bob@example.com], signers: [{ ssh: { key: "${bob.publicKey}" } }] }
roles: { maintainers: [alice], developers: ["@maintainers", bob] }
source:
  - refs: ["refs/heads/main", "refs/heads/release"]
    commits: { signers: ["@developers"] }
  - refs: ["refs/tags/v*"]
    tag: { signers: ["@maintainers"], on: [refs/heads/main] }
  - refs: ["refs/tags/r*"]
    tag: { signers: ["@maintainers"], on: [refs/heads/main, refs/heads/release] }
policy-change: { signers: ["@maintainers"] }
${more}`
}

beforeAll(async () => {
  world = await startWorld()
  gpg = new Gpg()
  print = gpg.makeKey('alice', 'ed25519')
  const { scenario } = world
  const { repository } = scenario
  execFileSync('ssh-keygen', ['-q', '-N', '', '-C', '', '-t', 'ed25519', '-f', sshKeyFile()])
  base = repository.commit({
    message: 'Say who tags',
    signer: scenario.alice,
    files: { [POLICY]: policy(), '.github/keys/alice.asc': gpg.exported(print) },
  })
  one = repository.commit(byBob('One', { files: { 'hello.txt': 'one\n' } }))
  aside = commitOn(scenario, 'aside', one, byBob('Aside', { files: { 'hello.txt': 'aside\n' } }))
  brought = commitOn(scenario, 'feature', one, byBob('Feature', { files: { 'feature.txt': 'feature\n' } }))
  repository.git('checkout', '--quiet', '--force', 'main')
  two = repository.commit(byBob('Two', { files: { 'hello.txt': 'two\n' } }))
  merge = repository.commit(byBob('Merge the feature', { merge: [brought], files: { 'feature.txt': 'feature\n' } }))
  bad = repository.commit({ message: 'Unsigned', ...BOB, files: { 'hello.txt': 'bad\n' } })
})

afterAll(async () => {
  gpg?.close()
  await world?.scenario.close()
})

/** Runs the action as a push of a tag starts it. */
async function attest(name: string, sha: string, more: Inputs = {}): Promise<StepResult> {
  await world.scenario.publish()
  const inputs = { ...world.inputs, since: base, 'source-mode': 'enforce', ...more }
  return world.scenario.attest(inputs, { claims: { ref: `refs/tags/${name}`, sha } })
}

const byAlice = (more: TagOptions = {}): TagOptions => ({ signer: world.scenario.alice, ...more })

const subjects = ({ result }: StepResult) =>
  result.subjects.map(({ name, verdict, principal, kind }) => [name, verdict, principal, kind])

function expectRefused(step: StepResult, before: unknown, code: string, ...facts: readonly RegExp[]): void {
  expect([step.result.error?.code, step.code, step.result.verdict]).toEqual([code, 1, 'rejected'])
  expect(step.result.error?.remedy).toBeTruthy()
  for (const fact of facts) expect(step.summary).toMatch(fact)
  expect(step.outputs).toMatchObject({ 'source-verdict': 'rejected', digest: '', tags: '' })
  expect(footprint(world.scenario)).toEqual(before)
  expectNoLeak(world.scenario, step)
}

function expectPassed(step: StepResult, name: string, sha: string): void {
  expect([step.result.error, step.code]).toEqual([undefined, 0])
  expect(step.outputs).toMatchObject({ 'source-verdict': 'passed', verdict: 'passed' })
  // A layout was built elsewhere, so the provenance states the source as a claim.
  expect(provenanceOf(step).predicate.buildDefinition.externalParameters.claimedSource).toEqual({
    uri: `git+${world.scenario.stack.git.url}/${REPOSITORY}@refs/tags/${name}`,
    digest: { gitCommit: sha },
  })
  expectNoLeak(world.scenario, step)
}

test('13-adversary 6: a commit of main with the signed tag of a maintainer is built, signed and published', async () => {
  const id = world.scenario.repository.tag('v1', byAlice({ target: two }))
  const step = await attest('v1', two, { tags: 'v1' })
  expectPassed(step, 'v1', two)
  expect(subjects(step)).toEqual([
    ['v1', 'passed', 'alice', 'ssh'],
    [one.slice(0, 7), 'passed', 'bob', 'ssh'],
    [two.slice(0, 7), 'passed', 'bob', 'ssh'],
  ])
  expect(step.result.subjects[0]).toMatchObject({
    digest: id,
    key: world.scenario.alice.fingerprint,
    basis: 'signed',
    author: 'Alice',
  })
  expect(step.summary).toContain(world.scenario.alice.fingerprint)
  expect(world.scenario.stack.registry.storage.open(REPOSITORY).tags.get('v1')).toBe(step.outputs.digest)
})

test('13-adversary 6: under `auto` a tag rule is enough to judge, and to refuse', async () => {
  const { repository, bob } = world.scenario
  repository.tag('v1-auto', byAlice({ target: two }))
  expectPassed(await attest('v1-auto', two, { 'source-mode': 'auto' }), 'v1-auto', two)
  repository.tag('v1-auto-bob', { signer: bob, ...BOB, target: two })
  await world.scenario.publish()
  const before = footprint(world.scenario)
  const step = await attest('v1-auto-bob', two, { 'source-mode': 'auto' })
  expectRefused(step, before, 'source/signer-not-allowed', /bob, whom the tag rule for refs\/tags\/v\*/)
})

const REAL: Readonly<Record<string, () => RealSigner>> = {
  gpg: () => ({
    name: 'Alice',
    email: 'alice@example.com',
    config: ['gpg.format=openpgp', `user.signingkey=${print}`],
    env: gpg.environment(),
  }),
  'ssh-keygen': () => ({
    name: 'Alice',
    email: 'alice@example.com',
    config: ['gpg.format=ssh', `user.signingkey=${sshKeyFile()}`],
  }),
}

test.each(Object.keys(REAL))('13-adversary 6: a tag that the real git signed with %s is accepted', async how => {
  const name = `v-${how}`
  world.scenario.repository.gitAs(REAL[how]?.() as RealSigner, 'tag', '-s', '-m', `Release ${name}`, name, two)
  const step = await attest(name, two)
  expectPassed(step, name, two)
  expect(subjects(step)[0]).toEqual([name, 'passed', 'alice', how === 'gpg' ? 'openpgp' : 'ssh'])
})

test('13-adversary 7: the provenance of a build names the tag beside the commit', async () => {
  world.scenario.repository.tag('v-built', byAlice({ target: two }))
  const step = await attest('v-built', two, { builder: 'buildah', layout: undefined })
  expect([step.result.error, step.code]).toEqual([undefined, 0])
  const { resolvedDependencies = [] } = provenanceOf(step).predicate.buildDefinition
  expect(resolvedDependencies[0]).toEqual({
    uri: `git+${world.scenario.stack.git.url}/${REPOSITORY}@refs/tags/v-built`,
    digest: { gitCommit: two },
  })
})

test('13-adversary 6: a merge of a signed tag by the real git is judged like any merge, the tag inside it', async () => {
  const { repository } = world.scenario
  const carries = commitOn(world.scenario, 'pull', base, byBob('Pulled', { files: { 'pulled.txt': 'pulled\n' } }))
  repository.tag('for-alice', { signer: world.scenario.bob, ...BOB, target: carries })
  repository.git('checkout', '--quiet', '--force', '-B', 'main', base)
  const gpgAlice = REAL.gpg?.() as RealSigner
  repository.gitAs(gpgAlice, 'merge', '--quiet', '--no-ff', '-S', '-m', 'Merge the tag', 'for-alice')
  const merged = repository.head() ?? ''
  expect(repository.git('cat-file', 'commit', merged)).toContain('\nmergetag object ')
  repository.tag('v-mergetag', byAlice({ target: merged }))
  const step = await attest('v-mergetag', merged)
  repository.git('checkout', '--quiet', '--force', '-B', 'main', bad)
  expectPassed(step, 'v-mergetag', merged)
  expect(subjects(step).map(([, verdict, principal]) => [verdict, principal])).toEqual([
    ['passed', 'alice'],
    ['passed', 'bob'],
    ['passed', 'alice'],
  ])
})

test('13-adversary 6: a tag on a commit that a merge brought to main is accepted with that merge', async () => {
  world.scenario.repository.tag('v-brought', byAlice({ target: brought }))
  const step = await attest('v-brought', brought)
  expectPassed(step, 'v-brought', brought)
  expect(subjects(step).map(([name]) => name)).toEqual([
    'v-brought',
    ...[one, two, brought, merge].map(id => id.slice(0, 7)),
  ])
})

test('a bad commit that came to main after the tagged one does not spoil the release', async () => {
  world.scenario.repository.tag('v-merge', byAlice({ target: merge }))
  expectPassed(await attest('v-merge', merge), 'v-merge', merge)
})

/** Case → the tag, the commit of the run, the code it must end in, and what a reader of the summary must find. */
type Case = readonly [(name: string) => unknown, () => string, string, RegExp]
const CASES: Readonly<Record<string, Case>> = {
  'by a developer who is no tag signer': [
    name => world.scenario.repository.tag(name, { signer: world.scenario.bob, ...BOB, target: two }),
    () => two,
    'source/signer-not-allowed',
    /is signed by bob, whom the tag rule/,
  ],
  'by nobody the policy knows': [
    name => world.scenario.repository.tag(name, { signer: makeSshSigner(), target: two }),
    () => two,
    'source/signer-unknown',
    /belongs to no principal of the policy/,
  ],
  "by a maintainer in a developer's name": [
    name => world.scenario.repository.tag(name, byAlice({ ...BOB, target: two })),
    () => two,
    'source/tagger-mismatch',
    /its tagger is bob@example\.com/,
  ],
  "on an unreviewed branch's commit, which is not on main": [
    name => world.scenario.repository.tag(name, byAlice({ target: aside })),
    () => aside,
    'source/tag-off-branch',
    /does not lie between the anchor and the tip of refs\/heads\/main/,
  ],
  'on a commit of main that was rejected': [
    name => world.scenario.repository.tag(name, byAlice({ target: bad })),
    () => bad,
    'source/unsigned',
    /carries no signature/,
  ],
  'older than the anchor': [
    name => world.scenario.repository.tag(name, byAlice({ target: world.scenario.anchor })),
    () => world.scenario.anchor,
    'source/tag-off-branch',
    /does not lie between the anchor/,
  ],
  'that is lightweight': [
    name => world.scenario.repository.git('tag', name, two),
    () => two,
    'source/tag-unsigned',
    /it is lightweight/,
  ],
  'that is annotated and unsigned': [
    name => world.scenario.repository.tag(name, { target: two }),
    () => two,
    'source/tag-unsigned',
    /annotated, not signed/,
  ],
  'that was moved to another commit of main since the event': [
    name => world.scenario.repository.tag(name, byAlice({ target: two })),
    () => one,
    'source/tag-other-commit',
    /points at [0-9a-f]{40} now/,
  ],
  'that was made lightweight and moved since the event': [
    name => world.scenario.repository.git('tag', name, two),
    () => one,
    'source/tag-other-commit',
    /points at [0-9a-f]{40} now/,
  ],
  'that is the signed tag of another release under a new name': [
    name => world.scenario.repository.tag('v-old', byAlice({ target: two, ref: name })),
    () => two,
    'source/tag-name-mismatch',
    /names itself v-old/,
  ],
  'of a signed tag': [
    name => {
      const { repository } = world.scenario
      repository.tag(name, byAlice({ target: repository.tag('v-inner', byAlice({ target: two })) }))
    },
    () => two,
    'source/tag-not-of-commit',
    /names a tag, not a commit/,
  ],
  'whose message was changed after signing': [
    name =>
      world.scenario.repository.tag(
        name,
        byAlice({ target: two, tamper: object => object.replace('Release', 'Reload') }),
      ),
    () => two,
    'source/bad-signature',
    /does not match the bytes/,
  ],
  'with two armor blocks': [
    name =>
      world.scenario.repository.tag(
        name,
        byAlice({ target: two, tamper: object => `${object}${object.slice(object.indexOf('-----BEGIN'))}` }),
      ),
    () => two,
    'source/malformed',
    /more than one armor block/,
  ],
  'with words after its signature': [
    name => world.scenario.repository.tag(name, byAlice({ target: two, tamper: object => `${object}and more\n` })),
    () => two,
    'source/malformed',
    /text after its end/,
  ],
}

test.each(Object.entries(CASES))('13-adversary 6: a tag %s is refused before anything is built', async (title, how) => {
  const [make, sha, code, fact] = how
  const name = `v-${title.replaceAll(/[^a-z]+/g, '-')}`
  make(name)
  await world.scenario.publish()
  const before = footprint(world.scenario)
  const step = await attest(name, sha(), { tags: 'latest' })
  expectRefused(step, before, code, fact)
})

test('13-adversary 7: under audit a bad tag is told, the run goes on, and the ref of a moved one is not stated', async () => {
  world.scenario.repository.tag('v-audit', byAlice({ target: two }))
  const step = await attest('v-audit', one, { 'source-mode': 'audit' })
  expect([step.code, step.outputs['source-verdict']]).toEqual([0, 'rejected'])
  expect(step.summary).toContain('source/tag-other-commit')
  expect(provenanceOf(step).predicate.buildDefinition.externalParameters.claimedSource).toEqual({
    uri: `git+${world.scenario.stack.git.url}/${REPOSITORY}`,
    digest: { gitCommit: one },
  })
})

test('a tag of which no rule speaks is not judged under `auto`, and refused under `enforce`', async () => {
  world.scenario.repository.tag('other', byAlice({ target: two }))
  const loose = await attest('other', two, { 'source-mode': 'auto' })
  expect([loose.code, loose.outputs['source-verdict']]).toEqual([0, 'not-asked'])
  await world.scenario.publish()
  const before = footprint(world.scenario)
  expectRefused(await attest('other', two), before, 'policy/no-rule', /no source rule .* matches refs\/tags\/other/)
})

describe('with a release branch', () => {
  let released: string
  beforeAll(() => {
    released = commitOn(world.scenario, 'release', one, byBob('Release only', { files: { 'hello.txt': 'r\n' } }))
    world.scenario.repository.git('checkout', '--quiet', '--force', 'main')
  })

  test('13-adversary 6: a rule with two branches takes a commit of the second, judged along that one', async () => {
    world.scenario.repository.tag('r1', byAlice({ target: released }))
    const step = await attest('r1', released)
    expectPassed(step, 'r1', released)
    expect(subjects(step).map(([name]) => name)).toEqual(['r1', ...[one, released].map(id => id.slice(0, 7))])
  })

  test('13-adversary 6: the rule with one branch does not take it', async () => {
    world.scenario.repository.tag('v-release', byAlice({ target: released }))
    await world.scenario.publish()
    const before = footprint(world.scenario)
    expectRefused(await attest('v-release', released), before, 'source/tag-off-branch')
  })

  test('13-adversary 6: who was removed on main cannot tag by the older law of another branch', async () => {
    const { repository, alice } = world.scenario
    const gone = policy().replace('maintainers: [alice]', 'maintainers: [alice, bob]')
    // Bob may tag while this is the law; the release branch takes it over, then main takes it back.
    const allowed = repository.commit({ message: 'Let bob tag', signer: alice, files: { [POLICY]: gone } })
    repository.git('update-ref', 'refs/heads/release', allowed)
    repository.commit({ message: 'No more', signer: alice, files: { [POLICY]: policy() } })
    const late = commitOn(world.scenario, 'release', allowed, byBob('Late', { files: { 'hello.txt': 'late\n' } }))
    repository.git('checkout', '--quiet', '--force', 'main')
    repository.tag('r-late', { signer: world.scenario.bob, ...BOB, target: late })
    await world.scenario.publish()
    const before = footprint(world.scenario)
    expectRefused(await attest('r-late', late), before, 'source/signer-not-allowed', /is signed by bob/)
  })

  test('13-adversary 6: with the branch of the rule gone from the server no other one is taken in its place', async () => {
    const { repository } = world.scenario
    repository.tag('v-gone', byAlice({ target: two }))
    repository.git('branch', '--quiet', '-m', 'main', 'trunk')
    const step = await attest('v-gone', two)
    repository.git('branch', '--quiet', '-m', 'trunk', 'main')
    expect([step.code, step.result.error?.code]).toEqual([1, 'source/ref-gone'])
    expect(step.result.error?.remedy).toContain('refs/heads/main')
  })
})

test('13-adversary 6: a rule that came after the anchor holds: the law is the one accepted at the tip', async () => {
  const { scenario } = world
  scenario.repository.tag('v-later', byAlice({ target: two }))
  // From the scenario's own anchor, whose policy has no rule for tags and names main alone.
  const step = await attest('v-later', base, { since: scenario.anchor })
  expect([step.result.error?.code, step.code]).toEqual(['source/tag-other-commit', 1])
  scenario.repository.tag('v-later', byAlice({ target: base }))
  expectPassed(await attest('v-later', base, { since: scenario.anchor }), 'v-later', base)
})
