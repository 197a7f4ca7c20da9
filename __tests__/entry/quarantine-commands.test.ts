import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../src/core/digest.ts'
import { WaybillError } from '../../src/core/error.ts'
import { readCall } from '../../src/entry/commands/table.ts'
import { type FileReason, quarantineFile } from '../../src/pipeline/quarantine-file.ts'
import { fetchBundles } from '../../src/registry/bundles.ts'
import { closeAll, connect, pushImage } from '../registry/support.ts'
import { type Bench, codeOf, openBench } from '../sigstore/support.ts'

let bench: Bench
let folder: string
beforeAll(async () => {
  bench = await openBench()
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-quarantine-'))
  await mkdir(join(folder, '.github'))
  await writeFile(join(folder, '.github', 'waybill.yml'), POLICY)
  await writeFile(join(folder, 'token'), `${await bench.stack.oidc.mint()}\n`)
})
afterEach(async () => {
  await closeAll()
  await rm(folder, { recursive: true, force: true })
})
afterAll(() => bench.close())

const POLICY = 'version: 1   # one\n'
const WHY = ['--reason', 'signed by somebody else']

/** Runs a command in a folder, as the bundled program would. */
async function run(words: readonly string[], workingFolder = folder): Promise<string> {
  const call = readCall(words)
  if (call.kind !== 'run') throw new Error(`${words.join(' ')} is no command`)
  let text = ''
  const world = {
    args: words,
    workingFolder,
    script: '/waybill/dist/cli.js',
    isTerminal: false,
    columns: 80,
    out: (part: Uint8Array | string) => {
      text += typeof part === 'string' ? part : Buffer.from(part).toString()
    },
    err: () => {},
    exit: () => {},
  }
  expect(await call.act({ world, env: { HOME: workingFolder, PATH: process.env.PATH } })).toBe(0)
  return text
}

async function image(seed: string) {
  const connection = connect(bench.stack.registry.host)
  const { client, repository } = connection
  const { descriptor, bytes } = await pushImage(connection, seed)
  await client.putManifest(repository, seed, descriptor.mediaType, bytes)
  const attached = async () => (await fetchBundles(client, repository, descriptor.digest)).bundles.length
  return { digest: descriptor.digest, reference: `${repository.host}/acme/app:${seed}`, attached }
}

const root = () => ['--trusted-root', bench.stack.trustedRootFile]
const signer = () => ['--identity-token-file', 'token', '--signing-config', bench.stack.signingConfigFile, ...root()]
const policy = (where = folder) => readFile(join(where, '.github', 'waybill.yml'), 'utf8')

async function holdFile(): Promise<{ path: string; record: string }> {
  const path = join(folder, 'app.tgz')
  await writeFile(path, 'tampered')
  const reason: FileReason = {
    digest: sha256('tampered'),
    quarantinedAt: '2026-06-01T12:00:00.000Z',
    subject: 'app.tgz',
    codes: ['verify/digest-mismatch'],
    findings: [],
    evidence: [],
  }
  const { record } = await quarantineFile(path, join(folder, 'waybill-quarantine'), reason)
  return { path, record }
}

describe('waybill quarantine add', () => {
  test('13-adversary 31: prepares the commit that holds an image back, and touches no registry', async () => {
    const { reference, digest, attached } = await image('add')
    const said = await run(['quarantine', 'add', reference, ...WHY])
    const entry = `- {digest: "${digest}", reason: "signed by somebody else", since: `
    expect(await policy()).toContain(`${POLICY}quarantined:\n  ${entry}`)
    for (const line of [
      "git add '.github/waybill.yml'",
      `git commit -S -m 'Quarantine sha256:${digest.slice(7, 19)}'`,
      `git push origin HEAD:refs/heads/quarantine-${digest.slice(7, 19)}`,
    ])
      expect(said).toContain(line)
    expect(await attached()).toBe(0)
    expect(await run(['quarantine', 'add', reference, ...WHY])).toContain('holds it back already')
  })

  test('takes a file, and a digest, without asking anybody', async () => {
    await writeFile(join(folder, 'app.tgz'), 'tampered')
    await run(['quarantine', 'add', 'app.tgz', ...WHY])
    await run(['quarantine', 'add', sha256('other'), ...WHY])
    expect(await policy()).toContain(sha256('tampered'))
    expect(await policy()).toContain(sha256('other'))
  })

  test.each([
    ['no reason', ['a/b:1']],
    ['a signed record without a signer', ['a/b:1', ...WHY, '--attest']],
    ['a scope without a record', ['a/b:1', ...WHY, '--environment', 'production']],
    ['a reason of two lines', ['a/b@sha256:x', '--reason', 'a\nb']],
    ['services without a signer', ['a/b:1', ...WHY, '--signing-config', 'x']],
    ['two signers', ['a/b:1', ...WHY, '--attest', '--identity-token-file', 'token', '--key', 'env:KEY']],
    ['a key without a record', ['a/b:1', ...WHY, '--key', 'env:KEY']],
    ['a password without a key', ['a/b:1', ...WHY, '--attest', '--key-password', 'env:WORD']],
    ['a password as text', ['a/b:1', ...WHY, '--attest', '--key', 'env:KEY', '--key-password', 'secret']],
    ['nothing', WHY],
  ])('is refused for %s, with nothing written', async (_, words) => {
    await expect(run(['quarantine', 'add', ...words])).rejects.toBeInstanceOf(WaybillError)
    expect(await policy()).toBe(POLICY)
  })

  test('by services that the named root does not know stores nothing: one root for signing and reading', async () => {
    const { reference, attached } = await image('untrusted')
    const { ctlogs } = bench.stack.trustedRoot
    const other = join(folder, 'other_root.json')
    await writeFile(other, JSON.stringify({ ...bench.stack.trustedRoot, tlogs: ctlogs }))
    const words = ['quarantine', 'add', reference, ...WHY, '--attest', ...signer(), '--trusted-root', other]
    expect(await codeOf(() => run(words))).toBe('sigstore/service-not-trusted')
    expect(await attached()).toBe(0)
  })

  test('a signed record of a file has no place', async () => {
    await writeFile(join(folder, 'app.tgz'), 'tampered')
    expect(await codeOf(() => run(['quarantine', 'add', 'app.tgz', ...WHY, '--attest', ...signer()]))).toBe(
      'entry/usage',
    )
    expect(await policy()).toBe(POLICY)
  })
})

test('13-adversary 31: a record of a file is kept in the repository of files, and ended there', async () => {
  await writeFile(join(folder, 'app.tgz'), 'tampered')
  const files = ['--files-repository', `${bench.stack.registry.host}/acme/files`]
  const add = ['quarantine', 'add', 'app.tgz', ...WHY, '--attest', ...files]
  await run([...add, ...signer()])
  const list = async () => JSON.parse(await run(['quarantine', 'list', 'app.tgz', '--json', ...files, ...root()])).data
  const [before] = (await list()).images
  expect(before).toMatchObject({ digest: sha256('tampered'), records: [{ decision: 'quarantine', released: false }] })
  await writeFile(join(folder, 'token'), await bench.stack.oidc.mint())
  const release = ['quarantine', 'release', sha256('tampered'), '--reason', 'a false alarm', ...files]
  expect(await run([...release, ...signer()])).toContain(`Record ${before.records[0].record}`)
  expect((await list()).images[0].records).toMatchObject([{ released: true }, { decision: 'release' }])
  // Written again it is another record, and stands.
  await writeFile(join(folder, 'token'), await bench.stack.oidc.mint())
  await run([...add, ...signer()])
  const standing = (await list()).images[0].records.filter(
    ({ decision, released }: { decision: string; released: boolean }) => decision === 'quarantine' && !released,
  )
  expect(standing).toHaveLength(1)
  expect(standing[0].record).not.toBe(before.records[0].record)
})

test('13-adversary 31: a record is seen on another machine, and ended by a signed release that names it', async () => {
  const { reference, digest, attached } = await image('story')
  const scope = ['--scope-policy', 'git+https://github.com/acme/app#.github/waybill.yml', '--environment', 'production']
  await run(['quarantine', 'add', reference, ...WHY, '--attest', ...scope, ...signer()])
  expect(await readdir(join(folder, 'waybill-quarantine', 'records'))).toHaveLength(1)
  const other = await mkdtemp(join(tmpdir(), 'waybill-elsewhere-'))
  try {
    const list = async () => JSON.parse(await run(['quarantine', 'list', reference, '--json', ...root()], other)).data
    const before = await list()
    expect([before.policy, before.files]).toEqual([[], []])
    expect(before.images).toMatchObject([
      {
        digest,
        complete: true,
        records: [{ decision: 'quarantine', released: false, environment: 'production', reason: WHY[1] }],
      },
    ])
    await writeFile(join(other, 'token'), await bench.stack.oidc.mint())
    const said = await run(['quarantine', 'release', reference, '--reason', 'a false alarm', ...signer()], other)
    const [record] = before.images[0].records
    expect(said).toContain(`Record ${record.record}`)
    const after = await list()
    expect(after.images[0].records).toMatchObject([
      { record: record.record, released: true },
      { decision: 'release', releases: record.record, environment: 'production', reason: 'a false alarm' },
    ])
    expect(await attached()).toBe(2)
    const shown = await run(['quarantine', 'list', reference, ...root()], other)
    expect(shown).toMatch(/quarantine sha256:.* \(released\)/)
  } finally {
    await rm(other, { recursive: true, force: true })
  }
})

describe('waybill quarantine release', () => {
  test('takes a digest out of the policy and prints what is left to do', async () => {
    const { reference, digest } = await image('policy')
    await run(['quarantine', 'add', reference, ...WHY])
    const said = await run(['quarantine', 'release', digest, '--reason', 'a false alarm'])
    expect(said).toContain(`git commit -S -m 'Release sha256:${digest.slice(7, 19)}'`)
    expect(await policy()).toBe(POLICY)
  })

  test('asks for a signer where a record stands', async () => {
    const { reference } = await image('signer')
    await run(['quarantine', 'add', reference, ...WHY, '--attest', ...signer()])
    const release = () => run(['quarantine', 'release', reference, '--reason', 'a false alarm', ...root()])
    expect(await codeOf(release)).toBe('entry/usage')
  })

  test('notes the release of a file, and puts it back only if asked', async () => {
    const { path, record } = await holdFile()
    expect(await run(['quarantine', 'release', record, '--reason', 'mixed up'])).toContain('--restore puts it back')
    expect(JSON.parse(await readFile(join(record, '..', 'release.json'), 'utf8'))).toMatchObject({ reason: 'mixed up' })
    await expect(readFile(path)).rejects.toThrow()
    expect(await run(['quarantine', 'release', 'app.tgz', '--reason', 'mixed up', '--restore'])).toContain(path)
    expect(await readFile(path, 'utf8')).toBe('tampered')
  })

  test('of what is not held is refused', async () => {
    const { reference } = await image('free')
    const named = ['--reason', 'a false alarm']
    expect(await codeOf(() => run(['quarantine', 'release', sha256('x'), ...named]))).toBe(
      'pipeline/quarantine-nothing',
    )
    expect(await codeOf(() => run(['quarantine', 'release', reference, ...named, ...root()]))).toBe(
      'pipeline/quarantine-nothing',
    )
  })
})

describe('waybill quarantine list', () => {
  test('says that nothing is held', async () => {
    expect(await run(['quarantine', 'list'])).toBe('Nothing is in quarantine here.\n')
  })

  test('shows entries of the policy and files, and what still lies where it was', async () => {
    const { path, record } = await holdFile()
    await run(['quarantine', 'add', sha256('x'), ...WHY])
    await writeFile(path, 'tampered')
    const said = await run(['quarantine', 'list'])
    for (const text of [sha256('x'), WHY[1] ?? '', sha256('tampered'), record, `lies again, at ${path}`])
      expect(said).toContain(text)
  })

  test('does not let a bundle that does not verify say anything', async () => {
    const { reference } = await image('stranger')
    await run(['quarantine', 'add', reference, ...WHY, '--attest', ...signer()])
    const other = await openBench()
    try {
      const words = ['quarantine', 'list', reference, '--json', '--trusted-root', other.stack.trustedRootFile]
      expect(JSON.parse(await run(words)).data.images).toMatchObject([{ records: [], ignored: 1 }])
    } finally {
      await other.close()
    }
  })
})
