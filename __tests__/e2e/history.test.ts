import { readFileSync } from 'node:fs'
import { jest } from '@jest/globals'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { CommitOptions } from '../fakes/repository.ts'
import { type Inputs, policyOf, REPOSITORY, type StepResult } from '../fakes/scenario.ts'
import {
  commitOn,
  expectNoLeak,
  footprint,
  GITHUB_TOKEN,
  provenanceOf,
  push,
  type StatementLike,
  startWorld,
  type World,
} from './source-support.ts'

jest.setTimeout(120_000)

let world: World
/** Policy of every story: rules for all branches below `story/`, none for others. */
let law: string
/** The commit that brought it. */
let base: string

const POLICY = '.github/waybill.yml'
const BOB = { name: 'Bob', email: 'bob@example.com' }
const byBob = (message: string, files: CommitOptions['files'] = {}): CommitOptions => ({
  message,
  signer: world.scenario.bob,
  ...BOB,
  files,
})
const byAlice = (message: string, files: CommitOptions['files'] = {}): CommitOptions => ({
  message,
  signer: world.scenario.alice,
  files,
})

/** Writes one commit after the other on a branch of its own and publishes it. @returns their ids. */
async function story(branch: string, ...commits: readonly CommitOptions[]): Promise<string[]> {
  let from = base
  const ids = commits.map(options => {
    from = commitOn(world.scenario, branch, from, options)
    return from
  })
  await world.scenario.publish()
  return ids
}

const attest = (branch: string, sha: string, more: Inputs = {}) =>
  push(world, `refs/heads/${branch}`, sha, { since: base, ...more })

/** Nothing was built, signed or written, and whoever reads the summary learns why. */
function expectRefused(
  step: StepResult,
  before: unknown,
  code: string,
  exit: number,
  ...facts: readonly RegExp[]
): void {
  expect([step.result.error?.code, step.code]).toEqual([code, exit])
  expect(step.result.error?.remedy).toBeTruthy()
  for (const fact of facts) expect(step.summary).toMatch(fact)
  expect(step.outputs.digest ?? '').toBe('')
  expect(footprint(world.scenario)).toEqual(before)
  expectNoLeak(world.scenario, step)
}

const verdicts = ({ result }: StepResult) =>
  result.subjects.map(({ title, verdict, basis }) => [title, verdict, ...(basis === undefined ? [] : [basis])])

const waybillOf = (statement: StatementLike) =>
  statement.predicate.buildDefinition.internalParameters.waybill as Record<string, unknown>

beforeAll(async () => {
  world = await startWorld()
  const { scenario } = world
  law = policyOf(scenario.alice, scenario.bob).replace('refs/heads/main', 'refs/heads/story/**')
  base = scenario.repository.commit(byAlice('Let every story be judged', { [POLICY]: law }))
  await scenario.publish()
})

afterAll(() => world?.scenario.close())

describe('the fold', () => {
  test('13-adversary 1: a rejected push stays rejected under the good commit pushed after it', async () => {
    const [bad = '', head = ''] = await story(
      'story/launder',
      { message: 'Slip in', ...BOB, files: { evil: '1' } },
      byBob('Look away'),
    )
    const before = footprint(world.scenario)
    const step = await attest('story/launder', head)
    expectRefused(step, before, 'source/unsigned', 1, /Slip in/, new RegExp(bad.slice(0, 7)))
    expect(verdicts(step)).toEqual([
      ['Slip in', 'rejected'],
      ['Look away', 'passed', 'signed'],
    ])
  })

  test('13-adversary 1, 3: deleting the policy is no way out, in that run and in the next', async () => {
    const [gone = '', head = ''] = await story(
      'story/delete',
      byBob('Delete the policy', { [POLICY]: null }),
      byBob('Go on'),
    )
    const before = footprint(world.scenario)
    const step = await attest('story/delete', head)
    expectRefused(step, before, 'policy/unapproved-change', 1, /NOT accepted/, new RegExp(gone.slice(0, 7)))
    expect(verdicts(step)).toEqual([
      ['Delete the policy', 'rejected'],
      ['Go on', 'rejected'],
    ])
    expect(step.result.policy?.ref).toBe(base)
  })

  test('13-adversary 3: a developer who makes himself a maintainer is refused, and the summary shows the difference', async () => {
    const more = law.replace('maintainers: [alice]', 'maintainers: [alice, bob]')
    const [head = ''] = await story('story/promote', byBob('Tidy the policy', { [POLICY]: more }))
    const before = footprint(world.scenario)
    const step = await attest('story/promote', head)
    expectRefused(
      step,
      before,
      'policy/unapproved-change',
      1,
      /^### Rules changed by these commits$/m,
      /\*\*the policy\*\*, NOT accepted: 3 of 6 differences loosen the rules/,
      /\| ⚠️ loosens \| added \| role \| `@maintainers: alice, bob` \|/,
    )
    expect(step.summary.indexOf('### Rules changed')).toBeLessThan(step.summary.indexOf('## ❌'))
    expect(step.result.error).toMatchObject({ expected: expect.stringContaining('alice'), found: 'bob, passed' })
  })

  test('13-adversary 4: a typo of a maintainer locks nobody out: the old policy judges on and the line is named', async () => {
    const typo = law.replace('principals:', 'principles:')
    const [, head = ''] = await story('story/typo', byAlice('Tidy the policy', { [POLICY]: typo }), byBob('Go on'))
    const before = footprint(world.scenario)
    const step = await attest('story/typo', head)
    expectRefused(step, before, 'policy/unsupported', 3, /principles/, /waybill\.yml:2/)
    const broken = `${law}\n  - : [\n`
    const [, next = ''] = await story('story/broken', byAlice('Tidy the policy', { [POLICY]: broken }), byBob('Go on'))
    expectRefused(await attest('story/broken', next), before, 'policy/unusable', 1, /judges on/, /waybill\.yml:\d+/)
  })

  test('a developer may not change a workflow, a maintainer may', async () => {
    const workflow = { '.github/workflows/release.yml': 'on: push\nwith: {source-mode: audit}\n' }
    const told = /\| ⚠️ loosens \| added \| workflow \| `\S+release\.yml: with: \{source-mode: audit\}` \|/
    const [head = ''] = await story('story/workflow', byBob('Speed up the release', workflow))
    const before = footprint(world.scenario)
    const step = await attest('story/workflow', head)
    expectRefused(step, before, 'policy/unapproved-change', 1, /\*\*workflows\*\*, NOT accepted/, told)
    const [good = ''] = await story('story/workflow-by-alice', byAlice('Speed up the release', workflow))
    const accepted = await attest('story/workflow-by-alice', good)
    expect([accepted.result.error, accepted.code]).toEqual([undefined, 0])
    expect(accepted.summary).toMatch(/\*\*workflows\*\*, accepted: .* signed by `alice`/)
    expect(accepted.summary).toMatch(told)
    expect(accepted.result.ruleChanges).toMatchObject([
      { commit: good, accepted: true, by: 'alice', kind: 'workflows' },
    ])
  })

  test('an exception that a maintainer adds heals a history, and says so', async () => {
    const [bad = ''] = await story('story/heal', { message: 'Forget to sign', ...BOB, files: { forgotten: '1' } })
    const reason = `exceptions: [{ commit: ${bad}, reason: "forgotten, read by alice", approved-by: alice }]\n`
    const head = commitOn(world.scenario, 'story/heal', bad, byAlice('Except it', { [POLICY]: law + reason }))
    await world.scenario.publish()
    const step = await attest('story/heal', head, { tags: 'healed' })
    expect([step.result.error, step.code]).toEqual([undefined, 0])
    expect(verdicts(step)).toEqual([
      ['Forget to sign', 'passed', 'excepted'],
      ['Except it', 'passed', 'signed'],
    ])
    expect(step.summary).toContain('excepted')
    expect(world.scenario.stack.registry.storage.open(REPOSITORY).tags.get('healed')).toBe(world.digest)
    expectNoLeak(world.scenario, step)
  })

  test('a developer cannot except his own commit', async () => {
    const [bad = ''] = await story('story/except-self', { message: 'Forget to sign', ...BOB })
    const reason = `exceptions: [{ commit: ${bad}, reason: "trust me", approved-by: alice }]\n`
    const head = commitOn(world.scenario, 'story/except-self', bad, byBob('Except it', { [POLICY]: law + reason }))
    await world.scenario.publish()
    const before = footprint(world.scenario)
    expectRefused(await attest('story/except-self', head), before, 'source/unsigned', 1, /policy\/unapproved-change/)
  })

  test('a commit older than the tip is judged by the law of the tip, and only up to itself', async () => {
    const [old = ''] = await story('story/older', byBob('Build me'), byBob('Later'), {
      message: 'Later and unsigned',
      ...BOB,
    })
    const step = await attest('story/older', old)
    expect([step.result.error, step.code]).toEqual([undefined, 0])
    expect(verdicts(step)).toEqual([['Build me', 'passed', 'signed']])
    const revoked = `revoked: [{ fingerprint: "${world.scenario.bob.fingerprint}", effective: 2026-01-01, mode: compromised }]\n`
    const [early = ''] = await story(
      'story/revoked',
      byBob('Build me'),
      byAlice('Revoke bob', { [POLICY]: law + revoked }),
    )
    const before = footprint(world.scenario)
    expectRefused(await attest('story/revoked', early), before, 'source/key-revoked', 1, /compromised/, /Build me/)
  })

  test('a merge brings its commits in: they are judged and named', async () => {
    const side = commitOn(world.scenario, 'side', base, {
      message: 'Unsigned on the side',
      ...BOB,
      files: { side: '1' },
    })
    const head = commitOn(world.scenario, 'story/merge', base, { ...byAlice('Merge the side'), merge: [side] })
    await world.scenario.publish()
    const before = footprint(world.scenario)
    expectRefused(await attest('story/merge', head), before, 'source/unsigned', 1, /Unsigned on the side/)
  })
})

describe('where the head and the anchor stand', () => {
  test('a commit that was forced off its branch is not signed for it', async () => {
    const [old = ''] = await story('story/forced', byBob('Soon gone'))
    await story('story/forced', byBob('Instead'))
    world.scenario.repository.git('update-ref', 'refs/keep/forced', old)
    await world.scenario.publish()
    const before = footprint(world.scenario)
    const step = await attest('story/forced', old)
    expectRefused(step, before, 'source/not-on-ref', 1, /story\/forced is at [0-9a-f]{40} now/, /present tip/)
  })

  test('a branch that was deleted meanwhile', async () => {
    const [head = ''] = await story('story/deleted', byBob('Soon gone'))
    world.scenario.repository.git('checkout', '--quiet', '--force', '--detach', base)
    world.scenario.repository.git('update-ref', '-d', 'refs/heads/story/deleted')
    await world.scenario.publish()
    const before = footprint(world.scenario)
    expectRefused(
      await attest('story/deleted', head),
      before,
      'source/ref-gone',
      1,
      /refs\/heads\/story\/deleted does not exist/,
    )
  })

  test('an anchor on another branch, one without a policy, and one that is nowhere', async () => {
    const { repository, anchor } = world.scenario
    const [other = ''] = await story('story/elsewhere', byAlice('Elsewhere', { elsewhere: '1' }))
    const [head = ''] = await story('story/anchor', byBob('Build me'))
    const empty = repository.object({ message: 'Before the policy' }, repository.git('mktree'), [])
    const grown = repository.object(byBob('Grow'), repository.git('rev-parse', `${head}^{tree}`), [empty])
    repository.git('update-ref', 'refs/heads/story/grown', grown)
    await world.scenario.publish()
    const before = footprint(world.scenario)
    expectRefused(
      await attest('story/anchor', head, { since: other }),
      before,
      'source/anchor-not-ancestor',
      1,
      new RegExp(other.slice(0, 7)),
    )
    expectRefused(
      await attest('story/grown', grown, { since: empty }),
      before,
      'source/anchor-without-policy',
      3,
      /git log --format=%H -1/,
    )
    const nowhere = '0123456789012345678901234567890123456789'
    expectRefused(
      await attest('story/anchor', head, { since: nowhere }),
      before,
      'source/commit-not-found',
      2,
      /0123456789/,
    )
    // The scenario's first commit has a policy, but no rule for this branch.
    expect(anchor).not.toBe(base)
  })
})

describe('modes', () => {
  test('without an anchor nothing is judged and nothing is claimed; a policy is suggested on the default branch alone', async () => {
    const { scenario, inputs } = world
    const bare = commitOn(scenario, 'main', base, { ...byBob('Work without a policy'), files: { [POLICY]: null } })
    scenario.repository.git('update-ref', 'refs/heads/feature', bare)
    await scenario.publish()
    const run = (ref: string) => scenario.attest({ ...inputs, since: undefined }, { claims: { ref, sha: bare } })
    const step = await run('refs/heads/main')
    expect([step.result.error, step.code]).toEqual([undefined, 0])
    expect(step.summary.split('\n')[0]).toBe(
      '> ⚠️ No policy: nothing was judged. The commits are shown with the keys that signed them.',
    )
    expect(step.outputs['source-verdict']).toBe('not-asked')
    expect(step.summary).toContain(scenario.bob.fingerprint)
    expect(waybillOf(provenanceOf(step)).source).toEqual({ mode: 'audit', verdict: 'not-asked' })
    const suggested = parsePolicy(Buffer.from(step.result.suggestedPolicy ?? ''), POLICY)
    expect(suggested.principals.size).toBe(2)
    expect(step.summary).toContain('A policy made from what this run saw')
    expectNoLeak(scenario, step)
    const feature = await run('refs/heads/feature')
    expect([feature.code, feature.result.suggestedPolicy]).toEqual([0, undefined])
    expect(feature.summary).not.toContain('A policy made from')
  })

  test('a policy without an anchor: not asked, and the summary has the line to add', async () => {
    const [head = ''] = await story('story/no-anchor', { message: 'Unsigned', ...BOB })
    const step = await attest('story/no-anchor', head, { since: undefined })
    expect([step.result.error, step.code, step.outputs['source-verdict']]).toEqual([undefined, 0, 'not-asked'])
    expect(step.summary.split('\n')[0]).toContain(`since: ${head}`)
  })

  test('enforce without an anchor is a configuration error', async () => {
    const [head = ''] = await story('story/no-anchor-enforced', byBob('Build me'))
    const before = footprint(world.scenario)
    const more = { since: undefined, 'source-mode': 'enforce' }
    expectRefused(
      await attest('story/no-anchor-enforced', head, more),
      before,
      'entry/input-contradiction',
      3,
      /since: <full id/,
    )
  })

  test('13-adversary 41: audit goes on with a bad commit, stays red, and the provenance says so', async () => {
    const [head = ''] = await story('story/audit', { message: 'Forget to sign', ...BOB })
    const step = await attest('story/audit', head, { 'source-mode': 'audit', tags: 'audited' })
    expect([step.result.error, step.code, step.result.verdict]).toEqual([undefined, 0, 'rejected'])
    expect(step.outputs).toMatchObject({ verdict: 'rejected', 'source-verdict': 'rejected', digest: world.digest })
    expect(step.summary).toMatch(/^## ❌ Rejected/m)
    expect(step.summary).toContain('source/unsigned')
    expect(waybillOf(provenanceOf(step)).source).toEqual({ mode: 'audit', verdict: 'rejected' })
    expect(step.result.attestations).toHaveLength(2)
    expectNoLeak(world.scenario, step)
  })

  test('a policy from elsewhere is refused by name: it is not read by this version', async () => {
    const [head = ''] = await story('story/outside', byBob('Build me'))
    const before = footprint(world.scenario)
    const step = await attest('story/outside', head, { policy: 'other/policy.yml' })
    expectRefused(step, before, 'entry/input-unsupported', 3, /Remove the input policy/)
  })

  test('off judges nothing and says so', async () => {
    const [head = ''] = await story('story/off', { message: 'Forget to sign', ...BOB })
    const step = await attest('story/off', head, { 'source-mode': 'off', since: undefined })
    expect([step.code, step.outputs['source-verdict']]).toEqual([0, 'not-asked'])
    expect(step.summary.split('\n')[0]).toBe('> ⚠️ source-mode is off: nothing was judged.')
    expect(waybillOf(provenanceOf(step)).source).toEqual({ mode: 'off', verdict: 'not-asked' })
  })

  test('a ref that no rule names: not asked under auto, refused under enforce', async () => {
    const head = commitOn(world.scenario, 'unruled', base, byBob('Build me'))
    await world.scenario.publish()
    const step = await attest('unruled', head)
    expect([step.code, step.outputs['source-verdict']]).toEqual([0, 'not-asked'])
    expect(step.summary.split('\n')[0]).toBe(
      '> ⚠️ No rule of the policy is about refs/heads/unruled: nothing was judged.',
    )
    const before = footprint(world.scenario)
    const enforced = await attest('unruled', head, { 'source-mode': 'enforce' })
    expectRefused(enforced, before, 'policy/no-rule', 1, /refs: \["refs\/heads\/unruled"\]/)
  })
})

describe('13-adversary 7: the commit of what is signed is the commit of the run', () => {
  test('another commit is refused, also one of the same branch, in every mode', async () => {
    const [old = '', head = ''] = await story('story/other', byBob('Older'), byBob('Newer'))
    const before = footprint(world.scenario)
    for (const mode of ['auto', 'enforce', 'audit', 'off']) {
      const since = mode === 'off' ? undefined : base
      const step = await attest('story/other', head, { commit: old, 'source-mode': mode, since })
      expectRefused(step, before, 'source/other-commit', 1, new RegExp(old), /allow-other-commit: true/)
    }
  })

  test('allowed by an approved rule, the provenance names both commits; one that is not on the ref is still refused', async () => {
    const open = law.replace('    commits:', '    allow-other-commit: true\n    commits:')
    const [, old = '', head = ''] = await story(
      'story/other-allowed',
      byAlice('Allow other commits', { [POLICY]: open }),
      byBob('Older', { 'hello.txt': 'older\n' }),
      byBob('Newer', { 'hello.txt': 'newer\n' }),
    )
    const more = { commit: old, builder: 'buildah', layout: undefined }
    const step = await attest('story/other-allowed', head, more)
    const [built, own] = provenanceOf(step).predicate.buildDefinition.resolvedDependencies ?? []
    expect([built?.digest.gitCommit, own?.digest.gitCommit]).toEqual([old, head])
    expect([step.result.error, step.code]).toEqual([undefined, 0])
    expect(step.summary.split('\n')[0]).toContain(`Built from commit ${old}`)
    // The certificate names the run's commit, so no gate that asks for provenance takes the image (13-adversary 28).
    const gate = await world.scenario.cli([
      ...['verify', 'image', step.outputs.image ?? '', '--require', 'signature,provenance'],
      ...world.scenario.expected.map(text => text.replace('refs/heads/main', 'refs/heads/story/other-allowed')),
    ])
    expect([gate.code, gate.log.includes('verify/commit-not-of-run')]).toEqual([1, true])
    const fork = commitOn(world.scenario, 'fork', old, byBob('From a fork'))
    await world.scenario.publish()
    const before = footprint(world.scenario)
    expectRefused(
      await attest('story/other-allowed', head, { commit: fork }),
      before,
      'source/not-on-ref',
      1,
      new RegExp(fork),
    )
  })
})

describe('events', () => {
  /** A branch with one good commit over the base, as a pull request's head. */
  async function proposal(branch: string, options: CommitOptions): Promise<string> {
    const { repository } = world.scenario
    if (repository.git('branch', '--list', 'story/target') === '')
      commitOn(world.scenario, 'story/target', base, byBob('Base'))
    const head = commitOn(world.scenario, branch, 'story/target', options)
    // GitHub's own merge commit: unsigned here, and nobody may build or judge it.
    const merge = repository.object({ message: 'Merge' }, repository.git('mktree'), [base, head])
    repository.git('update-ref', 'refs/pull/7/merge', merge)
    await world.scenario.publish()
    return head
  }

  const runOf = (step: string, head: string, more: Readonly<Record<string, unknown>> = {}) => {
    const { repository } = world.scenario
    const { fork = false, author = 'bob', ...others } = more as { fork?: boolean; author?: string }
    const repo = { id: 792829709 }
    return {
      claims: {
        event_name: 'pull_request',
        ref: 'refs/pull/7/merge',
        sha: repository.git('rev-parse', 'refs/pull/7/merge'),
      },
      event: {
        action: 'synchronize',
        number: 7,
        repository: { id: 792829709, default_branch: 'main' },
        pull_request: {
          number: 7,
          user: { login: author },
          head: { sha: head, ref: step, repo: fork ? { id: 4711 } : repo },
          base: { sha: base, ref: 'story/target', repo },
        },
      },
      ...others,
    }
  }

  const proposalInputs = () => ({ ...world.inputs, since: base, tags: 'never' })
  const draftOf = (step: StepResult): StatementLike => {
    const path = /is in (\S+provenance\.draft\.json)/.exec(step.result.notices.join('\n'))?.[1] ?? ''
    return JSON.parse(readFileSync(path, 'utf8')) as StatementLike
  }

  test('a pull request of the repository builds its head, not the merge commit; nothing is signed, tagged or pushed', async () => {
    const head = await proposal('pr', byBob('Propose'))
    const before = footprint(world.scenario)
    const step = await world.scenario.attest(proposalInputs(), runOf('pr', head))
    expect([step.result.error, step.code]).toEqual([undefined, 0])
    expect(step.summary.split('\n')[0]).toContain('never signed')
    expect(verdicts(step)).toEqual([['Propose', 'passed', 'signed']])
    expect(step.result.source?.commit).toBe(head)
    expect(footprint(world.scenario)).toEqual(before)
    expect(draftOf(step).subject).toEqual([{ name: world.scenario.image, digest: { sha256: world.digest.slice(7) } }])
    expect(waybillOf(draftOf(step)).draft).toContain('proves nothing')
    expect(step.summary).toContain('provenance.draft.json')
    expectNoLeak(world.scenario, step)
  })

  test('with push: true its image is pushed by digest, without a tag and without a signature', async () => {
    const head = await proposal('pr-push', byBob('Propose and push'))
    const store = world.scenario.stack.registry.storage.open(REPOSITORY)
    const tags = new Map(store.tags)
    const before = footprint(world.scenario)
    const inputs = { ...proposalInputs(), builder: 'buildah', layout: undefined, push: 'true' }
    const step = await world.scenario.attest(inputs, runOf('pr-push', head))
    expect([step.result.error, step.code]).toEqual([undefined, 0])
    expect(store.manifests.has(step.outputs.digest ?? '')).toBe(true)
    expect(store.tags).toEqual(tags)
    const { certificates, logEntries } = footprint(world.scenario)
    expect([certificates, logEntries]).toEqual([before.certificates, before.logEntries])
    expect(draftOf(step).predicate.buildDefinition.resolvedDependencies?.[0]?.digest.gitCommit).toBe(head)
    expect(step.result.attestations).toEqual([])
  })

  test('a bad commit of a pull request is told and not built, and sign: true is a contradiction', async () => {
    const head = await proposal('pr-bad', { message: 'Forget to sign', ...BOB })
    const before = footprint(world.scenario)
    const step = await world.scenario.attest(proposalInputs(), runOf('pr-bad', head))
    expectRefused(step, before, 'source/unsigned', 1, /Forget to sign/)
    const forced = await world.scenario.attest({ ...proposalInputs(), sign: 'true' }, runOf('pr-bad', head))
    expectRefused(forced, before, 'entry/input-contradiction', 3, /sign: auto/)
  })

  test('a pull request that brings its own policy is judged by the law of the base', async () => {
    const own = law.replace('developers: ["@maintainers", bob]', 'developers: [bob]')
    const head = await proposal('pr-policy', { message: 'Forget to sign', ...BOB, files: { [POLICY]: own } })
    const before = footprint(world.scenario)
    const step = await world.scenario.attest(proposalInputs(), runOf('pr-policy', head))
    expectRefused(step, before, 'source/unsigned', 1)
    expect(step.result.policy?.digest).toBe((await policyOfBase()).digest)
    expect(step.summary.startsWith('> ')).toBe(true)
    expect(step.summary).toMatch(/\*\*the policy\*\*, judged by the rules that hold now: /)
    expect(step.result.ruleChanges).toMatchObject([{ commit: head, proposed: true, accepted: false, kind: 'policy' }])
  })

  async function policyOfBase(): Promise<{ digest?: string }> {
    const head = await proposal('pr-reference', byBob('Reference'))
    return (await world.scenario.attest(proposalInputs(), runOf('pr-reference', head))).result.policy ?? {}
  }

  test.each([
    ['a fork', { fork: true, idToken: false }],
    ['Dependabot', { author: 'dependabot[bot]', idToken: false }],
  ])(
    'the pull request of %s is an unsigned draft: checked and built, nothing pushed, even with push: true',
    async (who, more) => {
      const head = await proposal(`pr-${who.replace(' ', '-')}`, byBob('Propose from outside'))
      const before = footprint(world.scenario)
      const step = await world.scenario.attest({ ...proposalInputs(), push: 'true' }, runOf('pr', head, more))
      expect([step.result.error, step.code]).toEqual([undefined, 0])
      expect(step.summary.split('\n')[0]).toMatch(/^> ⚠️ Unsigned draft/)
      expect(step.outputs).toMatchObject({ digest: world.digest, 'source-verdict': 'passed', tags: '' })
      expect(step.result.image?.pushed).toBe(false)
      expect(footprint(world.scenario)).toEqual(before)
      expect(draftOf(step).subject[0]?.digest.sha256).toBe(world.digest.slice(7))
      expectNoLeak(world.scenario, step)
    },
  )

  test('a merge group is judged from its base and built; nothing is signed', async () => {
    const target = commitOn(world.scenario, 'story/queue', base, byBob('Base'))
    const head = commitOn(world.scenario, 'gh-readonly-queue/story/queue/pr-7', target, byBob('Queued'))
    await world.scenario.publish()
    const before = footprint(world.scenario)
    const ref = 'refs/heads/gh-readonly-queue/story/queue/pr-7'
    const step = await world.scenario.attest(proposalInputs(), {
      claims: { event_name: 'merge_group', ref, sha: head },
      event: {
        repository: { id: 792829709, default_branch: 'main' },
        merge_group: { head_sha: head, head_ref: ref, base_sha: target, base_ref: 'refs/heads/story/queue' },
      },
    })
    expect([step.result.error, step.code]).toEqual([undefined, 0])
    expect(step.summary.split('\n')[0]).toContain('merge groups are checked and built, never signed')
    expect(verdicts(step)).toEqual([['Queued', 'passed', 'signed']])
    expect(footprint(world.scenario)).toEqual(before)
  })

  test.each(['annotated', 'lightweight'])(
    '%s tag: its commit is built and signed, its signers are not judged',
    async kind => {
      const head = commitOn(world.scenario, `story/tag-${kind}`, base, byBob('Release'))
      const { repository } = world.scenario
      const identity = ['-c', 'user.name=Alice', '-c', 'user.email=alice@example.com']
      repository.git(...identity, 'tag', ...(kind === 'annotated' ? ['-a', '-m', 'v1'] : []), `v1-${kind}`, head)
      await world.scenario.publish()
      const run = { claims: { ref: `refs/tags/v1-${kind}`, sha: head } }
      const step = await world.scenario.attest({ ...world.inputs, since: base, tags: `v1-${kind}` }, run)
      expect([step.result.error, step.code, step.outputs['source-verdict']]).toEqual([undefined, 0, 'not-asked'])
      expect(step.summary.split('\n')[0]).toContain(`No rule of the policy is about refs/tags/v1-${kind}`)
      expect(world.scenario.stack.registry.storage.open(REPOSITORY).tags.get(`v1-${kind}`)).toBe(world.digest)
      const before = footprint(world.scenario)
      const enforced = await world.scenario.attest({ ...world.inputs, since: base, 'source-mode': 'enforce' }, run)
      expectRefused(enforced, before, 'policy/no-rule', 1)
    },
  )

  test.each(['workflow_dispatch', 'schedule', 'repository_dispatch', 'release'])(
    '%s signs as a push does',
    async event => {
      const head = commitOn(world.scenario, `story/${event}`, base, byBob('Build me'))
      await world.scenario.publish()
      const secret = 'value-of-a-dispatch-input'
      const step = await world.scenario.attest(
        { ...world.inputs, since: base },
        {
          claims: { event_name: event, ref: `refs/heads/story/${event}`, sha: head },
          event: {
            action: 'published',
            inputs: { password: secret },
            repository: { id: 792829709, default_branch: 'main' },
          },
        },
      )
      expect([step.result.error, step.code, step.outputs['source-verdict']]).toEqual([undefined, 0, 'passed'])
      expect(step.result.attestations).toHaveLength(2)
      // 13-adversary 42
      expect(`${step.log}${step.summary}${JSON.stringify(provenanceOf(step))}`).not.toContain(secret)
    },
  )

  test.each(['pull_request_target', 'workflow_run', 'issue_comment'])(
    '%s is refused before anything is asked',
    async event => {
      const asked = world.scenario.stack.git.log.length
      const before = footprint(world.scenario)
      const step = await world.scenario.attest(
        { ...world.inputs, since: base },
        { claims: { event_name: event, sha: base }, event: { repository: { id: 792829709 } } },
      )
      expect([step.result.error?.code, step.code]).toEqual(['github/event-refused', 3])
      expect(step.summary).toContain(`Nothing is built on ${event}`)
      expect(world.scenario.stack.git.log.length).toBe(asked)
      expect(footprint(world.scenario)).toEqual(before)
      expectNoLeak(world.scenario, step)
    },
  )

  test.each([
    ['another commit', { sha: '0123456789012345678901234567890123456789' }, /another sha/],
    ['another ref', { ref: 'refs/heads/main' }, /another ref/],
    ['another event', { event_name: 'pull_request' }, /another event_name/],
  ])('13-adversary 6: a token of %s than the variables say is not used', async (_, tokenClaims, fact) => {
    const [head = ''] = await story('story/token', byBob('Build me'))
    const before = footprint(world.scenario)
    const step = await world.scenario.attest(
      { ...world.inputs, since: base },
      { claims: { ref: 'refs/heads/story/token', sha: head }, tokenClaims },
    )
    expectRefused(step, before, 'github/token-mismatch', 1, fact)
  })

  test('a push without id-token: write has the lines to add', async () => {
    const [head = ''] = await story('story/no-token', byBob('Build me'))
    const before = footprint(world.scenario)
    const step = await world.scenario.attest(
      { ...world.inputs, since: base },
      { claims: { ref: 'refs/heads/story/no-token', sha: head }, idToken: false },
    )
    expectRefused(step, before, 'github/id-token-missing', 3, /id-token: write/)
  })

  test('13-adversary 5: a git server that refuses the token makes the run unknown, never passed', async () => {
    const [head = ''] = await story('story/refused', byBob('Build me'))
    const before = footprint(world.scenario)
    const step = await attest('story/refused', head, { 'github-token': `${GITHUB_TOKEN}x` })
    expectRefused(step, before, 'source/repository-unreachable', 2, /contents: read/)
  })
})
