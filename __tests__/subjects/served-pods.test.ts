import type { Digest } from '../../src/core/digest.ts'
import { asWaybillError, fail } from '../../src/core/error.ts'
import type { Json } from '../../src/core/json.ts'
import { EXPECTED_ANNOTATION, expectedAnnotation, readExpectedAnnotation } from '../../src/subjects/annotations.ts'
import { RunningReading, runningPods } from '../../src/subjects/served-pods.ts'
import { parseApplicationUrl } from '../../src/subjects/url.ts'
import { pod } from '../fakes/kubernetes/pods.ts'

const A = `sha256:${'a'.repeat(64)}` as Digest
const B = `sha256:${'b'.repeat(64)}` as Digest
const IMAGE = 'ghcr.io/acme/app'
const BUILD = { identity: 'https://example.com/build', issuer: 'https://issuer.example.com' }

function read(...pods: readonly object[]) {
  const reading = new RunningReading()
  reading.add(pods as unknown as readonly Json[])
  return reading.result()
}

function web(name: string, digest: string, more: Parameters<typeof pod>[0] = {}): object {
  return pod({ name, containers: [{ name: 'app', image: `${IMAGE}:v1`, imageID: `${IMAGE}@${digest}` }], ...more })
}

const annotated = (digest: Digest) => ({
  annotations: { [EXPECTED_ANNOTATION]: expectedAnnotation([{ name: IMAGE, digest, build: BUILD }]) },
})

describe('what a namespace runs', () => {
  test('each image once, with all places', () => {
    expect(read(web('web-2', A), web('web-1', A), web('web-3', B))).toEqual({
      images: [
        { name: IMAGE, digest: A, places: ['default/web-2 containers[app]', 'default/web-1 containers[app]'] },
        { name: IMAGE, digest: B, places: ['default/web-3 containers[app]'] },
      ],
      unclear: [],
    })
  })

  test('a pod that is over or has not started runs nothing', () => {
    const waiting = pod({ name: 'new', containers: [{ image: IMAGE }] })
    expect(read(web('done', A, { phase: 'Succeeded' }), web('died', A, { phase: 'Failed' }), waiting)).toEqual({
      images: [],
      unclear: [],
    })
  })

  test('13-adversary 33: what runs without the node telling which image is not left out', () => {
    const { images, unclear } = read(pod({ containers: [{ name: 'app', image: `${IMAGE}:v1`, runs: 'running' }] }))
    expect([images, unclear.map(({ place }) => place)]).toEqual([[], ['default/web-1 containers[app]']])
  })

  test('what was deployed stands beside what runs', () => {
    const [same] = read(web('web-1', A, annotated(A))).images
    expect([same?.build, same?.specified]).toEqual([BUILD, undefined])
    const [other] = read(web('web-1', A), web('web-2', A, annotated(B))).images
    expect([other?.digest, other?.specified]).toEqual([A, B])
  })

  test('another digest than the specification names', () => {
    const containers = [{ name: 'app', image: `${IMAGE}@${B}`, imageID: `${IMAGE}@${A}` }]
    expect(read(pod({ containers })).images[0]?.specified).toBe(B)
  })

  test.each(['', '{}', '[{"name":"x"}]', '[', JSON.stringify([{ name: 'x', digest: A, more: 1 }])])(
    'an annotation that is none (%s) says nothing and hides nothing',
    text => {
      const { images } = read(web('web-1', A, { annotations: { [EXPECTED_ANNOTATION]: text } }))
      expect(images).toEqual([{ name: IMAGE, digest: A, places: ['default/web-1 containers[app]'] }])
    },
  )

  test('13-adversary 32: what nobody can tell is listed as that', () => {
    const containers = [
      { name: 'a', image: IMAGE, imageID: `docker://${A}` },
      { name: 'b', image: IMAGE, imageID: 'nonsense with spaces' },
    ]
    const { images, unclear } = read(pod({ containers }), { kind: 'Pod' })
    expect([images, unclear.length]).toEqual([[], 3])
  })

  test('13-adversary 32: half a list is none, and one that was forgotten is begun again', async () => {
    const begun = { times: 0 }
    const pages = (breaks: number, code: 'verify/cluster-list-expired' | 'verify/cluster-incomplete') =>
      async function* () {
        begun.times++
        yield [web(`web-${begun.times}`, A)] as unknown as readonly Json[]
        if (begun.times <= breaks) throw fail(code, 'broken')
      }
    const { images } = await runningPods(pages(2, 'verify/cluster-list-expired'), 10)
    expect([images[0]?.places, begun.times]).toEqual([['default/web-3 containers[app]'], 3])
    begun.times = 0
    const codeOf = (work: Promise<unknown>) =>
      work.then(
        () => undefined,
        error => asWaybillError(error).code,
      )
    expect(await codeOf(runningPods(pages(9, 'verify/cluster-list-expired'), 10))).toBe('verify/cluster-list-expired')
    expect(await codeOf(runningPods(pages(9, 'verify/cluster-incomplete'), 10))).toBe('verify/cluster-incomplete')
    begun.times = 9
    expect(await codeOf(runningPods(pages(0, 'verify/cluster-incomplete'), 0))).toBe('serve/too-much-runs')
  })
})

test('the annotation of a deploy: the same images give the same text, which is read back', () => {
  const images = [
    { name: IMAGE, digest: B, deployer: { key: 'c'.repeat(64) } },
    { name: IMAGE, digest: A, build: BUILD },
  ]
  const text = expectedAnnotation(images)
  expect(text).toBe(expectedAnnotation([...images].reverse()))
  expect(readExpectedAnnotation(text)).toEqual([images[1], images[0]])
})

describe('parseApplicationUrl()', () => {
  const plain = () => false
  test.each([
    ['https://app.example.com', 'app.example.com', undefined],
    ['https://APP.example.com:443/', 'app.example.com', undefined],
    ['https://app.example.com./x?y#z', 'app.example.com', '/x?y#z'],
    ['https://app.example.com.:8443/.well-known/waybill.json', 'app.example.com:8443', undefined],
    ['https://[2001:DB8::1]:8443', '[2001:db8::1]:8443', undefined],
    ['https://bücher.example', 'xn--bcher-kva.example', undefined],
  ])('%s', (text, audience, ignored) => {
    const url = parseApplicationUrl(text, { plain })
    expect([url.audience, url.ignored, url.document.href]).toEqual([
      audience,
      ignored,
      `https://${audience}/.well-known/waybill.json`,
    ])
  })

  test.each([
    'app.example.com',
    'http://app.example.com',
    'ftp://x',
    'https://',
    'https://alice:secret@app.example.com',
  ])('%s is refused, and no password is shown', text => {
    const error = () => parseApplicationUrl(text, { plain })
    expect(error).toThrow(expect.objectContaining({ code: 'verify/url-unusable' }))
    expect(error).not.toThrow(/secret/)
  })
})
