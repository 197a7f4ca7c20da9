import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { repositoryBody, repositoryOf } from '../fakes/github.ts'
import { type WrittenLayout, writeLayout } from '../fakes/layout.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { certificateRequests, cleanGround, codeOf, expectNoSecret, heldBy, keptBundles } from './aftermath.ts'

jest.setTimeout(30_000)

let scenario: Scenario
let layout: WrittenLayout

beforeAll(async () => {
  scenario = await startScenario()
  layout = writeLayout(join(scenario.stack.folder, 'layout'))
})
afterAll(() => scenario.close())
beforeEach(() => cleanGround(scenario))

function attest(inputs: Inputs = {}, run: RunOptions = {}): Promise<StepResult> {
  return scenario.attest({ layout: layout.folder, tags: 'v1', ...inputs }, run)
}

function expectNothingHappened(step: StepResult): void {
  expect(heldBy(scenario)).toEqual({ tags: [], referrers: [], manifests: 0 })
  expect(certificateRequests(scenario)).toBe(0)
  expect(step.outputs.tags ?? '').toBe('')
  expectNoSecret(step)
}

function pullRequestFromFork(head: string): Record<string, unknown> {
  const [name, facts] = repositoryOf(scenario.stack.oidc.claims())
  const repository = repositoryBody(name, facts)
  const pull = {
    number: 7,
    user: { login: 'mallory' },
    head: { sha: head, ref: 'improve', repo: { id: 4711 } },
    base: { sha: scenario.anchor, ref: 'main', repo: { id: facts.id } },
  }
  return { action: 'opened', number: 7, pull_request: pull, repository, sender: { login: 'mallory', id: 9 } }
}

test('a push whose job may not have an identity token ends before anything happens, with the line to add', async () => {
  const step = await attest({}, { idToken: false })
  expect([step.code, codeOf(step)]).toEqual([3, 'github/id-token-missing'])
  expect(step.summary).toContain('permissions: { contents: read, packages: write, id-token: write }')
  expect(step.result.stages.filter(({ state }) => state !== 'not-reached').map(({ name }) => name)).toEqual([
    'preflight',
  ])
  expectNothingHappened(step)
})

test('the run of a fork’s pull request has no token either, and is told something else: a draft, unsigned and unpushed', async () => {
  const head = scenario.repository.head() ?? ''
  const step = await attest(
    { builder: 'layout', tags: undefined },
    {
      idToken: false,
      claims: { event_name: 'pull_request', ref: 'refs/pull/7/merge', head_ref: 'improve', base_ref: 'main' },
      event: pullRequestFromFork(head),
    },
  )
  expect([step.code, codeOf(step)]).toEqual([0, undefined])
  expect(step.summary.split('\n')[0]).toContain('Unsigned draft: this run is for a pull request from outside')
  expect(step.summary).not.toContain('permissions:')
  expect(step.result.attestations).toEqual([])
  expectNothingHappened(step)
})

test('a fork’s pull request that insists on signing is refused by the event, not by a missing permission', async () => {
  const head = scenario.repository.head() ?? ''
  const step = await attest(
    { sign: 'true' },
    {
      idToken: false,
      claims: { event_name: 'pull_request', ref: 'refs/pull/7/merge' },
      event: pullRequestFromFork(head),
    },
  )
  expect([step.code, codeOf(step)]).toEqual([3, 'entry/input-contradiction'])
  expect(step.summary).toContain('sign: auto')
  const { GITHUB_SERVER_URL: server, GITHUB_RUN_ID: id } = step.run.environment
  expect(step.result.run).toBe(`${server}/acme/app/actions/runs/${id}/attempts/1`)
  expectNothingHappened(step)
})

test.each([
  ['an input that does not exist', { tag: 'v1' }, 'entry/input-unsupported', 'Write tags.'],
  ['an input that does not exist', { platfroms: 'linux/amd64' }, 'entry/input-unsupported', 'Write platforms'],
  ['a word that is no choice', { builder: 'kaniko' }, 'entry/input-malformed', 'auto, buildx, buildah, layout, none'],
  [
    'a layout and a digest',
    { digest: `sha256:${'a'.repeat(64)}` },
    'entry/input-contradiction',
    'one of digest and layout',
  ],
  ['tags without a push', { push: 'false' }, 'entry/input-contradiction', 'Set: push: true'],
  [
    'own services without their trust root',
    { 'trusted-root': undefined },
    'entry/input-contradiction',
    'trusted-root:',
  ],
  [
    'no log without own services',
    { 'signing-config': undefined, 'transparency-log': 'none' },
    'entry/input-contradiction',
    'signing-config:',
  ],
  ['an image with a tag', { images: 'ghcr.io/acme/app:v1' }, 'entry/input-malformed', 'Move the tag to the input tags'],
  ['a tag that lists signatures', { tags: `sha256-${'a'.repeat(64)}` }, 'registry/tag-reserved', 'Choose another tag'],
  [
    'a build argument without a value',
    { layout: undefined, 'build-args': 'ghp_secret' },
    'entry/input-malformed',
    'key=value',
  ],
] as const)('%s: exit 3, told in log, summary and result', async (_what, inputs: Inputs, code, remedy) => {
  const step = await attest(inputs)
  expect([step.code, codeOf(step)]).toEqual([3, code])
  expect(step.summary).toContain(remedy)
  expect(step.summary).toContain('Everything: the run ended before its first stage.')
  expect(step.log).toContain(`::error title=${code}::`)
  expect(step.outputs.verdict).toBe('unknown')
  expectNothingHappened(step)
  expectNoSecret(step, ['ghp_secret'])
})

test('13-adversary 23: a private repository that did not choose a log stops before a certificate is asked for', async () => {
  for (const visibility of ['private', 'internal', null]) {
    const step = await attest({}, { claims: { repository_visibility: visibility } })
    expect([step.code, codeOf(step)]).toEqual([3, 'sigstore/private-repository'])
    expect(step.summary).toContain('transparency-log: own')
    expect(scenario.stack.rekorV1.log).toEqual([])
    expectNothingHappened(step)
  }
})

test('13-adversary 23: a private repository signs with services of its own', async () => {
  const step = await attest({ 'transparency-log': 'own' }, { claims: { repository_visibility: 'private' } })
  expect([step.code, codeOf(step)]).toEqual([0, undefined])
  expect(heldBy(scenario)).toMatchObject({ tags: ['v1'], referrers: [expect.any(String), expect.any(String)] })
  expect(step.result.attestations.map(({ log }) => log?.url)).toEqual([
    scenario.stack.rekorV1.url,
    scenario.stack.rekorV1.url,
  ])
})

test('13-adversary 23: without a log no log hears of it, and the gate accepts that for a trust root without logs alone', async () => {
  const step = await attest({ 'transparency-log': 'none' }, { claims: { repository_visibility: 'private' } })
  expect([step.code, codeOf(step)]).toEqual([0, undefined])
  expect(scenario.stack.rekorV1.log).toEqual([])
  expect(keptBundles(step)).toHaveLength(2)
  const [, , image = ''] = JSON.parse(step.outputs['verify-args'] ?? '[]')
  const loggedRoot = await scenario.cli(['verify', 'image', image, ...scenario.expected])
  expect(loggedRoot.code).toBe(1)
  expect(loggedRoot.log).toContain('sigstore/log-missing')
  const root = join(scenario.stack.folder, 'root-without-logs.json')
  writeFileSync(root, JSON.stringify({ ...scenario.stack.trustedRoot, tlogs: [] }))
  const expected = scenario.expected.map(word => (word === scenario.stack.trustedRootFile ? root : word))
  const accepted = await scenario.cli(['verify', 'image', image, ...expected])
  expect(accepted.code).toBe(0)
})

// biome-ignore lint/suspicious/noTemplateCurlyInString: a shell would expand it
const EVIL = 'refs/heads/$(touch${IFS}x);\'"`id>y`|&<z>'

test('13-adversary 37: commands printed for a branch full of shell characters run harmlessly through sh', async () => {
  scenario.repository.git('branch', '--force', EVIL.slice('refs/heads/'.length), 'HEAD')
  await scenario.publish()
  const step = await attest({}, { claims: { ref: EVIL } })
  expect([step.code, codeOf(step)]).toEqual([0, undefined])
  const identity = step.result.identity?.san ?? ''
  expect(identity).toContain(EVIL)
  const commands = shellLines(step.summary)
  expect(commands.length).toBeGreaterThanOrEqual(4)
  const { seen, files } = runThroughShell(commands)
  expect(files).toEqual([])
  // All but docker pull and the lines that only ask for a trust root.
  const silent = commands.filter(command => command.startsWith('docker ') || command.startsWith(': '))
  expect(seen.filter(words => words.includes(identity))).toHaveLength(commands.length - silent.length)
  const args = JSON.parse(step.outputs['verify-args'] ?? '[]')
  const verified = await scenario.cli([...args, '--trusted-root', scenario.stack.trustedRootFile])
  expect(verified.code).toBe(0)
})

test('no token stands in log, result, summary or outputs, neither when all goes well nor when the token is refused', async () => {
  const token = 'ghs_0123456789abcdefghijklmnopqrstuvwxyz'
  const closed = await startScenario({ githubToken: token })
  try {
    const given = writeLayout(join(closed.stack.folder, 'layout'))
    const good = await closed.attest({ layout: given.folder, 'github-token': token })
    expect([good.code, codeOf(good)]).toEqual([0, undefined])
    expect(good.log).toContain(`::add-mask::${token}`)
    expectNoSecret(good, [token])
    const other = `${token}-of-somebody-else`
    const refused = await closed.attest({ layout: given.folder, 'github-token': other })
    expect([refused.code, codeOf(refused)]).toEqual([2, 'source/repository-unreachable'])
    expectNoSecret(refused, [token, other])
    expect(closed.stack.fulcio.log.filter(({ method }) => method === 'POST')).toHaveLength(1)
  } finally {
    await closed.close()
  }
})

/** Lines of the summary's `sh` blocks, as somebody would paste them. */
function shellLines(summary: string): readonly string[] {
  const blocks = [...summary.matchAll(/^(`{3,})sh\n([\s\S]*?)\n\1$/gm)]
  return blocks.flatMap(([, , body = '']) => body.split('\n'))
}

/** Runs each with programs that only write down their arguments. */
function runThroughShell(commands: readonly string[]): { seen: readonly string[][]; files: readonly string[] } {
  const bin = join(scenario.stack.folder, 'bin')
  const cwd = join(scenario.stack.folder, 'shell')
  const told = join(scenario.stack.folder, 'told')
  for (const folder of [bin, cwd]) mkdirSync(folder, { recursive: true })
  writeFileSync(told, '')
  for (const name of ['cosign', 'gh', 'waybill', 'docker']) {
    const script = `const fs = require('node:fs'); fs.appendFileSync(${JSON.stringify(told)}, JSON.stringify(process.argv.slice(2)) + '\\n')`
    writeFileSync(join(bin, name), `#!${process.execPath}\n${script}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  for (const command of commands)
    execFileSync('sh', ['-c', command], {
      cwd,
      env: { PATH: `${bin}:${process.env.PATH}`, TRUSTED_ROOT: 'trusted_root.json' },
    })
  const seen = readFileSync(told, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as string[])
  return { seen, files: readdirSync(cwd) }
}
