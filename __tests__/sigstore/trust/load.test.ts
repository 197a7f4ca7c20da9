import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadServices, loadTrust } from '../../../src/sigstore/trust/load.ts'
import { type Bench, codeOf, errorOf, openBench } from '../support.ts'

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

describe('loadServices()', () => {
  test('reads a file and asks nobody', async () => {
    const signingConfigFile = await readFile(bench.stack.signingConfigFile)
    expect((await loadServices({ signingConfigFile, now: new Date() })).fulcioUrl).toBe(bench.stack.fulcio.url)
  })
})
