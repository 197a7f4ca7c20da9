import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { sha256 } from '../../src/core/digest.ts'
import { fileTag } from '../../src/registry/file-bundles.ts'
import { parseTrustRoot } from '../../src/sigstore/trust/root.ts'
import { verifyUnwitnessed } from '../../src/sigstore/verify/unwitnessed/verify.ts'
import { verifyBundle } from '../../src/sigstore/verify/verify.ts'
import { COSIGN_SIGN_PREDICATE, PROVENANCE_PREDICATE } from '../../src/statements/statement.ts'
import { RECORDED_BUILD_TYPE } from '../../src/statements/uris.ts'
import { writeLayout } from '../fakes/layout.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { breaks } from '../report/schema.ts'
import { RESULT_SCHEMA } from './gate-support.ts'

jest.setTimeout(120_000)

const PASSWORD = 'open sesame 4711'

let scenario: Scenario
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicKey = key.publicKey.export({ format: 'pem', type: 'spki' }).toString()
const env = {
  KEY: key.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: PASSWORD }).toString(),
  PASSWORD,
}
const otherKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
const keyed = ['--key', 'env:KEY', '--key-password', 'env:PASSWORD']

beforeAll(async () => {
  scenario = await startScenario()
})

afterAll(() => scenario.close())

let folders = 0
/** A fresh folder with these files; paths of the CLI begin in its parent. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = join(scenario.stack.folder, `files-${++folders}`)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const bytesOf = (path: string) => new Uint8Array(readFileSync(path))
const bundleOf = (path: string) => bytesOf(`${path}.sigstore.json`)
const trust = () => parseTrustRoot(bytesOf(scenario.stack.trustedRootFile), 'file')
const services = () => [
  '--signing-config',
  scenario.stack.signingConfigFile,
  '--trusted-root',
  scenario.stack.trustedRootFile,
]

interface Told {
  readonly code: number
  readonly log: string
  readonly files: readonly {
    readonly name: string
    readonly state: string
    readonly notes?: readonly string[]
    readonly stored?: string
    readonly error?: { readonly code: string; readonly remedy: string }
  }[]
}

async function attest(...args: readonly string[]): Promise<Told> {
  const { code, stdout, log } = await scenario.cli(['attest', 'file', ...args, '--json'], env)
  expect(log).toBe(stdout)
  expect(log).not.toContain(PASSWORD)
  expect(log).not.toContain('PRIVATE KEY')
  const told = JSON.parse(stdout)
  return { code, log, files: told.data?.files ?? [{ name: '', state: 'failed', error: told.error }] }
}

/** Requests that any service of the stack has answered. */
function requestsSoFar(): number {
  const { fulcio, rekorV1, registry } = scenario.stack
  return fulcio.issued.length + rekorV1.entries.length + registry.log.length
}

function subjectsIn(bundle: Uint8Array): unknown {
  const { dsseEnvelope } = JSON.parse(Buffer.from(bundle).toString())
  return JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()).subject
}

describe('waybill attest file with a key', () => {
  test('signs files by their digests, beside them, with nothing else in the world', async () => {
    const folder = folderWith({ 'a.txt': 'a', 'sub/b.txt': 'b' })
    const before = requestsSoFar()
    const { code, files } = await attest(join(folder, 'a.txt'), join(folder, 'sub/b.txt'), ...keyed)
    expect([code, files.map(({ state }) => state)]).toEqual([0, ['signed', 'signed']])
    expect(requestsSoFar()).toBe(before)
    for (const [name, text] of [
      ['a.txt', 'a'],
      ['sub/b.txt', 'b'],
    ] as const) {
      const verified = verifyUnwitnessed(bundleOf(join(folder, name)), [{ publicKey }])
      expect(verified.statement).toMatchObject({
        subject: [{ name: `files-${folders}/${name}`, digest: { sha256: sha256(text).slice(7) } }],
        predicateType: COSIGN_SIGN_PREDICATE,
        predicate: {},
      })
    }
  })

  test('is verified by the public key alone, and by no other, for exactly these bytes, without a network', async () => {
    const folder = folderWith({ 'a.txt': 'a', 'k.pub': publicKey, 'other.pub': generatePublic(otherKey) })
    const path = join(folder, 'a.txt')
    await attest(path, ...keyed)
    const verify = (...args: readonly string[]) =>
      scenario.cli(['verify', 'file', path, '--offline', '--json', ...args])
    const good = await verify('--key', join(folder, 'k.pub'))
    expect([good.code, JSON.parse(good.stdout).verdict]).toEqual([0, 'passed'])
    expect((await verify('--key', join(folder, 'other.pub'))).code).toBe(1)
    // Who names services asks for their word.
    const rooted = ['--key', join(folder, 'k.pub'), '--trusted-root', scenario.stack.trustedRootFile]
    const strict = await verify(...rooted)
    expect([strict.code, strict.stdout.includes('sigstore/log-missing')]).toEqual([1, true])
    writeFileSync(path, 'b')
    expect((await verify('--key', join(folder, 'k.pub'), '--quarantine', 'off')).code).toBe(1)
    await attest(path, ...keyed, ...services(), '--out', join(folder, 'seen'))
    const seen = ['--bundle', join(folder, 'seen/a.txt.sigstore.json')]
    expect((await verify(...rooted, ...seen)).code).toBe(0)
    // With witnesses and no root, it could not be checked.
    expect((await verify('--key', join(folder, 'k.pub'), ...seen)).code).toBe(2)
  })

  test('signs nothing twice, replaces what the same signer said of other bytes, and tells it', async () => {
    const path = join(folderWith({ 'a.txt': 'first' }), 'a.txt')
    await attest(path, ...keyed)
    const first = bundleOf(path)
    expect((await attest(path, ...keyed)).files[0]?.state).toBe('kept')
    expect(bundleOf(path)).toEqual(first)
    writeFileSync(path, 'second')
    const { files } = await attest(path, ...keyed)
    expect(files).toMatchObject([{ state: 'signed', notes: [expect.stringContaining('was replaced')] }])
    expect(subjectsIn(bundleOf(path))).toMatchObject([{ digest: { sha256: sha256('second').slice(7) } }])
  })

  test('13-adversary 24: what lies in the place of a bundle and is not ours stays as it is', async () => {
    const folder = folderWith({ 'a.txt': 'a', 'p.json': '{"clean": true}', 'other.pem': '' })
    const path = join(folder, 'a.txt')
    const other = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
    writeFileSync(join(folder, 'other.pem'), other)
    await attest(path, '--key', join(folder, 'other.pem'))
    const theirs = bundleOf(path)
    const refused = async (...args: readonly string[]) => {
      const before = bundleOf(path)
      const { code, files } = await attest(path, ...args)
      expect([code, files[0]?.state, files[0]?.error?.code]).toEqual([3, 'failed', 'pipeline/bundle-present'])
      expect(bundleOf(path)).toEqual(before)
    }
    await refused(...keyed)
    writeFileSync(`${path}.sigstore.json`, 'not a bundle')
    await refused(...keyed)
    writeFileSync(`${path}.sigstore.json`, theirs)
    // The same signer, another kind of statement about the very same bytes: both would count, so neither is lost.
    const predicate = ['--predicate-type', 'https://example.com/scan/v1', '--predicate', join(folder, 'p.json')]
    await refused('--key', join(folder, 'other.pem'), ...predicate)
    const { code } = await attest(path, '--key', join(folder, 'other.pem'), ...predicate, '--out', join(folder, 'out'))
    expect(code).toBe(0)
    const verified = verifyUnwitnessed(bundleOf(join(folder, 'out/a.txt')), [
      { publicKey: generatePublic(other.toString()) },
    ])
    expect(verified.statement).toMatchObject({
      predicateType: 'https://example.com/scan/v1',
      predicate: { clean: true },
    })
  })

  test('13-adversary 22: a file that is a signed attestation is signed as bytes of a digest, like any other', async () => {
    const pae = 'DSSEv1 28 application/vnd.in-toto+json 2 {}'
    const path = join(folderWith({ 'a.txt': pae }), 'a.txt')
    expect((await attest(path, ...keyed)).code).toBe(0)
    expect(subjectsIn(bundleOf(path))).toMatchObject([{ digest: { sha256: sha256(pae).slice(7) } }])
    expect(Buffer.from(bundleOf(path)).toString()).not.toContain('messageSignature')
  })

  test('is logged and timestamped where services are named, and then verifies under their root alone', async () => {
    const path = join(folderWith({ 'a.txt': 'a' }), 'a.txt')
    const { code, files } = await attest(path, ...keyed, ...services())
    expect([code, files[0]?.state]).toEqual([0, 'signed'])
    const verified = verifyBundle(bundleOf(path), trust(), { keys: [{ publicKey }] })
    expect(verified.timeSources).toEqual(['rekor-v1', 'rfc3161'])
    expect(verified.log?.url).toBe(scenario.stack.rekorV1.url)
  })

  test('--no-upload leaves nothing in a log, and is refused where verifiers ask for one', async () => {
    const path = join(folderWith({ 'a.txt': 'a' }), 'a.txt')
    const logged = scenario.stack.rekorV1.entries.length
    const { code, files } = await attest(path, ...keyed, ...services(), '--no-upload')
    expect([code, files[0]?.error?.code]).toEqual([3, 'entry/input-contradiction'])
    const root = join(scenario.stack.folder, 'root-without-log.json')
    writeFileSync(root, JSON.stringify({ ...scenario.stack.trustedRoot, tlogs: [] }))
    const config = ['--signing-config', scenario.stack.signingConfigFile, '--trusted-root', root]
    expect((await attest(path, ...keyed, ...config, '--no-upload')).code).toBe(0)
    expect(scenario.stack.rekorV1.entries.length).toBe(logged)
    const verified = verifyBundle(bundleOf(path), parseTrustRoot(bytesOf(root), 'file'), {
      keys: [{ publicKey }],
      logs: 0,
    })
    expect(verified.timeSources).toEqual(['rfc3161'])
  })

  test('a wrong password, a key in the arguments and a predicate that is no object are refused, unquoted', async () => {
    const folder = folderWith({ 'a.txt': 'a', 'list.json': '[1]' })
    const path = join(folder, 'a.txt')
    const wrong = await scenario.cli(['attest', 'file', path, ...keyed], { ...env, PASSWORD: 'wrong words' })
    expect([wrong.code, wrong.log.includes('sigstore/signing-key-locked')]).toEqual([3, true])
    expect(wrong.log).not.toContain('wrong words')
    const typed = await scenario.cli(['attest', 'file', path, '--key', env.KEY], env)
    expect([typed.code, typed.log.includes('PRIVATE KEY')]).toEqual([3, false])
    const predicate = ['--predicate-type', 'https://example.com/x', '--predicate', join(folder, 'list.json')]
    expect((await attest(path, ...keyed, ...predicate)).code).toBe(3)
    expect(existsSync(`${path}.sigstore.json`)).toBe(false)
  })
})

describe('waybill attest file with an identity', () => {
  const token = async () => {
    const path = join(scenario.stack.folder, 'token')
    writeFileSync(path, await scenario.stack.oidc.mint())
    return ['--identity-token-file', path, ...services()]
  }

  test('signs every file with one certificate, and keeps the bundles where digests find them', async () => {
    const folder = folderWith({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' })
    const paths = ['a.txt', 'b.txt', 'c.txt'].map(name => join(folder, name))
    const issued = scenario.stack.fulcio.issued.length
    const repository = `${scenario.stack.registry.host}/acme/files`
    const { code, files, log } = await attest(...paths, ...(await token()), '--files-repository', repository)
    expect([code, files.map(({ state }) => state)]).toEqual([0, ['signed', 'signed', 'signed']])
    expect(scenario.stack.fulcio.issued.length - issued).toBe(1)
    expect(log).not.toContain(readFileSync(join(scenario.stack.folder, 'token'), 'utf8'))
    const store = scenario.stack.registry.storage.open('acme/files')
    for (const [at, path] of paths.entries()) {
      const tag = fileTag(sha256(readFileSync(path)))
      expect(files[at]?.stored).toBe(`${repository}:${tag}`)
      const manifest = JSON.parse(store.manifests.get(store.tags.get(tag) ?? '')?.bytes.toString() ?? '{}')
      expect(manifest.layers).toMatchObject([{ digest: sha256(bundleOf(path)) }])
      expect(verifyBundle(bundleOf(path), trust()).signer.kind).toBe('certificate')
    }
    const again = await attest(...paths, ...(await token()), '--files-repository', repository)
    expect(again.files.map(({ state }) => state)).toEqual(['kept', 'kept', 'kept'])
  })

  test('a registry that cannot be written is known before anything is signed', async () => {
    const path = join(folderWith({ 'a.txt': 'a' }), 'a.txt')
    const issued = scenario.stack.fulcio.issued.length
    const { code } = await attest(path, ...(await token()), '--files-repository', '127.0.0.1:1/acme/files')
    expect(code).toBe(2)
    expect(scenario.stack.fulcio.issued.length).toBe(issued)
    expect(existsSync(`${path}.sigstore.json`)).toBe(false)
  })

  test('a token that the authority refuses is unknown, and is not shown', async () => {
    const folder = folderWith({ 'a.txt': 'a', token: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYWxsb3J5In0.c2VjcmV0LXBhcnQ' })
    const args = ['--identity-token-file', join(folder, 'token'), ...services()]
    const { code, log } = await attest(join(folder, 'a.txt'), ...args)
    expect(code).toBe(2)
    expect(log).not.toContain('c2VjcmV0LXBhcnQ')
  })
})

describe('files in the action', () => {
  const run = (workspace: string, more: RunOptions = {}): RunOptions => ({
    ...more,
    env: { GITHUB_WORKSPACE: workspace, ...more.env },
  })
  const step = (workspace: string, inputs: Inputs, more?: RunOptions): Promise<StepResult> =>
    scenario.attest({ images: undefined, builder: 'none', ...inputs }, run(workspace, more))

  const stateOf = ({ result }: StepResult, name: string) => result.stages.find(stage => stage.name === name)?.state

  test('13-adversary 15: files alone are signed as what the run found, with the commit as a claim', async () => {
    const workspace = folderWith({ 'dist/a.tgz': 'a', 'dist/b.tgz': 'b', 'dist/notes.md': 'n' })
    const repository = `${scenario.stack.registry.host}/acme/files`
    const issued = scenario.stack.fulcio.issued.length
    const done = await step(workspace, { files: 'dist/*.tgz', 'files-repository': repository })
    expect([done.code, done.outputs.verdict, stateOf(done, 'files')]).toEqual([0, 'passed', 'passed'])
    expect(breaks(RESULT_SCHEMA, done.result)).toEqual([])
    expect(scenario.stack.fulcio.issued.length - issued).toBe(1)
    const paths = ['a', 'b'].map(name => join(workspace, `dist/${name}.tgz`))
    expect(done.outputs.bundles?.split('\n')).toEqual(paths.map(path => `${path}.sigstore.json`))
    for (const path of paths) {
      const { statement, signer } = verifyBundle(bundleOf(path), trust())
      expect(signer).toMatchObject({ kind: 'certificate', ci: { sourceRepositoryDigest: scenario.repository.head() } })
      expect(statement.predicateType).toBe(PROVENANCE_PREDICATE)
      expect(statement.predicate).toMatchObject({
        buildDefinition: {
          buildType: RECORDED_BUILD_TYPE,
          externalParameters: { claimedSource: { digest: { gitCommit: scenario.repository.head() } } },
        },
      })
      expect(statement.predicate).not.toHaveProperty('buildDefinition.resolvedDependencies')
      expect(tagsOf('acme/files')).toContain(fileTag(sha256(readFileSync(path))))
    }
    const copies = join(done.run.folder, 'temp/waybill')
    const kept = readdirSync(copies, { recursive: true, encoding: 'utf8' }).filter(name => name.includes('files/'))
    expect(kept.filter(name => name.endsWith('.sigstore.json'))).toHaveLength(2)
    expect(existsSync(join(workspace, 'dist/notes.md.sigstore.json'))).toBe(false)
  })

  test('another attempt of the run signs nothing again, and its own bundles are no files', async () => {
    const workspace = folderWith({ 'dist/a.tgz': 'a' })
    expect((await step(workspace, { files: 'dist/*' })).code).toBe(0)
    const first = bundleOf(join(workspace, 'dist/a.tgz'))
    const again = await step(workspace, { files: 'dist/*' }, { claims: { run_attempt: '2' } })
    expect(again.code).toBe(0)
    expect(bundleOf(join(workspace, 'dist/a.tgz'))).toEqual(first)
    expect(again.result.notices.join()).toContain('were signed already')
    expect(readdirSync(join(workspace, 'dist')).sort()).toEqual(['a.tgz', 'a.tgz.sigstore.json'])
  })

  test('an image and files are signed with one certificate, and the tag moves last', async () => {
    const workspace = folderWith({ 'app.tgz': 'app' })
    const layout = writeLayout(join(scenario.stack.folder, 'with-files'), { platforms: ['linux/amd64'] })
    const issued = scenario.stack.fulcio.issued.length
    const inputs = { images: scenario.image, builder: 'layout', layout: layout.folder, tags: 'f1', files: 'app.tgz' }
    const done = await step(workspace, inputs)
    expect(done.log).toContain('files …')
    expect([done.code, stateOf(done, 'files'), stateOf(done, 'tags')]).toEqual([0, 'passed', 'passed'])
    expect(scenario.stack.fulcio.issued.length - issued).toBe(1)
    expect(verifyBundle(bundleOf(join(workspace, 'app.tgz')), trust()).statement.predicateType).toBe(
      PROVENANCE_PREDICATE,
    )
    expect(breaks(RESULT_SCHEMA, done.result)).toEqual([])
  })

  test('a key signs files where the job has no identity, and no bundle says anything about the run', async () => {
    const workspace = folderWith({ 'app.tgz': 'app' })
    const inputs = {
      files: '*.tgz',
      key: 'env:KEY',
      'key-password': 'env:PASSWORD',
      'signing-config': undefined,
      'trusted-root': undefined,
    }
    const done = await step(workspace, inputs, { idToken: false, env })
    expect([done.code, stateOf(done, 'files')]).toEqual([0, 'passed'])
    expect(done.log).not.toContain(PASSWORD)
    const { statement } = verifyUnwitnessed(bundleOf(join(workspace, 'app.tgz')), [{ publicKey }])
    expect(statement).toMatchObject({ predicateType: COSIGN_SIGN_PREDICATE, predicate: {} })
    expect(done.result.notices.join()).toContain('nobody can tell when they were made')
  })

  test.each([
    ['a pattern without a file', 'dist/*.zip', 'No file matches'],
    ['a pattern that leaves the workspace', '../*', 'is not a pattern below the folder'],
    ['an absolute pattern', '/etc/passwd', 'is not a pattern below the folder'],
    ['a symbolic link', 'link.tgz', 'is not a regular file of the folder'],
    ['a file behind a linked folder', 'linked/*', 'is not a regular file of the folder'],
  ])('%s ends the run before anything is signed', async (_, files, sentence) => {
    const workspace = folderWith({ 'dist/a.tgz': 'a' })
    symlinkSync('/etc/hostname', join(workspace, 'link.tgz'))
    symlinkSync(join(workspace, 'dist'), join(workspace, 'linked'))
    const issued = scenario.stack.fulcio.issued.length
    const done = await step(workspace, { files })
    expect([done.code, done.result.error?.code]).toEqual([3, 'core/file-unreadable'])
    expect(done.log).toContain(sentence)
    expect(scenario.stack.fulcio.issued.length).toBe(issued)
  })
})

function tagsOf(repository: string): readonly string[] {
  return [...scenario.stack.registry.storage.open(repository).tags.keys()]
}

function generatePublic(pem: string): string {
  return createPublicKey(pem).export({ format: 'pem', type: 'spki' }).toString()
}
