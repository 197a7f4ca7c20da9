import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { sha256 } from '../../src/core/digest.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { writeLayout } from '../fakes/layout.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { execute, type Finished, type StepResult } from '../fakes/scenario.ts'
import { breaks } from '../report/schema.ts'
import { type GateBench, openGateBench, RESULT_SCHEMA, ruleOf } from './gate-support.ts'

jest.setTimeout(60_000)

const POLICY = '.github/waybill.yml'
/** Who may put into quarantine, by the policy; the images are built by another workflow. */
const GUARD = { workflow_ref: 'acme/app/.github/workflows/gate.yml@refs/heads/main' }
const MALLORY = { repository: 'mallory/app', repository_id: '666' }
const CLI = join(import.meta.dirname, '../../dist/cli.js')

const COMMIT = { repo: { id: 792829709 }, sha: '4f2d1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a0', ref: 'main' }
const PULL_REQUEST: RunOptions = {
  claims: { event_name: 'pull_request', ref: 'refs/pull/7/merge' },
  event: {
    action: 'synchronize',
    number: 7,
    repository: { id: 792829709, default_branch: 'main' },
    pull_request: { number: 7, user: { login: 'bob' }, head: { ...COMMIT, ref: 'topic' }, base: COMMIT },
  },
}

let bench: GateBench
/** PEM of a private key; its public half is `keys/guard.pem` of the policy on disk for `quarantine-by: {key: …}`. */
let guardKey: string
let guardPublic: string

beforeAll(async () => {
  bench = await openGateBench()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  guardKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  guardPublic = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const { repository, alice, publish } = bench.scenario
  repository.commit({ message: 'Say who may quarantine', signer: alice, files: { [POLICY]: policyText() } })
  await publish()
})

afterAll(() => bench.close())

function guardIdentity(): string {
  const { git, oidc } = bench.scenario.stack
  return `sigstore: { identity: "${git.url}/${GUARD.workflow_ref}", issuer: "${oidc.issuer}" }`
}

function policyText(by = guardIdentity()): string {
  const { stack } = bench.scenario
  const rule = ruleOf(bench.scenario).split('\n')
  const signer = rule.filter(line => !/require:|builders:/.test(line)).join('\n')
  return bench.policy(`deploy:
  - match: ["${stack.registry.host}/acme/**"]
${signer}    require: signature
    quarantine-by: { ${by} }
  - match: ["file:**"]
${signer}    require: signature
    quarantine-by: { ${by} }
`)
}

/** A folder that knows nothing but the policy, as another machine would. */
function machine(by?: string): string {
  const folder = mkdtempSync(join(bench.scenario.stack.folder, 'machine-'))
  for (const name of ['trust', 'keys']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'waybill.yml'), policyText(by))
  writeFileSync(join(folder, 'trust/root.json'), JSON.stringify(bench.scenario.stack.trustedRoot))
  writeFileSync(join(folder, 'keys/guard.pem'), guardPublic)
  return folder
}

const KEYED = 'key: keys/guard.pem'

function cli(folder: string, words: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
  return execute([CLI, ...words], { PATH: process.env.PATH ?? '', HOME: folder, ...env }, folder)
}

interface Judged {
  readonly code: number
  readonly receipt: Receipt
  readonly against: readonly string[]
  readonly notes: readonly string[]
}

async function judge(folder: string, words: readonly string[], env?: Record<string, string>): Promise<Judged> {
  const { code, stdout, log } = await cli(folder, ['verify', ...words, '--policy', 'waybill.yml', '--json'], env)
  if (code === 3) throw new Error(log)
  return judged(code, JSON.parse(stdout) as Receipt)
}

function judged(code: number, receipt: Receipt): Judged {
  expect(breaks(RESULT_SCHEMA, receipt)).toEqual([])
  const findings = receipt.subjects.flatMap(subject => subject.findings)
  const of = (severity: string) => findings.filter(item => item.severity === severity).map(item => item.code)
  return { code, receipt, against: of('reject'), notes: of('note') }
}

/** `verify/action.yml` as the workflow that may quarantine. */
async function gate(
  inputs: Record<string, string | undefined>,
  { claims, ...run }: RunOptions = {},
): Promise<StepResult & Judged> {
  const { scenario } = bench
  const common = { policy: POLICY, 'trusted-root': undefined, 'signing-config': scenario.stack.signingConfigFile }
  const step = await scenario.verify({ ...common, ...inputs }, { ...run, claims: { ...GUARD, ...claims } })
  return { ...step, ...judged(step.code, step.result) }
}

const signerFlags = () => ['--identity-token-file', 'token', '--signing-config', bench.scenario.stack.signingConfigFile]
const rootFlag = () => ['--trusted-root', bench.scenario.stack.trustedRootFile]

async function tokenIn(folder: string, claims: Record<string, string> = GUARD): Promise<void> {
  writeFileSync(join(folder, 'token'), await bench.scenario.stack.oidc.mint(claims))
}

const tagged = (tag: string) => bench.scenario.stack.registry.storage.open('acme/app').tags.get(tag)

/** A tag that leads to an image of somebody else, who signed it. @returns its digest. */
async function movedTag(tag: string): Promise<string> {
  const { stack } = bench.scenario
  const layout = writeLayout(join(stack.folder, `moved-${tag}`), { content: `moved ${tag}` })
  const digest = await bench.here.push(layout.folder, tag)
  await bench.here.attach(digest, await bench.here.signature(digest, MALLORY))
  return digest
}

/** A good image, validly signed by the workflow that the policy expects. */
async function goodImage(tag: string): Promise<string> {
  const layout = writeLayout(join(bench.scenario.stack.folder, `good-${tag}`), { content: `good ${tag}` })
  const digest = await bench.here.push(layout.folder, tag)
  await bench.here.attach(digest, await bench.here.signature(digest))
  return digest
}

const records = async (digest: string) => (await bench.here.attached(digest)).length - 1
const certificates = () => bench.scenario.stack.fulcio.issued.length

describe('13-adversary 31: a moved tag that somebody else signed', () => {
  test.each([
    ['off', 0, true],
    ['files', 0, true],
    ['attest', 1, true],
    ['retag', 1, false],
  ] as const)('through the action with quarantine: %s', async (mode, expected, stays) => {
    const digest = await movedTag(`action-${mode}`)
    const signs = mode === 'attest' || mode === 'retag'
    const step = await gate({
      images: `${bench.scenario.image}:action-${mode}`,
      quarantine: mode,
      ...(signs ? {} : { 'signing-config': undefined }),
    })
    expect([step.code, step.against]).toEqual([1, ['verify/identity-mismatch']])
    expect([await records(digest), tagged(`action-${mode}`) === digest]).toEqual([expected, stays])
    const [subject] = step.receipt.subjects
    expect(subject?.quarantine?.record !== undefined).toBe(signs)
    if (!signs) return
    expect(subject?.quarantine).toMatchObject({ state: 'quarantined', from: 'run' })
    // The person who meets it: what failed, who was expected and found, what was done, how to release.
    for (const text of [
      'mallory/app',
      'release.yml@refs/heads/main',
      subject?.quarantine?.record ?? '-',
      'quarantine release',
    ])
      expect(step.log).toContain(text)
    expect(step.receipt.attestations).toMatchObject([{ subject: digest, log: { index: expect.any(String) } }])
    if (mode === 'retag') expect(tagged(`waybill-quarantine-${digest.slice(7, 19)}`)).toBe(digest)
  })

  test.each([
    ['off', 0, true],
    ['files', 0, true],
    ['attest', 1, true],
    ['retag', 1, false],
  ] as const)('through the command with --quarantine %s and a key', async (mode, expected, stays) => {
    const digest = await movedTag(`cli-${mode}`)
    const folder = machine(KEYED)
    const signs = mode === 'attest' || mode === 'retag'
    const { signingConfigFile } = bench.scenario.stack
    const key = signs ? ['--quarantine-key', 'env:GUARD', '--signing-config', signingConfigFile] : []
    const image = `${bench.scenario.image}:cli-${mode}`
    const { code, against } = await judge(folder, ['image', image, '--quarantine', mode, ...key], { GUARD: guardKey })
    expect([code, against]).toEqual([1, ['verify/identity-mismatch']])
    expect([await records(digest), tagged(`cli-${mode}`) === digest]).toEqual([expected, stays])
    if (!signs) return
    const elsewhere = await judge(machine(KEYED), ['image', `${bench.scenario.image}@${digest}`])
    expect(elsewhere.against).toContain('verify/quarantined')
  })

  test('is recorded once, however often it is met, and the next run does what the first could not', async () => {
    const digest = await movedTag('again')
    const images = `${bench.scenario.image}:again`
    const first = await gate({ images, quarantine: 'attest' })
    const second = await gate({ images, quarantine: 'retag' })
    expect([second.code, await records(digest), tagged('again')]).toEqual([1, 1, undefined])
    expect(second.receipt.subjects[0]?.quarantine?.record).toBe(first.receipt.subjects[0]?.quarantine?.record)
    expect(second.against).toEqual(['verify/quarantined', 'verify/identity-mismatch'])
  })

  test('is told to whoever reads events', async () => {
    await movedTag('events')
    const { run } = await gate({
      images: `${bench.scenario.image}:events`,
      quarantine: 'attest',
      events: 'events.jsonl',
    })
    const [line] = readFileSync(join(run.workspace, 'events.jsonl'), 'utf8').split('\n')
    expect(JSON.parse(line ?? '')).toMatchObject({ event: 'waybill.quarantined', quarantine: { from: 'run' } })
  })
})

describe('13-adversary 31: nothing is quarantined', () => {
  test('that passed: no certificate is asked for', async () => {
    const digest = await goodImage('fine')
    const before = certificates()
    const step = await gate({ images: `${bench.scenario.image}:fine`, quarantine: 'retag' })
    expect([step.code, certificates() - before, await records(digest), tagged('fine')]).toEqual([0, 0, 0, digest])
  })

  test.each([
    ['that nobody signed', async () => bench.image('nobody signed it'), 1],
    ['that could not be asked for', async () => sha256('nowhere'), 2],
  ])('%s', async (_, make, code) => {
    const before = certificates()
    const step = await gate({ images: `${bench.scenario.image}@${await make()}`, quarantine: 'retag' })
    expect([step.code, certificates() - before, step.receipt.subjects[0]?.quarantine]).toEqual([code, 0, undefined])
  })

  test('for which the services are not there; the verdict is the same, and the reason is told', async () => {
    const digest = await movedTag('dark')
    bench.scenario.stack.fulcio.faults.add({ fault: { status: 403 } })
    const step = await gate({ images: `${bench.scenario.image}:dark`, quarantine: 'attest' })
    expect([step.code, step.against, await records(digest)]).toEqual([1, ['verify/identity-mismatch'], 0])
    expect(step.receipt.notices.join()).toContain('could not be quarantined')
  })
})

describe('before anything is judged', () => {
  const asked = () => bench.scenario.stack.registry.log.length

  test.each([
    ['without id-token: write', { idToken: false }, {}, 'github/id-token-missing', 'id-token: write'],
    ['in a pull request', PULL_REQUEST, {}, 'github/event-refused', 'quarantine: files'],
    [
      '13-adversary 23: in a private repository that has not chosen',
      { claims: { repository_visibility: 'private' } },
      {},
      'sigstore/private-repository',
      'transparency-log: own',
    ],
    ['of a token that speaks of another run', { tokenClaims: { run_id: '1' } }, {}, 'github/token-mismatch', 'GITHUB_'],
    [
      'without services, but with a log of its own',
      {},
      { 'signing-config': undefined, 'transparency-log': 'own' },
      'entry/input-contradiction',
      'signing-config',
    ],
  ] as const)('%s it is refused', async (_, run, inputs, error, text) => {
    const before = [asked(), certificates()]
    const step = await gate({ images: bench.reference, quarantine: 'attest', ...inputs }, run as RunOptions)
    expect(step.result.error?.code).toBe(error)
    expect(step.code).toBe(error === 'github/token-mismatch' ? 1 : 3)
    expect(step.result.subjects).toEqual([])
    expect([asked(), certificates()]).toEqual(before)
    expect(step.log).toContain(text)
  })

  test('13-adversary 23: a private repository records with services of its own', async () => {
    const digest = await movedTag('private')
    const claims = { repository_visibility: 'private' }
    const images = `${bench.scenario.image}:private`
    const step = await gate({ images, quarantine: 'attest', 'transparency-log': 'own' }, { claims })
    expect([step.code, await records(digest)]).toEqual([1, 1])
  })

  test('quarantine: files needs no permission at all', async () => {
    const step = await gate({ images: bench.reference, 'signing-config': undefined }, { idToken: false })
    expect(step.code).toBe(0)
  })

  test.each([
    ['nobody who signs', ['--quarantine', 'attest']],
    ['two who sign', ['--quarantine', 'attest', '--identity-token-file', 'token', '--quarantine-key', 'env:GUARD']],
    ['a signer of nothing', ['--quarantine-key', 'env:GUARD']],
    ['a key on the command line', ['--quarantine', 'attest', '--quarantine-key', '-----BEGIN PRIVATE KEY-----']],
    ['no server at all', ['--quarantine', 'retag', '--quarantine-key', 'env:GUARD', '--offline']],
  ])('the command is refused for %s', async (_, words) => {
    const before = asked()
    const { code } = await cli(machine(), ['verify', 'image', bench.reference, '--policy', 'waybill.yml', ...words])
    expect([code, asked()]).toEqual([3, before])
  })
})

describe('13-adversary 31: another machine, with the registry and the policy alone', () => {
  test('refuses an image whose own signature is good, until a release ends it', async () => {
    const digest = await goodImage('recalled')
    const image = `${bench.scenario.image}@${digest}`
    expect((await judge(machine(), ['image', image])).code).toBe(0)
    const here = machine()
    await tokenIn(here)
    const add = ['quarantine', 'add', image, '--reason', 'a recall', '--policy', 'waybill.yml']
    expect((await cli(here, [...add, '--attest', ...signerFlags()])).code).toBe(0)
    const elsewhere = machine()
    const refused = await judge(elsewhere, ['image', image])
    expect([refused.code, refused.against]).toEqual([1, ['verify/quarantined']])
    await tokenIn(elsewhere)
    const release = ['quarantine', 'release', image, '--reason', 'a false alarm', ...signerFlags(), ...rootFlag()]
    expect((await cli(elsewhere, release)).code).toBe(0)
    const ended = await judge(machine(), ['image', image])
    expect([ended.code, ended.notes]).toEqual([0, ['verify/quarantine-ignored']])
    // The same recall again is a record of its own, which the release before says nothing about.
    const again = await cli(machineWithToken(here), [...add, '--attest', ...signerFlags()])
    expect(again.code).toBe(0)
    expect((await judge(machine(), ['image', image])).against).toEqual(['verify/quarantined'])
  })

  test('a key signs records and releases as well', async () => {
    const digest = await goodImage('keyed')
    const image = `${bench.scenario.image}@${digest}`
    const here = machine(KEYED)
    writeFileSync(join(here, 'guard.key'), guardKey)
    const signer = ['--key', 'guard.key', '--signing-config', bench.scenario.stack.signingConfigFile]
    const add = ['quarantine', 'add', image, '--reason', 'a recall', '--policy', 'waybill.yml', '--attest', ...signer]
    expect((await cli(here, add)).code).toBe(0)
    expect((await judge(machine(KEYED), ['image', image])).against).toEqual(['verify/quarantined'])
    const list = ['quarantine', 'list', image, '--key', 'keys/guard.pem', ...rootFlag(), '--json']
    const listed = JSON.parse((await cli(machine(KEYED), list)).stdout)
    expect(listed.data.images).toMatchObject([{ records: [{ decision: 'quarantine', released: false }] }])
    const why = ['--reason', 'a false alarm']
    const released = await cli(here, ['quarantine', 'release', image, ...why, ...signer, ...rootFlag()])
    expect([released.code, released.log]).toEqual([0, expect.stringContaining('is released by')])
    expect((await judge(machine(KEYED), ['image', image])).code).toBe(0)
  })

  test('a record of a stranger is a note', async () => {
    const digest = await goodImage('slandered')
    const image = `${bench.scenario.image}@${digest}`
    const theirs = machine()
    await tokenIn(theirs, MALLORY)
    const add = ['quarantine', 'add', image, '--reason', 'slander', '--policy', 'waybill.yml', '--attest']
    expect((await cli(theirs, [...add, ...signerFlags()])).code).toBe(0)
    const found = await judge(machine(), ['image', image])
    expect([found.code, found.against, found.notes]).toEqual([0, [], ['verify/quarantine-ignored']])
  })
})

describe('13-adversary 31: a file', () => {
  const filesRepository = () => `${bench.scenario.stack.registry.host}/acme/files`

  function put(folder: string, name: string, content: string, bundle: Uint8Array): string {
    writeFileSync(join(folder, name), content)
    writeFileSync(join(folder, `${name}.sigstore.json`), bundle)
    return sha256(content)
  }

  test('that was changed after it was signed is moved, recorded, and refused elsewhere until a release', async () => {
    const original = await bench.here.signature(sha256('original'))
    const run = { claims: GUARD }
    const { workspace } = bench.scenario.stack.run(run)
    const digest = put(workspace, 'app.tgz', 'tampered', original)
    const inputs = { files: 'app.tgz', quarantine: 'attest', 'files-repository': filesRepository() }
    const step = await gate(inputs, { env: { GITHUB_WORKSPACE: workspace } })
    expect([step.code, step.against[0], existsSync(join(workspace, 'app.tgz'))]).toEqual([
      1,
      'verify/digest-mismatch',
      false,
    ])
    const held = join(workspace, 'waybill-quarantine', digest.slice(7))
    expect(readdirSync(held).sort()).toEqual(['app.tgz', 'app.tgz.sigstore.json', 'record.json'])
    expect(readdirSync(join(workspace, 'waybill-quarantine', 'records'))).toHaveLength(1)
    expect(step.receipt.attestations).toMatchObject([
      { subject: digest, stored: [expect.stringContaining('/acme/files:')] },
    ])

    // Elsewhere even a good signature of these bytes does not help.
    const signature = await bench.here.signature(digest)
    const elsewhere = machine()
    const words = ['file', 'copy.tgz', '--files-repository', filesRepository(), '--quarantine', 'off']
    put(elsewhere, 'copy.tgz', 'tampered', signature)
    const refused = await judge(elsewhere, words)
    expect([refused.code, refused.against]).toEqual([1, ['verify/quarantined']])
    await tokenIn(elsewhere)
    const release = [
      'quarantine',
      'release',
      'copy.tgz',
      '--reason',
      'a false alarm',
      '--files-repository',
      filesRepository(),
    ]
    const released = await cli(elsewhere, [...release, ...signerFlags(), ...rootFlag()])
    expect([released.code, released.log]).toEqual([0, expect.stringContaining('is released by')])
    expect((await judge(elsewhere, words)).code).toBe(0)
  })

  test('of somebody else is moved by default, and recorded through the command with --quarantine attest', async () => {
    const folder = machine(KEYED)
    const digest = put(folder, 'app.bin', 'theirs', await bench.here.signature(sha256('theirs'), MALLORY))
    const signer = ['--quarantine-key', 'env:GUARD', '--signing-config', bench.scenario.stack.signingConfigFile]
    const words = ['file', 'app.bin', '--files-repository', filesRepository()]
    const { code, receipt } = await judge(folder, [...words, '--quarantine', 'attest', ...signer], { GUARD: guardKey })
    expect([code, receipt.subjects[0]?.quarantine?.moved]).toEqual([
      1,
      join(folder, 'waybill-quarantine', digest.slice(7), 'app.bin'),
    ])
    const elsewhere = machine(KEYED)
    put(elsewhere, 'app.bin', 'theirs', await bench.here.signature(sha256('theirs'), MALLORY))
    const refused = await judge(elsewhere, words)
    expect(refused.against).toEqual(['verify/quarantined', 'verify/identity-mismatch'])
    // files, the default: what is known to be bad is moved away here, too.
    expect(existsSync(join(elsewhere, 'app.bin'))).toBe(false)
  })

  test('a files-repository that does not answer is unknown under quarantine-by, however good the signature', async () => {
    const folder = machine()
    put(folder, 'app.zip', 'fine', await bench.here.signature(sha256('fine')))
    bench.scenario.stack.registry.faults.add({ path: /acme\/dark/, times: Infinity, fault: { status: 403 } })
    const dark = `${bench.scenario.stack.registry.host}/acme/dark`
    const { code } = await judge(folder, ['file', 'app.zip', '--files-repository', dark])
    expect([code, existsSync(join(folder, 'app.zip'))]).toEqual([2, true])
  })
})

/** The policy there holds it back already; a token is used once. */
function machineWithToken(from: string): string {
  const folder = machine()
  writeFileSync(join(folder, 'token'), readFileSync(join(from, 'token')))
  return folder
}
