import { jest } from '@jest/globals'
import { type ArtifactServiceDouble, startArtifactService } from '../fakes/artifact-service.ts'
import type { ModelPull, ModelRepository } from '../fakes/github-model.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { zip } from '../materials/unpack/archives.ts'
import { type ActRun, act, vendoredAction, WORKFLOW } from './act.ts'
import { openWorld, type World } from './world.ts'

/**
 * Comments on pull requests as users have them: `comment: always` in the workflow that checks, and `uses: ./comment` in one of
 * its own for the runs of forks, both run by act. GitHub's API, git server and artifact service are doubles.
 */
jest.setTimeout(180_000)

const CHECKING = WORKFLOW.replace(
  '        with:\n',
  '        with:\n          comment: always\n          upload: true\n',
)
const COMPANION = `name: comment
on:
  workflow_run:
    workflows: [release]
    types: [completed]
permissions: { contents: read, pull-requests: write, actions: read }
jobs:
  comment:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: waybill
        uses: ./comment
        with:
          since: \${{ vars.SINCE }}
      - if: always()
        shell: sh
        env:
          OUTPUTS: \${{ toJSON(steps.waybill.outputs) }}
          OUTCOME: \${{ steps.waybill.outcome }}
        run: |
          printf %s "$OUTPUTS" >"$REPORT/outputs.json"
          printf %s "$OUTCOME" >"$REPORT/outcome"
`
const OWN = { id: 792829709, full_name: 'acme/app' }
const FORK = { id: 4711, full_name: 'mallory/app' }

let world: World
let artifacts: ArtifactServiceDouble
let repository: ModelRepository
beforeAll(async () => {
  world = await openWorld()
  artifacts = await startArtifactService()
  const { model } = world.stack.platform
  repository = model.repository(OWN.full_name)
  model.repository(FORK.full_name, FORK.id)
  world.repository.commit({
    message: 'Check and comment with the action of this repository',
    signer: world.alice,
    files: {
      ...vendoredAction(),
      '.github/workflows/release.yml': CHECKING,
      '.github/workflows/comment.yml': COMPANION,
    },
  })
  await world.publish()
})
afterAll(async () => {
  await artifacts?.close()
  await world?.close()
})

/** An open pull request into main. */
class Proposal {
  readonly pull: { -readonly [K in keyof ModelPull]: ModelPull[K] }
  readonly #fork: boolean
  readonly #base: string
  #run = 5000
  static #runs = 5000

  constructor(number: number, fork: boolean) {
    this.#fork = fork
    this.#base = world.repository.head() ?? ''
    const headOid = this.#base
    const headRepository = fork ? FORK.full_name : OWN.full_name
    const author = fork ? 'mallory' : 'bob'
    const about = { headRef: `improve-${number}`, headRepository, files: ['hello.txt'], commits: [] }
    this.pull = { number, author, headOid, ...about }
    repository.pulls.push(this.pull)
  }

  get #claims() {
    const { number, headRef, headOid } = this.pull
    const about = { ref: `refs/pull/${number}/merge`, sha: headOid, head_ref: headRef, base_ref: 'main' }
    return { event_name: 'pull_request', run_id: String(this.#run), ...about }
  }

  /** A commit on the branch of the pull request, which a run is for. */
  async commit(text: string, signed: boolean, message = 'Improve'): Promise<string> {
    const { repository: git, bob } = world
    const { number } = this.pull
    git.git('checkout', '--quiet', '--force', '-B', `improve-${number}`, this.pull.headOid)
    const by = { name: 'Bob', email: 'bob@example.com' }
    const files = { 'hello.txt': `${text}\n` }
    this.pull.headOid = git.commit({ message, files, ...by, ...(signed ? { signer: bob } : {}) })
    git.git('checkout', '--quiet', '--force', 'main')
    git.git('update-ref', `refs/pull/${number}/head`, this.pull.headOid)
    git.git('update-ref', `refs/pull/${number}/merge`, this.pull.headOid)
    await world.publish()
    this.#run = Proposal.#runs++
    if (!this.#fork) this.#known([])
    return this.pull.headOid
  }

  /** The root action on `pull_request`. */
  check(): Promise<ActRun> {
    const { number, author, headOid: sha, headRef: ref } = this.pull
    const options: RunOptions = {
      idToken: !this.#fork,
      claims: this.#claims,
      env: artifacts.variables(String(this.#run), '1'),
      event: {
        action: 'synchronize',
        number,
        repository: { id: OWN.id, default_branch: 'main' },
        pull_request: {
          number,
          user: { login: author },
          head: { sha, ref, repo: { id: this.#fork ? FORK.id : OWN.id } },
          base: { sha: this.#base, ref: 'main', repo: { id: OWN.id } },
        },
      },
    }
    return act(world, { IMAGES: this.image, BUILDER: 'buildx' }, options)
  }

  get image(): string {
    return `${world.stack.registries.referrers.host}/acme/act-comment-${this.pull.number}`
  }

  get artifact(): string {
    return `waybill-acme-act-comment-${this.pull.number}`
  }

  /** The fork's run is over; these bytes lie at the platform as what it kept. */
  ended(archive: Uint8Array): void {
    const { github } = world.stack
    const path = `/storage/${this.#run}.zip`
    github.on('GET', path, { status: 200, body: Buffer.from(archive) })
    this.#known([{ id: this.#run, name: this.artifact, url: `${github.url}${path}` }])
  }

  #known(artifacts: ModelRepository['runs'][number]['artifacts']): void {
    repository.runs.unshift({
      id: this.#run,
      workflow: 'release.yml',
      event: 'pull_request',
      branch: this.pull.headRef,
      head: this.pull.headOid,
      ...(this.#fork ? { headRepository: FORK } : {}),
      artifacts,
    })
  }

  /** The companion on `workflow_run`, in a checkout of the default branch. */
  companion(): Promise<ActRun> {
    const event = {
      action: 'completed',
      repository: { id: OWN.id, default_branch: 'main' },
      workflow_run: { id: this.#run, run_attempt: 1, actor: { login: this.pull.author } },
    }
    const claims = { event_name: 'workflow_run', ref: 'refs/heads/main', sha: this.#base, run_id: '9999' }
    return act(world, {}, { claims, event, idToken: false })
  }

  get bodies(): readonly string[] {
    return (this.pull.comments ?? []).map(({ body }) => body)
  }
}

function expectSuccess(run: ActRun): void {
  expect([run.code, run.outcome, run.code === 0 ? '' : run.log]).toEqual([0, 'success', ''])
  expect(run.log).not.toContain('::warning')
}

/** Everything that signing leaves behind, and what was asked of the registry for this image. */
async function traces(image: string) {
  const { rekorV1, registries } = world.stack
  const log = (await (await fetch(`${rekorV1.url}/api/v1/log`)).json()) as { treeSize: number }
  const path = image.slice(registries.referrers.host.length + 1)
  const tags = await fetch(`http://${registries.referrers.host}/v2/${path}/tags/list`)
  return { entries: log.treeSize, tags: tags.status }
}

test('a pull request of the repository gets one comment, and the run of its next commit changes that one', async () => {
  const proposal = new Proposal(21, false)
  const first = await proposal.commit('one', true)
  const run = await proposal.check()
  expectSuccess(run)
  const [body = '', ...more] = proposal.bodies
  expect(more).toEqual([])
  expect(body).toMatch(/^<!-- waybill:release\.yml\/release\/acme-act-comment-21 -->\n\[Run 5000, attempt 1\]\(/)
  expect(body).toContain(`of \`${first}\`. The check is the record, this comment is not.`)
  expect(body).toContain('✅ Passed')
  const [{ id, author } = { author: '' }] = proposal.pull.comments ?? []
  expect([typeof id, author]).toEqual(['number', 'github-actions[bot]'])

  const second = await proposal.commit('two', true)
  expectSuccess(await proposal.check())
  expect(proposal.pull.comments?.map(comment => comment.id)).toEqual([id])
  expect(proposal.bodies[0]).toContain(`of \`${second}\`.`)
  expect(proposal.bodies[0]).toContain('[Run 5001, attempt 1](')
  expect(proposal.bodies[0]).not.toContain(first)
})

test('a fork’s pull request is drafted without a signature, and the companion checks again and comments', async () => {
  const proposal = new Proposal(22, true)
  const head = await proposal.commit('from outside', true)
  const before = await traces(proposal.image)
  const run = await proposal.check()
  expectSuccess(run)
  expect(run.log).toContain('Unsigned draft: this run is for a pull request from outside')
  expect([run.outputs.tags, run.result.attestations, run.result.verdict]).toEqual(['', [], 'passed'])
  expect(await traces(proposal.image)).toEqual({ ...before, tags: 404 })
  expect(proposal.bodies).toEqual([])

  const left = artifacts.newest(proposal.artifact)
  expect(left?.run).toMatch(/^run-50\d\d$/)
  proposal.ended(left?.bytes ?? Buffer.alloc(0))
  const companion = await proposal.companion()
  expectSuccess(companion)
  const [body = '', ...more] = proposal.bodies
  expect(more).toEqual([])
  expect(body).toMatch(/^<!-- waybill:release\.yml\/comment\/fork -->\n\[Run 50\d\d, attempt 1\]\(/)
  expect(body).toContain(head)
  expect(body.split('\n')[1]).toMatch(/checked again by \[Run 9999, attempt 1\]/)
  const [checked = '', claimed = ''] = body.split('### Reported by the fork’s own run, not verified')
  expect(checked).toContain('✅ Passed')
  expect(claimed).toContain('`passed`')
  expect(claimed).not.toMatch(/[✅❌⚠➖]/u)
  const id = proposal.pull.comments?.[0]?.id
  expect(companion.outputs['comment-url']).toBe(`https://github.com/acme/app/pull/22#issuecomment-${id}`)

  expectSuccess(await proposal.companion())
  expect(proposal.pull.comments?.map(comment => comment.id)).toEqual([id])
})

test('13-adversary 36: a hostile artifact is quoted as not verified, and the verdict is the companion’s own', async () => {
  const proposal = new Proposal(23, true)
  await proposal.commit('evil', false, 'Slip in | @alice <img src=x onerror=alert(1)>')
  const message = '@alice | <img src=x> [here](https://evil.example) #1 ``` \n## ✅ Passed: everything'
  const claim = {
    schemaVersion: 1,
    command: 'attest',
    verdict: 'passed',
    notices: [],
    notChecked: [],
    subjects: [{ name: 'x', digest: '', verdict: 'passed', findings: [{ code: 'a/b', message }] }],
    stages: [{ name: 'source', state: 'passed', ms: 1 }],
    attestations: [],
  }
  proposal.ended(zip([{ name: 'result.json', body: Buffer.from(JSON.stringify(claim)) }]))
  const companion = await proposal.companion()
  // What is wrong with somebody's pull request is no failure of the default branch.
  expectSuccess(companion)
  const [body = '', ...more] = proposal.bodies
  expect(more).toEqual([])
  const [checked = '', claimed = ''] = body.split('### Reported by the fork’s own run, not verified')
  expect(checked).toContain('## ❌ Rejected')
  expect(checked).toContain('source/')
  expect(claimed).toContain('`passed`')
  expect(body).not.toMatch(/^## ✅/m)
  // Outside of code nothing of it is alive.
  const alive = body
    .replaceAll(/^(`{3,})[^\n]*\n[\s\S]*?^\1$/gm, '')
    .replaceAll(/(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, '')
  for (const mark of ['@alice', '<img', 'evil.example', '✅']) expect(alive).not.toContain(mark)
})

test('nothing was asked of the platform that no test foresaw', () => {
  world.stack.github.expectNothingUnexpected()
})
