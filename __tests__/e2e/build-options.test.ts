import { type ChildProcess, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { jest } from '@jest/globals'
import { utf8 } from '../../src/core/bytes.ts'
import { hexOf, sha256 } from '../../src/core/digest.ts'
import { releaseMounts } from '../../tools/peers/dockerd.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { type Inputs, policyOf, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { cleanGround, codeOf, expectNoSecret, heldBy, keptBundles } from './aftermath.ts'

/** What a build is given besides its context, by real buildah and the bundled action. */
jest.setTimeout(60_000)

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync) ?? ''
const PEM = '-----BEGIN TEST-----\nfirst-line-of-the-key\nsecond "line" of it\n-----END TEST-----'
const NPM = 'npm-token-of-the-job-0815'
const FILE = 'file-secret-of-the-job-4711'
const SECRETS = [NPM, FILE, 'first-line-of-the-key', 'second "line" of it']
const INPUTS: Inputs = { secrets: `NPM_TOKEN=${NPM}\n"key.pem=${PEM.replaceAll('"', '""')}"` }
let scenario: Scenario

beforeAll(async () => {
  scenario = await startScenario()
})
afterAll(async () => {
  // A buildah that was told to end may leave its storage mounted.
  if (scenario !== undefined) await releaseMounts(scenario.stack.folder)
  await scenario?.close()
})
beforeEach(() => cleanGround(scenario))

const run = (command: string, mount = '') => `RUN ${mount} ["/bin/busybox", "sh", "-c", ${JSON.stringify(command)}]`

const commit = (lines: readonly string[], more: Readonly<Record<string, string>> = {}) =>
  commitLines(['FROM scratch', 'COPY busybox.sh /bin/busybox', ...lines], more)

async function commitLines(lines: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<void> {
  scenario.repository.commit({
    message: 'Change what is built',
    signer: scenario.bob,
    name: 'Bob',
    email: 'bob@example.com',
    files: { 'busybox.sh': readFileSync(BUSYBOX), Dockerfile: [...lines, ''].join('\n'), ...more },
  })
  await scenario.publish()
}

const attest = (inputs: Inputs, options: RunOptions = {}, started?: (child: ChildProcess) => void) =>
  scenario.attest({ builder: 'buildah', tags: 'v1', ...inputs }, options, started)

/** Everything that the registry holds now: signatures, manifests, layers unpacked. */
function registryText(): string {
  const { manifests, blobs } = scenario.stack.registry.storage.open('acme/app')
  const all = [...[...manifests.values()].map(({ bytes }) => bytes), ...blobs.values()]
  return all.map(bytes => Buffer.from(unzipped(bytes)).toString('latin1')).join('\n')
}

function unzipped(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes
}

/** Text of every file that the run left on the machine. */
function left(folder: string): string {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
}

interface RecordedInputs {
  readonly secrets?: readonly string[]
  readonly ssh?: readonly string[]
  readonly buildContexts?: readonly unknown[]
}

function payloadOf(bundle: unknown) {
  const { dsseEnvelope } = bundle as { dsseEnvelope: { payload: string } }
  return JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString())
}

function recordedInputs(step: StepResult): RecordedInputs {
  const statements = keptBundles(step).map(payloadOf)
  const { predicate } = statements.find(({ predicateType }) => predicateType === 'https://slsa.dev/provenance/v1')
  return predicate.buildDefinition.internalParameters.waybill.inputs
}

test('secrets reach the steps that mount them, and stand in nothing that the run makes, prints or leaves', async () => {
  const mounts = ['NPM_TOKEN', 'key.pem', 'file'].map(id => `--mount=type=secret,id=${id}`).join(' ')
  await commit([
    run('cd /run/secrets && /bin/busybox sha256sum NPM_TOKEN key.pem file | /bin/busybox tee /sums', mounts),
  ])
  const path = join(mkdtempSync(join(tmpdir(), 'waybill-file-')), 'secret')
  writeFileSync(path, FILE)
  const step = await attest({ ...INPUTS, 'secret-files': `file=${path}` })
  expect([step.code, codeOf(step)]).toEqual([0, undefined])
  expectNoSecret(step, SECRETS)
  const everything = registryText()
  for (const secret of [NPM, PEM, FILE]) {
    const sum = hexOf(sha256(utf8(secret)))
    expect(step.log).toContain(sum)
    expect(everything).toContain(sum)
    for (const line of secret.split('\n').filter(text => !text.startsWith('---')))
      expect(step.log.split(/\r?\n/)).toContain(`::add-mask::${line}`)
  }
  for (const text of [everything, left(step.run.folder)])
    for (const secret of SECRETS) expect(text).not.toContain(secret)
  expect(recordedInputs(step).secrets).toEqual(['NPM_TOKEN', 'key.pem', 'file'])
  expect(step.summary).toContain('secret NPM_TOKEN, secret key.pem, secret file')
})

test('a build that fails, and one that is told to end, leave no secret behind', async () => {
  await commit([run('/bin/busybox false', '--mount=type=secret,id=NPM_TOKEN')])
  const failed = await attest(INPUTS)
  expect(codeOf(failed)).toBe('build/failed')
  expectNoSecret(failed, SECRETS)
  for (const secret of SECRETS) expect(left(failed.run.folder)).not.toContain(secret)

  await commit([run('/bin/busybox sleep 5', '--mount=type=secret,id=NPM_TOKEN')])
  const runs = () => readdirSync(join(scenario.stack.folder, 'runs'))
  const before = new Set(runs())
  const secretsNow = () =>
    runs()
      .filter(name => !before.has(name))
      .map(name => join(scenario.stack.folder, 'runs', name, 'temp', 'waybill', 'acme-app', 'secrets'))
      .find(existsSync)
  let child: ChildProcess | undefined
  const ended = attest(INPUTS, {}, started => {
    child = started
  })
  while (secretsNow() === undefined && child?.exitCode === null) await setTimeout(20)
  const folder = secretsNow() ?? ''
  expect(existsSync(folder)).toBe(true)
  child?.kill('SIGTERM')
  await ended
  expect(child?.signalCode).toBe('SIGTERM')
  expect(existsSync(folder)).toBe(false)
})

test.each([
  ['build-args', 'A=npm-token-of-the-job-0815'],
  ['labels', `a.b=prefix ${NPM} suffix`],
  ['annotations', `a.b=${Buffer.from(NPM).toString('base64')}`],
  ['labels', 'a.b=x first-line-of-the-key x'],
])('a secret that stands in %s, too, is refused before anything is pushed', async (input, value) => {
  const step = await attest({ ...INPUTS, [input]: value })
  expect(codeOf(step)).toBe('build/argument-secret')
  expectNoSecret(step, SECRETS)
  expect(heldBy(scenario)).toEqual({ tags: [], referrers: [], manifests: 0 })
})

test.each([
  [{ secrets: 'GIT_AUTH_TOKEN=x' }, 'build/secret-id-refused'],
  [{ secrets: 'a=x', 'secret-files': 'a=/etc/hostname' }, 'build/secret-malformed'],
  [{ secrets: `-----BEGIN\n${NPM}` }, 'build/secret-malformed'],
  [{ 'secret-files': 'a=no/such/file' }, 'build/secret-malformed'],
  [{ 'secret-files': 'a=/etc' }, 'build/secret-malformed'],
  [{ ssh: 'default' }, 'build/ssh-malformed'],
  [{ ssh: 'deploy=/no/such/socket' }, 'build/ssh-malformed'],
  [{ 'build-contexts': 'lib=https://github.com/acme/lib.git' }, 'build/context-refused'],
  [{ 'build-contexts': 'lib=no/such/folder' }, 'build/context-missing'],
  [{ 'cache-from': 'type=local,src=/tmp' }, 'build/cache-type'],
  [{ 'cache-to': 'type=gha,token=abc' }, 'build/cache-credentials'],
  [{ 'cache-to': `type=registry,ref=a.example/x:sha256-${'a'.repeat(64)}` }, 'registry/tag-reserved'],
  [{ 'cache-from': 'acme/app:cache' }, 'build/unsupported'],
] as readonly (readonly [Inputs, string])[])('%j ends with %s', async (inputs, code) => {
  const step = await attest(inputs)
  expect([step.code === 0, codeOf(step)]).toEqual([false, code])
  expect(step.result.error?.remedy).toBeTruthy()
  expectNoSecret(step, SECRETS)
  expect(heldBy(scenario)).toEqual({ tags: [], referrers: [], manifests: 0 })
})

test('5-build 1: a cache that other branches may write is refused on a tag', async () => {
  const claims = { ref: 'refs/tags/v1.0.0', ref_type: 'tag' }
  const step = await attest({ builder: 'auto', 'cache-from': 'type=gha' }, { claims })
  expect(codeOf(step)).toBe('build/cache-forbidden')
})

test('an agent and a folder of the commit go where the Dockerfile wants them', async () => {
  await commit(
    [
      'COPY --from=shared words /words',
      run('test "$(/bin/busybox cat /words)" = "of the commit"'),
      run('test -S "$SSH_AUTH_SOCK"', '--mount=type=ssh,id=deploy'),
    ],
    { 'lib/shared/words': 'of the commit\n' },
  )
  const folder = mkdtempSync(join(tmpdir(), 'waybill-agent-'))
  mkdirSync(join(folder, 'x'))
  const socket = join(folder, 'x', 'agent')
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(execFileSync('ssh-agent', ['-a', socket], { encoding: 'utf8' }))?.[1])
  try {
    const step = await attest({ ssh: `deploy=${socket}`, 'build-contexts': 'shared=lib/shared' })
    expect([step.code, codeOf(step), step.result.error?.found]).toEqual([0, undefined, undefined])
    expect(step.log).not.toContain(socket)
    const { ssh, buildContexts } = recordedInputs(step)
    expect([ssh, buildContexts]).toEqual([['deploy'], [{ name: 'shared', from: 'commit' }]])
    expect(step.summary).toContain('ssh agent deploy')
  } finally {
    process.kill(pid)
  }
})

test('4-materials 2: under rules for base images a secret is mounted all the same, and a base without a rule ends the run before it', async () => {
  const { stack, repository, alice, bob, publish } = scenario
  const name = `${stack.registry.host}/acme/base`
  await commit([])
  const base = await attest({ images: name, tags: '1', name: 'base' })
  const rule = `base-images: [{ match: "${name}", digest-lock: true, private: true }]\n`
  const files = { '.github/waybill.yml': policyOf(alice, bob, rule) }
  repository.commit({ message: 'Say what may be built upon', signer: alice, files })
  const reading = run('cd /run/secrets && /bin/busybox sha256sum NPM_TOKEN', '--mount=type=secret,id=NPM_TOKEN')
  await commitLines([`FROM ${name}:1@${base.outputs.digest}`, reading])
  const step = await attest(INPUTS)
  expect([step.code, codeOf(step), step.code === 0 ? '' : step.log]).toEqual([0, undefined, ''])
  expectNoSecret(step, SECRETS)
  expect(step.log).toContain(hexOf(sha256(utf8(NPM))))
  expect(step.result.materials?.items).toMatchObject([{ digest: base.outputs.digest, verdict: 'passed' }])
  for (const text of [registryText(), left(step.run.folder)])
    for (const secret of SECRETS) expect(text).not.toContain(secret)
  // What a step fetches with it nobody else can see.
  expect(JSON.stringify(keptBundles(step).map(payloadOf))).not.toContain('CLOSED_WORLD')
  expect(step.summary).toContain('secret NPM_TOKEN')

  cleanGround(scenario)
  await commitLines([`FROM ${stack.registry.host}/acme/other@${base.outputs.digest}`, reading])
  const refused = await attest(INPUTS)
  expect(codeOf(refused)).toBe('policy/no-rule')
  expectNoSecret(refused, SECRETS)
  expect(refused.log).not.toContain(hexOf(sha256(utf8(NPM))))
  for (const secret of SECRETS) expect(left(refused.run.folder)).not.toContain(secret)
  expect(heldBy(scenario)).toEqual({ tags: [], referrers: [], manifests: 0 })
  repository.commit({ message: 'Ask for less', signer: alice, files: { '.github/waybill.yml': policyOf(alice, bob) } })
  await publish()
})
