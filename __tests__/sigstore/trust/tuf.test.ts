import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadServices, loadTrust } from '../../../src/sigstore/trust/load.ts'
import { GITHUB_ROOT, type PinnedRoot, pinnedRootFile, signedDigest } from '../../../src/sigstore/trust/pinned-root.ts'
import { parseTrustRoot } from '../../../src/sigstore/trust/root.ts'
import { needUnder } from '../../../src/sigstore/verify/need.ts'
import { verifyBundle } from '../../../src/sigstore/verify/verify.ts'
import { type Bench, codeOf, errorOf, openBench, statement } from '../support.ts'
import { type Publication, startTufRepository, type TufRepository } from '../tuf-repository.ts'

let bench: Bench
let bytes: Buffer
const open: TufRepository[] = []
beforeAll(async () => {
  bench = await openBench()
  bytes = await readFile(bench.stack.trustedRootFile)
})
afterEach(() => Promise.all(open.splice(0).map(repository => repository.close())))
afterAll(() => bench.close())

async function repositoryOf(how: Publication = {}) {
  const repository = await startTufRepository({ name: 'trusted_root.json', bytes }, how)
  open.push(repository)
  const mirror = { url: repository.url, rootFile: repository.rootFile }
  return { repository, request: { tuf: 'github', cacheFolder: repository.cacheFolder, mirror } as const }
}

/** The client's own folder below the cache: what a killed run, or somebody else, left there. */
async function cachedFile({ cacheFolder }: TufRepository, name: string): Promise<string> {
  const [folder = ''] = await readdir(cacheFolder)
  return join(cacheFolder, folder, name)
}

describe('loadTrust() by TUF, over several runs', () => {
  test('takes newer metadata, a newer file and a newer root', async () => {
    const { repository, request } = await repositoryOf()
    const first = await loadTrust(request)
    const other = Buffer.from(JSON.stringify({ ...bench.stack.trustedRoot, tlogs: [] }))
    repository.publish({ version: 2, rootVersion: 2, bytes: other })
    const second = await loadTrust(request)
    expect([first.material.tlogs.length, second.material.tlogs.length]).toEqual([2, 0])
    expect(repository.requests()).toContain('/3.root.json')
  })

  test.each([
    ['older than the last one, so that a service which was removed would come back', { version: 1 }],
    ['newer and expired', { version: 3, expired: true }],
    ['newer and signed by a stranger', { version: 3, forged: true }],
  ])('never uses metadata that is %s', async (_, how) => {
    const { repository, request } = await repositoryOf({ version: 2 })
    await loadTrust(request)
    repository.publish(how)
    const error = await errorOf(() => loadTrust(request))
    expect([error?.code, error?.kind]).toEqual(['sigstore/trust-unavailable', 'unknown'])
  })

  test('does not let kept metadata stand in for a repository that does not answer', async () => {
    const { repository, request } = await repositoryOf()
    await loadTrust(request)
    repository.hang()
    const error = await errorOf(() => loadTrust({ ...request, timeoutMs: 300 }))
    expect([error?.code, error?.kind]).toEqual(['sigstore/trust-unavailable', 'unknown'])
    expect(error?.message).toContain(repository.url)
  })

  test.each(['root.json', 'timestamp.json', 'snapshot.json', 'targets.json'])(
    'a run that was killed while it kept %s does not spoil the next',
    async name => {
      const { repository, request } = await repositoryOf()
      await loadTrust(request)
      const path = await cachedFile(repository, name)
      await writeFile(path, (await readFile(path)).subarray(0, 40))
      expect((await loadTrust(request)).origin).toBe(`mirror:${repository.url}`)
    },
  )

  test('a file that was changed in the cache is fetched again', async () => {
    const { repository, request } = await repositoryOf()
    await loadTrust(request)
    await writeFile(await cachedFile(repository, 'targets/trusted_root.json'), '{}')
    expect((await loadTrust(request)).material.tlogs).toHaveLength(2)
  })
})

describe('several files of one repository', () => {
  const count = (repository: TufRepository) => repository.requests().filter(path => path === '/timestamp.json').length

  async function both(how: Publication = {}) {
    const config = await readFile(bench.stack.signingConfigFile)
    const { repository, request } = await repositoryOf({ others: { 'signing_config.v0.2.json': config }, ...how })
    const { cacheFolder, mirror } = request
    const ask = () =>
      Promise.all([
        loadTrust({ ...request, tuf: 'public-good' }),
        loadServices({ cacheFolder, mirror, now: new Date() }),
        loadTrust({ ...request, tuf: 'public-good' }),
      ])
    return { repository, request, ask }
  }

  test('that are asked for together come from one exchange, and those asked for later from a new one', async () => {
    const { repository, ask } = await both()
    const [trust, services] = await ask()
    expect([trust.material.tlogs.length, services.fulcioUrl]).toEqual([2, bench.stack.fulcio.url])
    expect(count(repository)).toBe(1)
    await ask()
    expect(count(repository)).toBe(2)
  })

  test('all fail when the exchange does, and the next question is not answered by that failure', async () => {
    const { repository, request, ask } = await both({ expired: true })
    expect(await codeOf(ask)).toBe('sigstore/trust-unavailable')
    repository.publish({ version: 2 })
    expect((await loadTrust({ ...request, tuf: 'public-good' })).material.tlogs).toHaveLength(2)
  })

  test('two repositories share nothing, nor do two folders', async () => {
    const [a, b] = await Promise.all([both(), both()])
    await Promise.all([
      a.ask(),
      b.ask(),
      loadTrust({ ...a.request, tuf: 'github', cacheFolder: b.request.cacheFolder }),
    ])
    expect([count(a.repository), count(b.repository)]).toEqual([2, 1])
  })
})

describe('loadTrust() by TUF, from a hostile server', () => {
  test('stops at the length that the signed metadata says', async () => {
    const { repository, request } = await repositoryOf()
    for (const path of repository.files.keys())
      if (path.startsWith('/targets/')) repository.files.set(path, Buffer.alloc(8 * 1024 * 1024, ' '))
    expect(await codeOf(() => loadTrust(request))).toBe('sigstore/trust-unavailable')
  })

  test('stops at the client’s own bound where no length is signed', async () => {
    const { repository, request } = await repositoryOf()
    repository.files.set('/timestamp.json', Buffer.alloc(1024 * 1024, ' '))
    expect(await codeOf(() => loadTrust(request))).toBe('sigstore/trust-unavailable')
  })

  test('refuses a file that is larger than a trust root may be, whoever signed for it', async () => {
    const large = Buffer.concat([bytes, Buffer.alloc(3 * 1024 * 1024, ' ')])
    const { request } = await repositoryOf({ bytes: large })
    expect(await codeOf(() => loadTrust(request))).toBe('sigstore/trust-malformed')
  })

  test('refuses a file of another length than the one signed', async () => {
    const { request } = await repositoryOf({ length: bytes.byteLength + 1 })
    expect(await codeOf(() => loadTrust(request))).toBe('sigstore/trust-unavailable')
  })
})

describe('pinnedRootFile()', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-pin-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function pinned(): Promise<{ pin: PinnedRoot; repository: TufRepository; root: Buffer }> {
    const { repository } = await repositoryOf()
    const root = await readFile(repository.rootFile)
    const signed = signedDigest(root)
    if (signed === undefined) throw new Error('the root of the repository has no digest')
    return { pin: { url: repository.url, version: 1, signed }, repository, root }
  }

  test('fetches the version that is known, once, and trust begins from it', async () => {
    const { pin, repository } = await pinned()
    const rootFile = await pinnedRootFile(pin, folder, 5_000)
    expect(await pinnedRootFile(pin, folder, 5_000)).toBe(rootFile)
    expect(repository.requests()).toEqual(['/1.root.json'])
    const trust = await loadTrust({ tuf: 'github', cacheFolder: folder, mirror: { url: pin.url, rootFile } })
    expect(trust.material.tlogs).toHaveLength(2)
  })

  test('takes the same root in another indentation, and with other signatures beside those that count', async () => {
    const { pin, repository, root } = await pinned()
    const { signatures, signed } = JSON.parse(root.toString())
    const more = { signatures: [...signatures, { keyid: 'ab', sig: '' }], signed }
    repository.files.set('/1.root.json', Buffer.from(JSON.stringify(more, undefined, 4)))
    await expect(pinnedRootFile(pin, folder, 5_000)).resolves.toMatch(/root-1-/)
  })

  test.each<[string, (root: string) => string | undefined]>([
    ['another root', root => root.replace('"threshold":1', '"threshold":0')],
    ['two roots in one', root => root.replace('{"signatures"', '{"signed":{},"signatures"')],
    ['no root at all', () => undefined],
    ['something else', () => '<html>'],
  ])('never takes %s', async (_, change) => {
    const { pin, repository, root } = await pinned()
    const served = change(root.toString())
    if (served === undefined) repository.files.delete('/1.root.json')
    else repository.files.set('/1.root.json', Buffer.from(served))
    const error = await errorOf(() => pinnedRootFile(pin, folder, 5_000))
    expect([error?.code, error?.kind]).toEqual(['sigstore/trust-unavailable', 'unknown'])
    expect(await readdir(folder)).toEqual([])
  })

  test('does not believe what somebody put in the place of the kept one', async () => {
    const { pin, repository, root } = await pinned()
    const path = await pinnedRootFile(pin, folder, 5_000)
    await writeFile(path, root.toString().replace('"threshold":1', '"threshold":0'))
    await pinnedRootFile(pin, folder, 5_000)
    expect(signedDigest(await readFile(path))).toBe(pin.signed)
    expect(repository.requests()).toHaveLength(2)
  })

  test('GitHub’s is fetched from GitHub’s repository', () => {
    expect(GITHUB_ROOT.url).toBe('https://tuf-repo.github.com')
  })
})

describe('13-adversary 29: GitHub’s own instance', () => {
  const withoutLog = () =>
    parseTrustRoot(Buffer.from(JSON.stringify({ ...bench.stack.trustedRoot, tlogs: [] })), 'github')

  test('a timestamp is the witness, and no log is asked for', async () => {
    const { bundle } = await bench.session({ log: false }).sign(statement())
    const trust = withoutLog()
    expect(trust.origin).toBe('github')
    expect(verifyBundle(bundle, trust, needUnder(trust)).signer.kind).toBe('certificate')
  })

  test('the same bundle is not enough under a root that has logs', async () => {
    const { bundle } = await bench.session({ log: false }).sign(statement())
    expect(await codeOf(() => verifyBundle(bundle, bench.trust, needUnder(bench.trust)))).toBe('sigstore/log-missing')
  })

  test('an entry of a log that the instance does not have is refused, not passed over', async () => {
    const { bundle } = await bench.session().sign(statement())
    const trust = withoutLog()
    expect(await codeOf(() => verifyBundle(bundle, trust, needUnder(trust)))).toBe('sigstore/log-unknown')
  })
})
