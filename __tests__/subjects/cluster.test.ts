import { asWaybillError } from '../../src/core/error.ts'
import type { Json } from '../../src/core/json.ts'
import { formatReference } from '../../src/registry/reference.ts'
import { clusterSubjects } from '../../src/subjects/cluster.ts'
import { type PodOptions, pod } from '../fakes/kubernetes/pods.ts'

const [A, B, C] = ['a', 'b', 'c'].map(letter => `sha256:${letter.repeat(64)}`) as [string, string, string]
const APP = 'ghcr.io/acme/app'

const read = (...pods: readonly PodOptions[]) => clusterSubjects(pods.map(options => pod(options) as unknown as Json))

function told(options: PodOptions): readonly string[] {
  const { images, unclear } = read(options)
  return [
    ...images.map(({ reference, running, started }) => {
      const as = running === undefined ? '' : ` ${JSON.stringify(running)}`
      return `${formatReference(reference)}${as}${started ? '' : ' (not started)'}`
    }),
    ...unclear.map(({ error }) => error.code),
  ]
}

describe('13-adversary 33: what runs is what the node tells, under the name of the specification', () => {
  test.each<[string, PodOptions, readonly string[]]>([
    ['a tag', { containers: [{ image: `${APP}:1`, imageID: `${APP}@${A}` }] }, [`${APP}:1@${A}`]],
    ['a digest', { containers: [{ image: `${APP}@${A}`, imageID: `${APP}@${A}` }] }, [`${APP}@${A}`]],
    [
      'a mirror',
      { containers: [{ image: `${APP}:1`, imageID: `docker-pullable://mirror.example/x@${A}` }] },
      [`${APP}:1@${A}`],
    ],
    [
      'another digest than specified',
      { containers: [{ image: `${APP}@${A}`, imageID: `${APP}@${B}` }] },
      [`${APP}@${B} {"specified":"${A}"}`],
    ],
    ['only a configuration', { containers: [{ image: `${APP}:1`, imageID: C }] }, [`${APP}:1 {"config":"${C}"}`]],
    [
      'only a configuration, a digest specified',
      { containers: [{ image: `${APP}:1@${A}`, imageID: `docker://${C}` }] },
      [`${APP}:1 {"config":"${C}","specified":"${A}"}`],
    ],
    ['a configuration of nothing', { containers: [{ image: C, imageID: C }] }, ['verify/image-id-unclear']],
    ['no digest', { containers: [{ image: `${APP}:1`, imageID: `${APP}:1` }] }, ['verify/image-id-unclear']],
    ['nothing yet', { containers: [{ image: `${APP}:1` }] }, [`${APP}:1 (not started)`]],
    ['nothing although it runs', { containers: [{ image: `${APP}:1`, runs: 'running' }] }, ['verify/image-id-unclear']],
    [
      'nothing although it ran',
      { containers: [{ image: `${APP}:1`, runs: 'terminated' }] },
      [`${APP}:1 (not started)`],
    ],
    ['nothing, of a digest that runs', { containers: [{ image: `${APP}@${A}`, runs: 'running' }] }, [`${APP}@${A}`]],
    ['nothing at all', { containers: [{ image: '' }] }, ['verify/unexamined-image']],
    [
      'init and ephemeral containers',
      {
        containers: [{ image: `${APP}:1`, imageID: `${APP}@${A}` }],
        init: [{ image: `${APP}:2`, imageID: `${APP}@${B}` }],
        ephemeral: [{ image: `${APP}:3`, imageID: `${APP}@${C}` }],
      },
      [`${APP}:2@${B}`, `${APP}:1@${A}`, `${APP}:3@${C}`],
    ],
    ['a static pod', { mirror: true, containers: [{ image: `${APP}:1`, imageID: `${APP}@${A}` }] }, [`${APP}:1@${A}`]],
  ])('%s', (_what, options, expected) => expect(told(options)).toEqual(expected))

  test.each<[string, PodOptions['volumes'], readonly string[]]>([
    ['by digest', [{ name: 'data', reference: `${APP}@${B}` }], [`${APP}@${B}`]],
    ['told by the node', [{ name: 'data', reference: `${APP}:1`, imageRef: `${APP}@${B}` }], [`${APP}:1@${B}`]],
    [
      'another than specified',
      [{ name: 'data', reference: `${APP}@${B}`, imageRef: `${APP}@${C}` }],
      [`${APP}@${C} {"specified":"${B}"}`],
    ],
    ['by a tag that nobody resolved', [{ name: 'data', reference: `${APP}:1` }], ['verify/image-id-unclear']],
  ])('an image volume %s', (_what, volumes = [], expected) => {
    const containers = [{ image: `${APP}@${A}`, imageID: `${APP}@${A}` }]
    expect(told({ containers, volumes })).toEqual([`${APP}@${A}`, ...expected])
  })

  test('an image volume of a pod that has not started is judged by its tag', () => {
    const volumes = [{ name: 'data', reference: `${APP}:2` }]
    expect(told({ containers: [{ image: `${APP}:1` }], volumes })).toEqual([
      `${APP}:1 (not started)`,
      `${APP}:2 (not started)`,
    ])
  })

  test('a container that only the node knows of counts', () => {
    const unread = pod({ containers: [{ image: `${APP}:1`, imageID: `${APP}@${A}` }] })
    const status = { containerStatuses: [{ name: 'other', imageID: `${APP}@${B}` }] }
    const { images } = clusterSubjects([{ ...unread, status } as unknown as Json])
    expect(images.map(({ reference }) => formatReference(reference))).toEqual([`${APP}:1`, `${APP}@${B}`])
  })
})

test('an image is told once, with all places where it runs', () => {
  const containers = [{ name: 'app', image: `${APP}:1`, imageID: `${APP}@${A}` }]
  const { images, pods } = read({ name: 'web-1', containers }, { namespace: 'shop', name: 'web-2', containers })
  expect([pods, images.length]).toEqual([2, 1])
  expect(images[0]?.places.map(({ file, path }) => `${file} ${path}`)).toEqual([
    'default/web-1 containers[app]',
    'shop/web-2 containers[app]',
  ])
})

test('one digest that is drift in one pod is two images', () => {
  const right = [{ image: `${APP}@${A}`, imageID: `${APP}@${A}` }]
  const drifted = [{ image: `${APP}@${B}`, imageID: `${APP}@${A}` }]
  expect(read({ name: 'a', containers: right }, { name: 'b', containers: drifted }).images).toHaveLength(2)
})

const RIGHT = pod({ containers: [{ image: `${APP}:1`, imageID: `${APP}@${A}` }] }) as unknown as Record<string, Json>

test.each<[string, Json]>([
  ['text', 'pod'],
  ['null', null],
  ['without metadata', { ...RIGHT, metadata: null }],
  ['without a name', { ...RIGHT, metadata: { namespace: 'default' } }],
  ['with a name for a terminal', { ...RIGHT, metadata: { namespace: 'default', name: '\u001b[2J' } }],
  ['without a specification', { ...RIGHT, spec: 1 }],
  ['with a map of containers', { ...RIGHT, spec: { containers: {} } }],
  ['with a number for an image', { ...RIGHT, spec: { containers: [{ name: 'c0', image: 1 }] } }],
  ['with a list for a status', { ...RIGHT, status: [] }],
  ['with a number for an image id', { ...RIGHT, status: { containerStatuses: [{ name: 'c0', imageID: 1 }] } }],
])('13-adversary 43: a pod %s is unknown and hides no other', (_what, wrong) => {
  const { images, unclear, pods } = clusterSubjects([wrong, RIGHT])
  expect([pods, images.length, unclear.map(({ error }) => [error.code, error.kind])]).toEqual([
    2,
    1,
    [['verify/pod-unreadable', 'unknown']],
  ])
  expect(asWaybillError(unclear[0]?.error).message).not.toContain('\u001b')
})
