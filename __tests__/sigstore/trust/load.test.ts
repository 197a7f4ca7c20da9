import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadServices, loadTrust } from '../../../src/sigstore/trust/load.ts'
import { type Bench, codeOf, errorOf, openBench } from '../support.ts'
import { startTufRepository, type TufRepository } from '../tuf-repository.ts'

let bench: Bench
let folder: string
let silent: Server
beforeAll(async () => {
  bench = await openBench()
  folder = await mkdtemp(join(tmpdir(), 'waybill-tuf-'))
  await writeFile(join(folder, 'root.json'), '{"signed": {"_type": "root"}, "signatures": []}')
  silent = createServer(() => {})
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  silent.closeAllConnections()
  silent.close()
  await rm(folder, { recursive: true, force: true })
  await bench.close()
})

describe('loadTrust()', () => {
  test('reads a file and asks nobody', async () => {
    const root = await loadTrust({ trustedRootFile: await readFile(bench.stack.trustedRootFile) })
    expect(root.origin).toMatch(/^file:sha256:/)
  })

  test('13-adversary 29: refuses a file and the public instance together', async () => {
    const trustedRootFile = await readFile(bench.stack.trustedRootFile)
    expect(await codeOf(() => loadTrust({ trustedRootFile, tuf: 'public-good' }))).toBe('sigstore/trust-malformed')
  })

  test('calls a mirror that is down unknown, not rejected', async () => {
    const mirror = { url: 'http://127.0.0.1:9', rootFile: join(folder, 'root.json') }
    const error = await errorOf(() => loadTrust({ tuf: 'public-good', cacheFolder: join(folder, 'a'), mirror }))
    expect([error?.code, error?.kind]).toEqual(['sigstore/trust-unavailable', 'unknown'])
  })

  test('gives up on a mirror that never answers', async () => {
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const mirror = { url, rootFile: join(folder, 'root.json') }
    const request = { tuf: 'public-good', cacheFolder: join(folder, 'b'), mirror, timeoutMs: 300 } as const
    expect(await codeOf(() => loadTrust(request))).toBe('sigstore/trust-unavailable')
  })

  test('needs a folder to keep metadata in', async () => {
    expect(await codeOf(() => loadTrust({ tuf: 'public-good' }))).toBe('sigstore/trust-unavailable')
  })
})

describe('loadTrust() by TUF', () => {
  const open: TufRepository[] = []
  afterEach(() => Promise.all(open.splice(0).map(repository => repository.close())))
  const repositoryOf = async (options = {}) => {
    const bytes = await readFile(bench.stack.trustedRootFile)
    const repository = await startTufRepository({ name: 'trusted_root.json', bytes }, options)
    open.push(repository)
    const mirror = { url: repository.url, rootFile: repository.rootFile }
    return { repository, request: { tuf: 'public-good', cacheFolder: repository.cacheFolder, mirror } as const }
  }

  test('gives the verified trust root, and fetches the file itself only once', async () => {
    const { repository, request } = await repositoryOf()
    const root = await loadTrust(request)
    expect(root.origin).toBe(`mirror:${repository.url}`)
    expect(root.material.tlogs).toHaveLength(2)
    await loadTrust(request)
    expect(repository.requests().filter(path => path.startsWith('/targets/'))).toHaveLength(1)
    expect(repository.requests().filter(path => path === '/timestamp.json')).toHaveLength(2)
  })

  test.each([
    ['signed by a stranger', { forged: true }],
    ['expired, so that somebody may be holding back a newer one', { expired: true }],
  ])('never uses metadata that is %s', async (_, options) => {
    const { request } = await repositoryOf(options)
    const error = await errorOf(() => loadTrust(request))
    expect([error?.code, error?.kind]).toEqual(['sigstore/trust-unavailable', 'unknown'])
  })

  test('never uses a file that is not the one listed', async () => {
    const { repository, request } = await repositoryOf()
    for (const path of repository.files.keys())
      if (path.startsWith('/targets/')) repository.files.set(path, Buffer.from('{}'))
    expect(await codeOf(() => loadTrust(request))).toBe('sigstore/trust-unavailable')
  })
})

describe('loadServices()', () => {
  test('reads a file and asks nobody', async () => {
    const signingConfigFile = await readFile(bench.stack.signingConfigFile)
    expect((await loadServices({ signingConfigFile, now: new Date() })).fulcioUrl).toBe(bench.stack.fulcio.url)
  })
})
