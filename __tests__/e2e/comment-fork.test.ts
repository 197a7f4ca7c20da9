import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { ModelPull } from '../fakes/github-model.ts'
import type { CommitOptions } from '../fakes/repository.ts'
import { execute, type Finished, type Inputs, inputVariables } from '../fakes/scenario.ts'
import { type ZipPart, zip } from '../materials/unpack/archives.ts'
import type { Story } from './platform-story.ts'
import { PlatformWorld } from './platform-support.ts'
import { GITHUB_TOKEN } from './source-support.ts'

jest.setTimeout(120_000)

const DIST = join(import.meta.dirname, '..', '..', 'dist')
const OWN = { id: 792829709, full_name: 'acme/app' }
const FORK = { id: 990, full_name: 'mallory/app' }
const RULES = {
  change: 'signers: ["@maintainers"]}\nbase-images:\n  - {match: "docker.io/library/**", digest-lock: true',
}

let on: PlatformWorld
beforeAll(async () => {
  on = await PlatformWorld.start()
  on.model.repository(FORK.full_name, FORK.id)
})
afterAll(() => on?.close())

/** A pull request of a fork, the run for it, and what that run kept. */
class ForkPull {
  readonly story: Story
  readonly pull: ModelPull
  readonly run: number
  static #runs = 9000

  constructor(name: string, commit: CommitOptions, facts: Partial<ModelPull> = {}) {
    this.story = on.story(`fork-${name}`, RULES)
    const [head] = this.story.topic([commit])
    const { reviews: _, ...more } = facts
    this.pull = this.story.pull(head, { headRepository: FORK.full_name, files: ['g'], author: 'mallory', ...more })
    on.repository.pulls.push(this.pull)
    this.run = ForkPull.#runs++
  }

  get head(): string {
    return this.pull.headOid
  }

  /** The run of the fork is over and kept this archive, or nothing. */
  ended(archive?: Uint8Array, facts: { event?: string; headRepository?: typeof FORK } = {}): void {
    const path = `/storage/${this.run}.zip`
    const { github } = on.scenario.stack
    const artifact = { id: this.run, name: 'waybill-acme-app', url: `${github.url}${path}` }
    if (archive !== undefined) github.on('GET', path, { status: 200, body: Buffer.from(archive) })
    on.repository.runs.push({
      id: this.run,
      workflow: 'build.yml',
      event: 'pull_request',
      branch: this.pull.headRef,
      head: this.head,
      headRepository: FORK,
      artifacts: archive === undefined ? [] : [artifact],
      ...facts,
    })
  }

  /** `pull_request` of the fork, by the root action. */
  async propose() {
    const { scenario, inputs } = on.world
    await scenario.publish()
    const { number, headRef } = this.pull
    const event = {
      action: 'opened',
      number,
      repository: { id: OWN.id, default_branch: 'main' },
      pull_request: {
        number,
        user: { login: 'mallory' },
        head: { sha: this.head, ref: headRef, repo: { id: FORK.id } },
        base: { sha: this.story.head, ref: this.story.branch, repo: { id: OWN.id } },
      },
    }
    const claims = { event_name: 'pull_request', ref: `refs/pull/${number}/merge`, sha: this.head }
    return scenario.attest({ ...inputs, since: this.story.anchor }, { claims, event, idToken: false })
  }

  /** `workflow_run`, by the companion. */
  async companion(
    inputs: Inputs = {},
    eventName = 'workflow_run',
  ): Promise<Finished & { url: string; summary: string }> {
    const { stack } = on.scenario
    await on.scenario.publish()
    const event = {
      action: 'completed',
      repository: { id: OWN.id, default_branch: 'main' },
      workflow_run: { id: this.run, run_attempt: 1, actor: { login: 'mallory' } },
    }
    const claims = { event_name: eventName, ref: 'refs/heads/main', sha: on.scenario.anchor }
    const run = stack.run({ claims, event, idToken: false })
    const env = {
      ...run.environment,
      ...inputVariables({ 'github-token': GITHUB_TOKEN, since: this.story.anchor, ...inputs }),
    }
    const finished = await execute([join(DIST, 'comment.js')], env, run.workspace)
    return { ...finished, url: run.outputs()['comment-url'] ?? '', summary: run.summary() }
  }

  get body(): string {
    expect(this.pull.comments).toHaveLength(1)
    return this.pull.comments?.[0]?.body ?? ''
  }
}

const good = (): CommitOptions => ({ message: 'Work', ...on.by('bob'), files: { g: 'bob\n' } })
const bad = (): CommitOptions => ({ message: 'Work', ...on.by('mallory'), files: { g: 'mallory\n' } })
/** What a result looks like of which nothing is true. */
const CLAIM = {
  schemaVersion: 1,
  command: 'attest',
  verdict: 'passed',
  notices: [],
  notChecked: [],
  subjects: [],
  stages: [{ name: 'source', state: 'passed', ms: 1 }],
  attestations: [],
}
const archiveOf = (result: unknown, ...more: ZipPart[]) =>
  zip([{ name: 'result.json', body: Buffer.from(JSON.stringify(result)) }, ...more])

test('a pull request of a fork: its run drafts, the companion checks again and comments', async () => {
  const fork = new ForkPull('flow', good())
  const draft = await fork.propose()
  expect([draft.code, draft.result.error]).toEqual([0, undefined])
  expect(draft.summary.split('\n')[0]).toMatch(/Unsigned draft/)
  expect(fork.pull.comments ?? []).toEqual([])
  fork.ended(zip([{ name: 'result.json', body: readFileSync(draft.outputs.result ?? '') }]))
  const companion = await fork.companion()
  expect([companion.code, companion.log]).toEqual([0, expect.not.stringContaining('::error')])
  const { body } = fork
  expect(body).toMatch(/^<!-- waybill:build\.yml\/release\/fork -->\n\[Run \d+, attempt 1\]\(/)
  expect(body.split('\n')[1]).toMatch(/checked again by \[Run \d+, attempt 1\]/)
  expect(body).toContain('✅ Passed')
  expect(body.indexOf('Reported by the fork’s own run, not verified')).toBeGreaterThan(body.indexOf('✅ Passed'))
  expect(companion.url).toBe(
    `https://github.com/acme/app/pull/${fork.pull.number}#issuecomment-${fork.pull.comments?.[0]?.id}`,
  )
  await fork.companion()
  expect(fork.pull.comments).toHaveLength(1)
  on.scenario.stack.github.expectNothingUnexpected()
})

test('13-adversary 36: a fork that uploads "passed" is rejected all the same, and its claim has no colour', async () => {
  const fork = new ForkPull('claim', bad(), { files: ['.github/workflows/build.yml'] })
  fork.ended(archiveOf(CLAIM))
  expect((await fork.companion()).code).toBe(0)
  const [checked = '', claimed = ''] = fork.body.split('### Reported by')
  expect(checked.split('\n')[1]).toMatch(/^⚠️ \*\*This pull request changes `\.github/)
  expect(checked).toMatch(/## ❌ Rejected/)
  expect(checked).toContain('source/')
  expect(claimed).toContain('`passed`')
  expect(claimed).not.toMatch(/[✅❌⚠➖]/u)
})

test('13-adversary 39: a host that the fork’s Dockerfile names is not asked, for no rule allows it', async () => {
  const { host } = on.scenario.stack.registry
  const before = on.scenario.stack.registry.requests?.().length
  const fork = new ForkPull('inside', {
    ...good(),
    files: { Dockerfile: `FROM ${host}/acme/x\nFROM 169.254.169.254/x\n` },
  })
  fork.ended(archiveOf(CLAIM))
  await fork.companion()
  expect(fork.body).toMatch(/## ❌ Rejected/)
  expect(fork.body).toContain('policy/no-rule')
  expect(on.scenario.stack.registry.requests?.().length).toBe(before)
})

describe('13-adversary 36: an archive that Waybill would not have made is not shown, and changes nothing', () => {
  const result = Buffer.from(JSON.stringify(CLAIM))
  test.each<[string, () => Uint8Array]>([
    ['a way up', () => archiveOf(CLAIM, { name: '../result.json', body: result })],
    ['a link', () => zip([{ name: 'result.json', mode: 0o120777, body: '/etc/passwd' }])],
    ['two results', () => archiveOf(CLAIM, { name: 'result.json', body: result })],
    ['a bomb', () => archiveOf(CLAIM, { name: 'zeros', body: Buffer.alloc(80 * 1024 * 1024) })],
    ['a result of another form', () => archiveOf({ ...CLAIM, verdict: '## ✅ Passed' })],
    ['a result with a key of its own', () => archiveOf({ ...CLAIM, html: '<img>' })],
    ['a large result', () => archiveOf({ ...CLAIM, command: 'x'.repeat(5 * 1024 * 1024) })],
    ['no zip', () => Buffer.from('PK')],
  ])('%s', async (name, archive) => {
    const fork = new ForkPull(`hostile-${name.replaceAll(' ', '-')}`, bad())
    fork.ended(archive())
    expect((await fork.companion()).code).toBe(0)
    expect(fork.body).toMatch(/## ❌ Rejected/)
    expect(fork.body).toContain('What that run kept is not shown (`github/fork-report-unusable`).')
    expect(fork.body).not.toContain('`passed`')
  })
})

test('what a result says is escaped', async () => {
  const message = '@alice | <b>x</b> #1 ``` \n## ✅ Passed: all'
  const subject = { name: 'x', digest: '', verdict: 'passed', findings: [{ code: 'a/b', message }] }
  const fork = new ForkPull('escaped', bad())
  fork.ended(archiveOf({ ...CLAIM, subjects: [subject] }))
  await fork.companion()
  expect(fork.body).not.toMatch(/^## ✅/m)
  expect(fork.body).toContain('````a/b: @alice \\u{7c} <b>x</b> #1 ```  ## ✅ Passed: all````')
})

test('the pull request comes from the API: none with that head, or one of another repository, gets no comment', async () => {
  const fork = new ForkPull('gone', good(), { closed: true })
  fork.ended(archiveOf(CLAIM))
  const step = await fork.companion()
  expect([step.code, step.url, fork.pull.comments ?? []]).toEqual([0, '', []])
  expect(step.log).toContain('github/run-not-found')
})

test('a run of the repository itself comments itself; the companion has nothing to do', async () => {
  const fork = new ForkPull('own', good(), { headRepository: 'acme/app' })
  fork.ended(undefined, { headRepository: OWN })
  const step = await fork.companion()
  expect([step.code, fork.pull.comments ?? []]).toEqual([0, []])
  expect(step.log).toContain('Nothing to do')
})

test('another event is refused', async () => {
  const fork = new ForkPull('event', good())
  fork.ended()
  const step = await fork.companion({}, 'pull_request_target')
  expect(step.code).toBe(3)
  expect(step.log).toContain('github/event-refused')
})

test('without an artifact the checks stand alone', async () => {
  const fork = new ForkPull('bare', good())
  fork.ended()
  await fork.companion()
  expect(fork.body).toContain('✅ Passed')
  expect(fork.body).toContain('That run kept no result.')
})
