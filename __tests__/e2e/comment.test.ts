import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { ModelPull } from '../fakes/github-model.ts'
import { privateAuthority, tlsFront } from '../fakes/network.ts'
import type { Inputs, StepResult } from '../fakes/scenario.ts'
import type { Story } from './platform-story.ts'
import { PlatformWorld } from './platform-support.ts'
import { expectNoLeak } from './source-support.ts'

jest.setTimeout(120_000)

let on: PlatformWorld
beforeAll(async () => {
  on = await PlatformWorld.start()
})
afterAll(() => on?.close())

/** An open pull request of the repository's own, with one commit. */
class Proposal {
  readonly pull: ModelPull
  readonly story: Story

  constructor(name: string, facts: Partial<ModelPull> = {}, message = 'Work') {
    this.story = on.story(`comment-${name}`)
    const [head] = this.story.topic([{ message, ...on.by('bob'), files: { g: `${name}\n` } }])
    const { reviews: _, ...more } = facts
    this.pull = this.story.pull(head, { files: ['g'], ...more })
    on.repository.pulls.push(this.pull)
    this.known()
  }

  /** The run of the next steps is known to the API. */
  known(): void {
    on.repository.runs.length = 0
    const { run_id: id } = on.scenario.stack.oidc.claims()
    on.repository.runs.push({
      id: Number(id),
      workflow: 'release.yml',
      event: 'pull_request',
      head: this.pull.headOid,
      artifacts: [],
    })
  }

  async run(inputs: Inputs = {}, env: Readonly<Record<string, string>> = {}): Promise<StepResult> {
    const step = await this.story.propose(this.pull.number, this.pull.headOid, inputs, env)
    expect([step.code, step.result.error]).toEqual([0, undefined])
    expectNoLeak(on.scenario, step)
    return step
  }

  get bodies(): readonly string[] {
    return (this.pull.comments ?? []).map(({ body }) => body)
  }
}

const warnings = ({ log }: StepResult) => log.split('\n').filter(line => line.startsWith('::warning'))

test('a pull request of the repository gets one comment, which the next run of it leaves alone', async () => {
  const proposal = new Proposal('lifecycle')
  const step = await proposal.run()
  expect(warnings(step)).toEqual([])
  const [body = '', ...more] = proposal.bodies
  expect(more).toEqual([])
  expect(proposal.pull.comments?.[0]?.author).toBe('github-actions[bot]')
  expect(body).toMatch(/^<!-- waybill:release\.yml\/release\/acme-app -->\n\[Run \d+, attempt 1\]\(/)
  expect(body).toContain(`of \`${proposal.pull.headOid}\`. The check is the record, this comment is not.`)
  expect(body).toContain('✅ Passed')
  await proposal.run({ name: 'second' })
  expect(proposal.bodies).toHaveLength(1)
  expect(proposal.bodies[0]).toContain('<!-- waybill:release.yml/release/acme-app -->')
  expect(proposal.bodies[0]).toContain('<!-- waybill:release.yml/release/second -->')
  proposal.pull.comments = []
  await proposal.run()
  expect(proposal.bodies).toHaveLength(1)
  on.scenario.stack.github.expectNothingUnexpected()
})

test('13-adversary 35: a comment of another author with our marker is left alone and not believed', async () => {
  const forged = '<!-- waybill:release.yml/release/acme-app -->\n## ✅ Passed: everything'
  const proposal = new Proposal('forged', { comments: [{ author: 'mallory', body: forged }] })
  await proposal.run()
  expect(proposal.bodies).toEqual([forged, expect.stringContaining('The check is the record')])
})

test('13-adversary 36: a change of .github/** stands in the first line', async () => {
  const proposal = new Proposal('rules', { files: ['g', '.github/workflows/release.yml'] })
  await proposal.run()
  expect(proposal.bodies[0]?.split('\n')[1]).toMatch(/^⚠️ \*\*This pull request changes `\.github\/\*\*`/)
})

test('what a commit says is not alive in the comment', async () => {
  const proposal = new Proposal('hostile', {}, 'Work | @alice <img src=x> #1 `x` https://evil.example')
  await proposal.run()
  expect(proposal.bodies[0]).not.toMatch(/(?<!`[^`\n]*)@alice/)
})

test('no trouble with a comment fails a build; it is a warning that says what to do', async () => {
  const proposal = new Proposal('denied')
  on.model.permissions.delete('pull-requests-write')
  const denied = await proposal.run()
  on.model.permissions.add('pull-requests-write')
  expect(warnings(denied).join('\n')).toMatch(/github\/api-permission[\s\S]*pull-requests: write/)
  proposal.pull.locked = true
  expect(warnings(await proposal.run()).join('\n')).toMatch(/github\/comment-locked/)
  expect(proposal.bodies).toEqual([])
})

test('comment: never and on-change of a run that passed write nothing', async () => {
  const proposal = new Proposal('silent')
  await proposal.run({ comment: 'never' })
  await proposal.run({ comment: 'on-change' })
  expect(proposal.bodies).toEqual([])
})

test('a run for an older head writes nothing', async () => {
  const proposal = new Proposal('stale')
  const { headOid } = proposal.pull
  Object.assign(proposal.pull, { headOid: 'f'.repeat(40) })
  const step = await proposal.story.propose(proposal.pull.number, headOid)
  expect(step.log).toContain('No comment: the pull request has a newer commit or run.')
  expect(proposal.bodies).toEqual([])
})

test('a server with a certificate of an own authority gets its comment, too', async () => {
  const { stack } = on.scenario
  const authority = await privateAuthority()
  const front = await tlsFront(authority, ['localhost'], stack.github.port)
  try {
    const proposal = new Proposal('inside')
    const api = `https://localhost:${front.port}`
    const file = join(stack.folder, 'inside.pem')
    writeFileSync(file, authority.pem)
    const env = { GITHUB_API_URL: api, GITHUB_GRAPHQL_URL: `${api}/graphql` }
    expect(warnings(await proposal.run({ 'ca-certificates': file }, env))).toEqual([])
    expect(proposal.bodies).toHaveLength(1)
  } finally {
    await front.close()
  }
})
