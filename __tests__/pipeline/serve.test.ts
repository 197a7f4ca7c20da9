import type { Digest } from '../../src/core/digest.ts'
import { WaybillError } from '../../src/core/error.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { ServedNamespace, servedStatement } from '../../src/pipeline/serve.ts'
import { SERVE_ANNOTATION } from '../../src/subjects/annotations.ts'
import { pod } from '../fakes/kubernetes/pods.ts'

const AT = new Date('2026-01-02T03:04:05Z')
const digestOf = (at: number) => `sha256:${at.toString(16).padStart(64, '0')}` as Digest

/** One image in many places, whose names are as long as names get. */
function running(places: number) {
  const names = Array.from({ length: places }, (_, at) => `shop/${String(at).padStart(200, 'p')} containers[app]`)
  return { images: [{ name: 'registry.example/acme/app', digest: digestOf(1), places: names }], unclear: [] }
}

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'nothing'
  } catch (error) {
    return error instanceof WaybillError ? error.code : String(error)
  }
}

test('13-adversary 32: what would be larger than any reader takes is not even signed', () => {
  expect(codeOf(() => servedStatement(running(1_000), 'shop.example', AT))).toBe('nothing')
  // As base64 in its envelope it is too large, though its own bytes are not.
  const large = running(4_000)
  expect(JSON.stringify(large).length).toBeLessThan(LIMITS.servedDocumentBytes)
  expect(codeOf(() => servedStatement(large, 'shop.example', AT))).toBe('serve/too-much-runs')
})

test.each([
  ['at the bound', LIMITS.servedDocumentBytes, 'document', []],
  ['over it', LIMITS.servedDocumentBytes + 1, 'unavailable', ['serve/too-much-runs']],
])('13-adversary 32: a signed document %s', async (_, bytes, kind, codes) => {
  const failed: string[] = []
  const served = new ServedNamespace(
    { namespace: 'shop', audiences: ['shop.example'] },
    {
      cluster: async () => ({
        annotations: async () => ({ [SERVE_ANNOTATION]: 'true' }),
        async *pods() {
          const image = 'registry.example/acme/app'
          const containers = [{ name: 'app', image: `${image}:v1`, imageID: `${image}@${digestOf(1)}` }]
          yield [pod({ namespace: 'shop', name: 'web', containers })] as never
        },
        close: () => {},
      }),
      sign: async () => new Uint8Array(bytes),
      now: () => AT,
      clock: () => 0,
      failed: error => void failed.push(error.code),
    },
  )
  expect((await served.document('shop.example')).kind).toBe(kind)
  expect(failed).toEqual(codes)
})
