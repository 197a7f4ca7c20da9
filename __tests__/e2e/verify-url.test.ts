import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { EXPECTED_ANNOTATION, expectedAnnotation } from '../../src/subjects/annotations.ts'
import { type Service, type ServiceAnswer, startService } from '../fakes/service.ts'
import { allow, NAMESPACE, openServeBench, type ServeBench, type Served } from './serve-support.ts'

jest.setTimeout(120_000)

const DOCUMENT = '/.well-known/waybill.json'
const OTHER = `sha256:${'b'.repeat(64)}`

let bench: ServeBench
let served: Served

beforeAll(async () => {
  bench = await openServeBench()
  bench.api.pods = [bench.pod('web-1'), bench.pod('web-2')]
  served = await bench.serve()
})

afterAll(() => bench.close())

/** A host that answers as it likes. */
async function host<T>(
  answer: (own: string) => ServiceAnswer | Promise<ServiceAnswer>,
  use: (of: Service) => Promise<T>,
): Promise<T> {
  const service = await startService('application', request =>
    request.path === DOCUMENT ? answer(service.host) : { status: 200, body: 'a shop\n' },
  )
  try {
    return await use(service)
  } finally {
    await service.close()
  }
}

const signed =
  (of: Parameters<ServeBench['document']>[1] = {}, key = bench.key, audience?: string) =>
  async (own: string): Promise<ServiceAnswer> => ({
    status: 200,
    body: await key.sign(bench.document(audience ?? own, of)),
  })

describe('waybill verify url against waybill serve', () => {
  test('passes for the cluster’s key, each image by the caller’s policy, the claims beside it', async () => {
    const { code, receipt } = await bench.verify(served.url)
    expect([code, receipt.command, receipt.verdict]).toEqual([0, 'verify url', 'passed'])
    const [document, image] = receipt.subjects
    expect([document?.name, document?.verdict]).toEqual([`${served.url}${DOCUMENT}`, 'passed'])
    expect([image?.name, image?.verdict, image?.digest]).toEqual([bench.gate.reference, 'passed', bench.digest])
    const claim = image?.findings.find(item => item.code === 'verify/host-claims')
    expect(claim?.severity).toBe('note')
    expect(claim?.found).toBe(
      `nobody is named who built it; runs at ${NAMESPACE}/web-1 containers[app], ${NAMESPACE}/web-2 containers[app]`,
    )
    expect(receipt.notChecked[0]).toContain('the word of whoever signed the document')
  })

  test('a path behind the host is not asked about, and that is said', async () => {
    const { code, receipt } = await bench.verify(`${served.url}/login?next=x`)
    expect(code).toBe(0)
    expect(receipt.notices[0]).toContain('/login?next=x is no part of it')
  })

  test('13-adversary 32: without a server key the images are judged, and that these run is the host’s own claim', async () => {
    const { code, receipt, codes } = await bench.verify(served.url, [])
    expect([code, receipt.verdict, codes]).toEqual([2, 'unknown', ['verify/host-own-claim']])
    expect(receipt.subjects.map(({ verdict }) => verdict)).toEqual(['unknown', 'passed'])
    expect(receipt.subjects[0]?.findings[0]?.message).toContain('this host’s own claim')
  })

  test('13-adversary 32: a stranger’s key', async () => {
    const { code, codes, receipt } = await bench.verify(served.url, ['--server-key', bench.stranger.publicFile])
    expect([code, codes, receipt.subjects.length]).toEqual([1, ['sigstore/key-unknown'], 1])
  })

  test('signed keyless by the identity of the service account, read anew', async () => {
    const { stack } = bench.gate.scenario
    const token = join(bench.folder, 'token')
    writeFileSync(token, await stack.oidc.mint())
    const config = ['--signing-config', stack.signingConfigFile, '--trusted-root', stack.trustedRootFile]
    const keyless = await bench.serve(['--identity-token-file', token, ...config])
    const [, identity = '', , issuer = ''] = bench.gate.scenario.expected
    const root = ['--server-trusted-root', stack.trustedRootFile]
    const right = await bench.verify(keyless.url, [
      '--server-identity',
      identity,
      '--server-oidc-issuer',
      issuer,
      ...root,
    ])
    expect([right.code, right.receipt.subjects[0]?.by]).toEqual([0, expect.stringContaining(identity)])
    const wrong = await bench.verify(keyless.url, [
      ...['--server-identity', `${identity}x`, '--server-oidc-issuer', issuer],
      ...root,
    ])
    expect([wrong.code, wrong.codes, wrong.receipt.subjects.length]).toEqual([1, ['verify/identity-mismatch'], 1])
    expect(await keyless.stop()).toBe(0)
  })

  test('13-adversary 32: the identity that the caller expects decides, not the one that the document claims', async () => {
    const identity = 'https://example.com/acme/other/.github/workflows/release.yml@refs/heads/main'
    const mine = ['--certificate-identity', identity, '--certificate-oidc-issuer', 'https://issuer.example.com']
    const root = ['--trusted-root', bench.gate.scenario.stack.trustedRootFile]
    const insecure = ['--insecure-registry', bench.gate.scenario.stack.registry.host]
    const build = { identity, issuer: 'https://issuer.example.com' }
    const images = [{ name: bench.gate.scenario.image, digest: bench.digest, expected: { build } }]
    await host(signed({ images }), async ({ url }) => {
      const flags = ['--server-key', bench.key.publicFile, ...mine, ...root, ...insecure]
      const { code, receipt, codes } = await bench.verify(url, flags)
      expect([code, receipt.subjects[0]?.verdict, receipt.subjects[1]?.verdict]).toEqual([1, 'passed', 'rejected'])
      expect(codes).toContain('verify/identity-mismatch')
    })
  })

  test('another digest than was deployed is shown', async () => {
    const build = { identity: 'https://example.com/acme', issuer: 'https://issuer.example.com' }
    const said = expectedAnnotation([{ name: bench.gate.scenario.image, digest: OTHER as never, build }])
    bench.api.pods = [
      bench.pod('web-1', bench.digest, { annotations: { [EXPECTED_ANNOTATION]: said }, ...of('web-1') }),
    ]
    const drifting = await bench.serve()
    const { receipt } = await bench.verify(drifting.url)
    bench.api.pods = [bench.pod('web-1'), bench.pod('web-2')]
    const drift = receipt.subjects[1]?.findings.find(({ code }) => code === 'verify/drift')
    expect([drift?.expected, drift?.found, drift?.severity]).toEqual([OTHER, bench.digest, 'note'])
    const claim = receipt.subjects[1]?.findings.find(({ code }) => code === 'verify/host-claims')
    expect(claim?.found).toContain('built by https://example.com/acme (https://issuer.example.com)')
    await drifting.stop()
  })

  /** What `bench.pod` would put there, for options that replace its own. */
  const of = (name: string) => ({
    name,
    namespace: NAMESPACE,
    containers: [
      {
        name: 'app',
        image: `${bench.gate.scenario.image}:v1`,
        imageID: `${bench.gate.scenario.image}@${bench.digest}`,
      },
    ],
  })

  test('an image that the registry does not have', async () => {
    bench.api.pods = [bench.pod('web-1'), bench.pod('web-2', OTHER)]
    const other = await bench.serve()
    const { code, receipt, codes } = await bench.verify(other.url)
    bench.api.pods = [bench.pod('web-1'), bench.pod('web-2')]
    expect([code, receipt.verdict, codes]).toEqual([2, 'unknown', ['registry/not-found']])
    expect(receipt.subjects.map(({ verdict }) => verdict).sort()).toEqual(['passed', 'passed', 'unknown'])
    await other.stop()
  })

  test('fewer images than the caller expects', async () => {
    const { host: registry } = bench.gate.scenario.stack.registry
    const present = ['--expect-image', bench.gate.reference, '--expect-image', bench.gate.scenario.image]
    expect((await bench.verify(served.url, ['--server-key', bench.key.publicFile, ...present])).code).toBe(0)
    for (const missing of [`${registry}/acme/worker`, `${bench.gate.scenario.image}@${OTHER}`]) {
      const flags = ['--server-key', bench.key.publicFile, '--expect-image', missing]
      const { code, codes } = await bench.verify(served.url, flags)
      expect([code, codes]).toEqual([1, ['verify/image-not-listed']])
    }
  })

  test('what nobody could tell is not passed over', async () => {
    const unclear = [{ place: 'shop/web-9 containers[app]', why: 'an id of its own' }]
    await host(signed({ unclear }), async ({ url }) => {
      const { code, codes } = await bench.verify(url)
      expect([code, codes]).toEqual([2, ['verify/unexamined-image']])
    })
  })
})

describe('13-adversary 32: a host that lies', () => {
  test.each([
    ['a document of ten minutes ago', 'verify/document-stale', () => ({ issuedAt: later(-600) })],
    ['a document of tomorrow', 'verify/document-stale', () => ({ issuedAt: later(86_400) })],
  ])('13-adversary 32: %s', async (_, code, more) => {
    await host(signed(more()), async ({ url }) => {
      const answer = await bench.verify(url)
      expect([answer.code, answer.codes, answer.receipt.subjects.length]).toEqual([1, [code], 1])
    })
  })

  test('13-adversary 32: the good document of another host, replayed', async () => {
    const body = Buffer.from(await (await fetch(`${served.url}${DOCUMENT}`)).arrayBuffer())
    await host(
      () => ({ status: 200, body }),
      async ({ url }) => {
        const { code, codes, receipt } = await bench.verify(url)
        expect([code, codes, receipt.subjects.length]).toEqual([1, ['verify/document-audience'], 1])
      },
    )
  })

  test('13-adversary 32: a redirect to another host is not followed, one to the same is', async () => {
    await host(signed(), async good => {
      await host(
        () => ({ status: 302, headers: { location: `${good.url}${DOCUMENT}` } }),
        async ({ url }) => {
          const { code, codes } = await bench.verify(url)
          expect([code, codes, good.log.length]).toEqual([2, ['verify/document-redirect'], 0])
        },
      )
    })
    const moved = await startService('application', async ({ path }) =>
      path === DOCUMENT ? { status: 307, headers: { location: '/documents/waybill' } } : signed()(moved.host),
    )
    expect((await bench.verify(moved.url)).code).toBe(0)
    expect(moved.log.map(({ path }) => path)).toEqual([DOCUMENT, '/documents/waybill'])
    await moved.close()
  })

  test('13-adversary 32: a document without signature, or of another form', async () => {
    const unsigned = (own: string): ServiceAnswer => ({ status: 200, body: bench.document(own) })
    await host(unsigned, async ({ url }) => {
      for (const flags of [undefined, []]) {
        const { code, codes } = await bench.verify(url, flags)
        expect([code, codes]).toEqual([1, ['sigstore/bundle-malformed']])
      }
    })
    const provenance = await bench.gate.here.provenance(bench.digest)
    await host(
      () => ({ status: 200, body: provenance }),
      async ({ url }) => {
        const { code, codes } = await bench.verify(url, [])
        expect([code, codes]).toEqual([1, ['statements/deployment-malformed']])
      },
    )
  })

  test.each([404, 500, 204])('no document: status %s', async status => {
    await host(
      () => ({ status, body: '' }),
      async ({ url }) => {
        const { code, codes } = await bench.verify(url)
        expect([code, codes]).toEqual([2, ['verify/document-unavailable']])
      },
    )
  })

  test('13-adversary 43: more images than are asked for on a stranger’s word', async () => {
    const images = Array.from({ length: 101 }, (_, n) => ({
      name: bench.gate.scenario.image,
      digest: `sha256:${String(n).padStart(64, '0')}` as never,
    }))
    await host(signed({ images }), async ({ url }) => {
      const { code, codes } = await bench.verify(url)
      expect([code, codes]).toEqual([2, ['verify/document-too-many']])
    })
  })

  test('13-adversary 43: a body without end, and one that never comes', async () => {
    const { createServer } = await import('node:http')
    const endless = createServer((_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, 32)));
      }
      response.on('drain', more)
      response.on('error', () => {})
      more()
    })
    const slow = createServer((_request, response) => {
      response.write('{')
      const timer = setInterval(() => response.write(' '), 500)
      response.on('close', () => clearInterval(timer))
    })
    for (const [server, code] of [
      [endless, 'core/answer-too-large'],
      [slow, 'core/unreachable'],
    ] as const) {
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as { port: number }
      const answer = await bench.verify(`http://127.0.0.1:${port}`)
      expect([answer.code, answer.codes]).toEqual([2, [code]])
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  })
})

describe('13-adversary 39: addresses', () => {
  test('13-adversary 32: a private address is not asked unless the caller says so', async () => {
    await host(signed(), async service => {
      const https = service.url.replace('http:', 'https:')
      const { code, codes } = await bench.verify(https, ['--public', '--server-key', bench.key.publicFile])
      expect([code, codes, service.log.length]).toEqual([2, ['core/address-refused'], 0])
    })
  })

  test('13-adversary 39: a registry inside is not asked for what a document names, unless the rule says private', async () => {
    writeFileSync(join(bench.folder, 'public.yml'), bench.gate.policy(allow(bench.gate, 'private: false')))
    const { registry } = bench.gate.scenario.stack
    const before = registry.log.length
    const { code, codes } = await bench.verify(served.url, [
      '--server-key',
      bench.key.publicFile,
      '--policy',
      'public.yml',
    ])
    expect([code, codes, registry.log.length - before]).toEqual([2, ['core/address-refused'], 0])
  })

  test('13-adversary 39: a token server inside', async () => {
    const realm = { 'www-authenticate': 'Bearer realm="http://169.254.169.254/latest/token",service="x"' }
    const registry = await startService('registry', () => ({ status: 401, headers: realm, body: '' }))
    writeFileSync(
      join(bench.folder, 'realm.yml'),
      bench.gate.policy(
        allow(bench.gate, 'private: true').replace(bench.gate.scenario.stack.registry.host, registry.host),
      ),
    )
    const images = [{ name: `${registry.host}/acme/app`, digest: bench.digest }]
    await host(signed({ images }), async ({ url }) => {
      const { code, codes } = await bench.verify(url, ['--server-key', bench.key.publicFile, '--policy', 'realm.yml'])
      expect([code, codes]).toEqual([2, ['registry/realm-refused']])
    })
    await registry.close()
  })
})

test('the verify action, with the policy of the commit', async () => {
  const { scenario, github } = bench.gate
  expect(github).toBeDefined()
  const policy = { policy: '.github/waybill.yml', 'trusted-root': undefined, images: undefined }
  const url = { url: served.url, 'allow-private-address': 'true', 'server-key': bench.key.publicFile }
  const { code, result, summary } = await scenario.verify({ ...policy, ...url })
  // The committed rule does not say `private: true`.
  expect([code, result.verdict, result.subjects.map(({ verdict }) => verdict)]).toEqual([
    2,
    'unknown',
    ['passed', 'unknown'],
  ])
  expect(summary).toContain('core/address-refused')
  const both = await scenario.verify({ ...url, images: scenario.image })
  expect([both.code, both.result.error?.code]).toEqual([3, 'entry/input-contradiction'])
})

test('no login goes to a registry that a document names', async () => {
  const { registry } = bench.gate.scenario.stack
  const { mkdirSync } = await import('node:fs')
  mkdirSync(join(bench.folder, '.docker'), { recursive: true })
  const auth = Buffer.from('alice:alice-password').toString('base64')
  const config = JSON.stringify({ auths: { [registry.host]: { auth } } })
  writeFileSync(join(bench.folder, '.docker/config.json'), config)
  const before = registry.log.length
  expect((await bench.verify(served.url)).code).toBe(0)
  const asked = registry.log.slice(before)
  expect(asked.length).toBeGreaterThan(0)
  expect(JSON.stringify(asked)).not.toContain(auth)
  expect(readFileSync(join(bench.folder, '.docker/config.json'), 'utf8')).toBe(config)
})

function later(seconds: number): string {
  return new Date(Date.now() + seconds * 1_000).toISOString()
}
