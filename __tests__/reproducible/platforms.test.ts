import { parseDigest } from '../../src/core/digest.ts'
import { isReproduced } from '../../src/reproducible/difference.ts'
import { pairPlatforms } from '../../src/reproducible/platforms.ts'

const digest = (digit: string) => parseDigest(`sha256:${digit.repeat(64)}`)
const [A, B, C] = [digest('a'), digest('b'), digest('c')]

test('manifests belong together by their platform, whatever their order', () => {
  const first = [
    { platform: 'linux/amd64', digest: A },
    { platform: 'linux/arm64', digest: B },
  ]
  expect(pairPlatforms(first, first.toReversed())).toEqual([
    { platform: 'linux/amd64', first: A, second: A },
    { platform: 'linux/arm64', first: B, second: B },
  ])
})

test('one manifest each belong together, also where an index says a variant that a configuration leaves out', () => {
  expect(pairPlatforms([{ platform: 'linux/arm/v7', digest: A }], [{ platform: 'linux/arm', digest: B }])).toEqual([
    { platform: 'linux/arm/v7', first: A, second: B },
  ])
})

test('a platform that only one build made has no other side', () => {
  const one = { platform: 'linux/amd64', digest: A }
  const two = { platform: 'linux/arm64', digest: B }
  expect(pairPlatforms([one, two], [one])).toEqual([
    { platform: 'linux/amd64', first: A, second: A },
    { platform: 'linux/arm64', first: B },
  ])
  expect(pairPlatforms([one], [one, two])).toEqual([
    { platform: 'linux/amd64', first: A, second: A },
    { platform: 'linux/arm64', second: B },
  ])
})

test('the same platform twice is paired in order, and each manifest once', () => {
  const [one, two, three] = [A, B, C].map(found => ({ platform: 'linux/amd64', digest: found }))
  if (one === undefined || two === undefined || three === undefined) throw new RangeError('three digests')
  expect(pairPlatforms([one, two], [one, three])).toEqual([
    { platform: 'linux/amd64', first: A, second: A },
    { platform: 'linux/amd64', first: B, second: C },
  ])
})

test.each([
  ['nothing compared', [], false],
  ['the same manifest', [{ platform: 'p', first: A, second: A, differences: [] }], true],
  [
    'one of two platforms missing',
    [
      { platform: 'p', first: A, second: A, differences: [] },
      { platform: 'q', first: A, differences: [] },
    ],
    false,
  ],
  ['no manifest at all', [{ platform: 'p', differences: [] }], false],
  ['another manifest', [{ platform: 'p', first: A, second: B, differences: [] }], false],
])('bit for bit: %s', (_, platforms, expected) => {
  expect(isReproduced(platforms)).toBe(expected)
})
