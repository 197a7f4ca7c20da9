import { type ChildProcess, execFileSync } from 'node:child_process'
import { copyFileSync, lstatSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { type Forger, openForger } from '../fakes/forge.ts'
import { repositoryOf } from '../fakes/github.ts'
import { type WrittenLayout, writeLayout } from '../fakes/layout.ts'
import type { RegistryOptions } from '../fakes/registry/registry.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { cleanGround, codeOf, expectNoSecret } from './aftermath.ts'
import { type Arriving, attachedTo, attestKilled, costOf, forgetRequests } from './kill-support.ts'

jest.setTimeout(120_000)

const MALLORY = {
  repository: 'mallory/app',
  repository_id: '666',
  repository_owner: 'mallory',
  repository_owner_id: '667',
  sub: 'repo:mallory/app:ref:refs/heads/main',
  workflow_ref: 'mallory/app/.github/workflows/release.yml@refs/heads/main',
  job_workflow_ref: 'mallory/app/.github/workflows/release.yml@refs/heads/main',
}
const NOTHING = { certificates: 0, entries: 0, timestamps: 0 }
const EVERYTHING = { certificates: 1, entries: 2, timestamps: 2 }

/** The registry asks these at every request. */
const registry: { -readonly [K in keyof RegistryOptions]: RegistryOptions[K] } = {}
let scenario: Scenario
let layout: WrittenLayout
let forger: Forger
let folders = 0

beforeAll(async () => {
  scenario = await startScenario({ registry })
  const { stack } = scenario
  layout = writeLayout(join(stack.folder, 'layout'))
  forger = await openForger(stack, scenario.image)
  await stack.git.publish(scenario.repository.folder, MALLORY.repository)
  stack.github.repositories.set(...repositoryOf(stack.oidc.claims(MALLORY)))
})
afterAll(async () => {
  forger.close()
  await scenario.close()
})
beforeEach(() => {
  cleanGround(scenario)
  delete registry.etags
})

function attest(inputs: Inputs = {}, run: RunOptions = {}): Promise<StepResult> {
  return scenario.attest({ layout: layout.folder, tags: 'v1', ...inputs }, run)
}

const attempt = (
  n: number,
  more: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
) => ({
  claims: { run_attempt: String(n), ...more },
  env,
})

/** A place where a job's earlier steps may have left anything. */
function temporaryFolder(): { readonly env: { readonly RUNNER_TEMP: string }; readonly bundles: string } {
  const folder = join(scenario.stack.folder, `state-${folders++}`)
  const bundles = join(folder, 'waybill', 'acme-app', 'bundles')
  mkdirSync(bundles, { recursive: true })
  return { env: { RUNNER_TEMP: folder }, bundles }
}

const own = () => ({ sha: scenario.repository.head() ?? '', run_attempt: '1' })

async function expectPassed(step: StepResult, cost: object): Promise<void> {
  expectNoSecret(step)
  expect([step.code, codeOf(step)]).toEqual([0, undefined])
  expect(costOf(scenario)).toEqual(cost)
  const gate = await scenario.cli(['verify', 'image', step.outputs.image ?? '', ...scenario.expected])
  expect(gate.code).toBe(0)
}

describe('what an earlier attempt signed', () => {
  test('is used in place of signing it again, and nobody is asked for a certificate', async () => {
    const first = await attest({}, attempt(1))
    const before = await attachedTo(scenario, layout.digest)
    forgetRequests(scenario)
    const again = await attest({}, attempt(2))
    await expectPassed(again, NOTHING)
    expect(again.summary).toContain('resumed: 2 of 2 statements were there')
    expect(await attachedTo(scenario, layout.digest)).toEqual(before)
    const manifests = (step: StepResult) => step.result.attestations.map(({ manifest }) => manifest)
    expect(manifests(again)).toEqual(manifests(first))
    expect(again.result.identity).toEqual(first.result.identity)
    // Nothing ignored, nothing to say about it.
    expect(again.summary).not.toContain('ignored')
  })

  test('is found on disk when the registry lost it, byte for byte, whatever the file is called', async () => {
    const { env, bundles } = temporaryFolder()
    await attest({}, attempt(1, {}, env))
    const before = await attachedTo(scenario, layout.digest)
    scenario.stack.registry.storage.repositories.clear()
    execFileSync('mv', [join(bundles, 'signature.sigstore.json'), join(bundles, 'x')])
    forgetRequests(scenario)
    const again = await attest({}, attempt(2, {}, env))
    await expectPassed(again, NOTHING)
    expect(again.summary).toContain('resumed: 2 of 2 statements were there')
    expect(await attachedTo(scenario, layout.digest)).toEqual(before)
  })

  test('is found by its half: one of two is on disk', async () => {
    const { env, bundles } = temporaryFolder()
    await attest({}, attempt(1, {}, env))
    scenario.stack.registry.storage.repositories.clear()
    execFileSync('rm', [join(bundles, 'provenance.sigstore.json')])
    forgetRequests(scenario)
    const again = await attest({}, attempt(2, {}, env))
    await expectPassed(again, { certificates: 1, entries: 1, timestamps: 1 })
    expect(again.summary).toContain('resumed: 1 of 2 statements were there')
  })

  test('is found beside a platform, and in another repository', async () => {
    const index = writeLayout(join(scenario.stack.folder, 'index'), { platforms: ['linux/amd64', 'linux/arm64'] })
    const images = `${scenario.image}\n${scenario.stack.registry.host}/acme/mirror`
    const inputs = { layout: index.folder, images }
    await attest(inputs, attempt(1))
    const { storage } = scenario.stack.registry
    const whole = await attachedTo(scenario, index.digest)
    storage.repositories.delete('acme/app')
    const mirror = storage.open('acme/mirror')
    for (const [digest, { bytes }] of mirror.manifests)
      if (JSON.parse(bytes.toString()).subject?.digest === index.digest) mirror.manifests.delete(digest)
    forgetRequests(scenario)
    const again = await attest(inputs, attempt(2))
    await expectPassed(again, NOTHING)
    expect(await attachedTo(scenario, index.digest)).toEqual(whole)
  })

  test('by a key is found as well, and what it says of another run is not', async () => {
    execFileSync('openssl', [
      'ecparam',
      '-name',
      'prime256v1',
      '-genkey',
      '-noout',
      '-out',
      join(scenario.stack.folder, 'ec.pem'),
    ])
    const pem = execFileSync('openssl', ['pkcs8', '-topk8', '-nocrypt', '-in', join(scenario.stack.folder, 'ec.pem')])
    const keyed = (n: number, run: string) => ({
      claims: { run_attempt: String(n), run_id: run },
      env: { SIGNING_KEY: pem.toString() },
    })
    const run = (n: number, id: string) => attest({ key: 'env:SIGNING_KEY' }, keyed(n, id))
    expect((await run(1, '500')).code).toBe(0)
    forgetRequests(scenario)
    const again = await run(2, '500')
    expect([again.code, costOf(scenario)]).toEqual([0, NOTHING])
    expect(again.summary).toContain('resumed: 2 of 2 statements were there')
    forgetRequests(scenario)
    // The empty predicate of a signature names no run; the provenance does.
    const other = await run(1, '501')
    expect([other.code, costOf(scenario)]).toEqual([0, { certificates: 0, entries: 1, timestamps: 1 }])
    expect(other.summary).toContain('resumed: 1 of 2 statements were there')
  })
})

describe('13-adversary 24: what is not this run’s own', () => {
  test('is ignored aloud in the registry: another run, another repository, another digest, another predicate, no bundle', async () => {
    await attest({}, { claims: { run_id: '777' } })
    await attest({}, { claims: MALLORY })
    const [copied = new Uint8Array()] = await forger.attached(layout.digest)
    const text = Buffer.from(copied).toString()
    const { payload } = JSON.parse(text).dsseEnvelope
    const tampered = text.replace(payload, Buffer.from(`${Buffer.from(payload, 'base64')} `).toString('base64'))
    await forger.attach(
      layout.digest,
      await forger.signature(`sha256:${'e'.repeat(64)}`, own()),
      await forger.provenance(layout.digest, own()),
      Buffer.from('{"no": "bundle"}'),
      Buffer.from(tampered),
    )
    const before = await forger.attached(layout.digest)
    forgetRequests(scenario)
    const step = await attest({ tags: undefined }, attempt(2))
    await expectPassed(step, EVERYTHING)
    expect(step.summary).toContain('resumed: 0 of 2 statements were there')
    expect(step.summary).toContain('Found and ignored')
    expect(step.summary).toMatch(/and \d more/)
    const told = step.result.notices.join('\n')
    expect(told).toContain('it does not verify: sigstore/')
    // Left where they are.
    expect(await forger.attached(layout.digest)).toEqual(expect.arrayContaining([...before]))
  })

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['of another run', { run_id: '778' }, 'another run, or a later attempt, signed it'],
    ['of an attempt that has not begun', { run_attempt: '3' }, 'another run, or a later attempt, signed it'],
    ['of a job on another kind of runner', { runner_environment: 'self-hosted' }, 'somebody else signed it'],
    ['of a job in another environment', { environment: 'staging' }, 'somebody else signed it'],
  ])('is ignored aloud when it is equal but %s', async (_what, claims, why) => {
    await attest({ tags: undefined }, { claims })
    forgetRequests(scenario)
    const step = await attest({ tags: undefined }, attempt(2))
    await expectPassed(step, EVERYTHING)
    expect(step.summary).toContain(why)
    expect(step.summary).toContain('resumed: 0 of 2 statements were there')
  })

  test('is ignored aloud on disk: no bundle, links, a pipe, a file that is too large, another run’s, another image’s', async () => {
    const { env, bundles } = temporaryFolder()
    const elsewhere = join(scenario.stack.folder, 'elsewhere.json')
    const foreign = await attest({ tags: undefined }, { claims: { run_id: '779' } })
    const [bundle = ''] = (foreign.outputs.bundles ?? '').split('\n')
    copyFileSync(bundle, join(bundles, 'another-run.sigstore.json'))
    copyFileSync(bundle, elsewhere)
    const other = writeLayout(join(scenario.stack.folder, 'other'), { content: 'other' })
    const image = await attest({ tags: undefined, layout: other.folder }, attempt(1))
    copyFileSync((image.outputs.bundles ?? '').split('\n')[0] ?? '', join(bundles, 'another-image.sigstore.json'))
    writeFileSync(join(bundles, 'no-bundle.sigstore.json'), '{"a": 1, "a": 2}')
    writeFileSync(join(bundles, 'large.sigstore.json'), '')
    truncateSync(join(bundles, 'large.sigstore.json'), 11 * 1024 * 1024)
    symlinkSync(elsewhere, join(bundles, 'signature.sigstore.json'))
    symlinkSync('/dev/zero', join(bundles, 'zero.sigstore.json'))
    execFileSync('mkfifo', [join(bundles, 'pipe.sigstore.json')])
    cleanGround(scenario)
    const step = await attest({ tags: undefined }, attempt(2, {}, env))
    await expectPassed(step, EVERYTHING)
    const told = step.result.notices.join('\n')
    for (const why of ['it is a symbolic link', 'it is no regular file', 'it is larger than', 'it does not verify'])
      expect(told).toContain(why)
    expect(told).toContain('resumed: 0 of 2 statements were there')
    // The link was replaced, what it led to was not written.
    expect(lstatSync(join(bundles, 'signature.sigstore.json')).isFile()).toBe(true)
    expect(readFileSync(elsewhere)).toEqual(readFileSync(bundle))
  })

  test('a registry whose list cannot be read is told, and everything is signed', async () => {
    await attest({ tags: undefined }, attempt(1))
    forgetRequests(scenario)
    scenario.stack.registry.faults.add({
      method: 'GET',
      path: /referrers/,
      times: 1,
      fault: { status: 200, body: '[]' },
    })
    const step = await attest({ tags: undefined }, attempt(2))
    expect([step.code, costOf(scenario)]).toEqual([0, EVERYTHING])
    expect(step.result.notices.join('\n')).toContain('could not be read')
  })
})

describe('13-adversary 25: two runs of one commit at once', () => {
  const digestOf = (tag: string) => scenario.stack.registry.storage.open('acme/app').tags.get(tag)

  test('both publish everything, and the tag names one of their images', async () => {
    const other = writeLayout(join(scenario.stack.folder, 'at-once'), { content: 'at once' })
    const [a, b] = await Promise.all([
      attest({}, { claims: { run_id: '300' } }),
      attest({ layout: other.folder }, { claims: { run_id: '301' } }),
    ])
    // Whoever is written over is told; whoever holds the tag in the end has passed.
    for (const step of [a, b]) expect([undefined, 'registry/tag-newer', 'registry/tag-changed']).toContain(codeOf(step))
    expect(codeOf(digestOf('v1') === layout.digest ? a : b)).toBeUndefined()
    for (const digest of [layout.digest, other.digest])
      expect([...(await attachedTo(scenario, digest)).values()].map(bundles => bundles.length)).toEqual([1, 1])
    expect([layout.digest, other.digest]).toContain(digestOf('v1'))
  })

  test('the older stopped between its last look at the tag and the write, where the registry has ETags: the later keeps it', async () => {
    registry.etags = true
    const other = writeLayout(join(scenario.stack.folder, 'overtaken'), { content: 'overtaken' })
    let child: ChildProcess | undefined
    let looks = 0
    const stopped = new Promise<void>(resolve => {
      scenario.stack.registry.faults.hook(({ method, path }) => {
        if (method === 'GET' && path.endsWith('/manifests/v1') && ++looks === 2) {
          child?.kill('SIGSTOP')
          resolve()
        }
        return undefined
      })
    })
    const older = scenario.attest({ layout: layout.folder, tags: 'v1' }, { claims: { run_id: '320' } }, started => {
      child = started
    })
    await stopped
    const later = await attest({ layout: other.folder }, { claims: { run_id: '321' } })
    child?.kill('SIGCONT')
    const late = await older
    expect([codeOf(later), late.code, codeOf(late)]).toEqual([undefined, 2, 'registry/tag-changed'])
    expect(digestOf('v1')).toBe(other.digest)
    expect([...(await attachedTo(scenario, layout.digest)).values()].map(bundles => bundles.length)).toEqual([1, 1])
  })

  test('of one and the same image: both land, and each has statements of its own', async () => {
    const steps = await Promise.all(['310', '311'].map(id => attest({}, { claims: { run_id: id } })))
    expect(
      steps.map(step => codeOf(step)).filter(code => code !== undefined && code !== 'registry/tag-changed'),
    ).toEqual([])
    expect([...(await attachedTo(scenario, layout.digest)).values()].map(bundles => bundles.length)).toEqual([2, 2])
    expect(digestOf('v1')).toBe(layout.digest)
  })
})

test('what was signed and logged, but attached nowhere when the machine went away, is signed again', async () => {
  const inputs = { layout: layout.folder, tags: 'v1' }
  const attaches = ({ method, path }: Arriving) =>
    method === 'POST' && path.includes('/blobs/uploads/') && costOf(scenario).entries === 2
  const killed = await attestKilled(scenario, attaches, inputs, attempt(1))
  expect([killed.step.code, costOf(scenario).entries]).toEqual([-1, 2])
  forgetRequests(scenario)
  await expectPassed(await attest({}, attempt(2)), EVERYTHING)
})
