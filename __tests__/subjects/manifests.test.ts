import { join } from 'node:path'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { WaybillError } from '../../src/core/error.ts'
import { SUBJECT_LIMITS } from '../../src/subjects/limits.ts'
import { imagesInManifests } from '../../src/subjects/manifests.ts'
import { expected, folders, inputOf, MANIFESTS, outcome } from './vectors.ts'

const NAMES = folders(MANIFESTS)
const examine = (text: string) => imagesInManifests(utf8(text), { file: 'a.yaml' })

test('there are vectors', () => expect(NAMES.length).toBeGreaterThan(30))

test.each(NAMES)('13-adversary 33: manifest %s', async name => {
  const { file, bytes } = inputOf(name)
  const got = await outcome(() => imagesInManifests(bytes, { file }))
  expect(got).toEqual(expected(join(MANIFESTS, name), got))
})

test('13-adversary 34: one image in many spellings has one canonical name', () => {
  const spellings = [
    'nginx:1',
    'docker.io/nginx:1',
    'INDEX.DOCKER.IO/library/nginx:1',
    'registry-1.docker.io:443/library/nginx:1',
  ]
  const text = `kind: Pod\napiVersion: v1\nspec:\n  containers:\n${spellings.map(image => `    - image: "${image}"\n`).join('')}`
  expect(examine(text).images.map(({ reference }) => reference.canonical)).toEqual(
    spellings.map(() => 'docker.io/library/nginx'),
  )
})

const document = (index: number) =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a${index}}\nspec:\n  template:\n    spec:\n      containers:\n        - name: a\n          image: ghcr.io/acme/app:${index}\n`
const documents = (count: number) => Array.from({ length: count }, (_, index) => document(index)).join('---\n')

test('13-adversary 33: ten thousand documents are read, and their places counted', () => {
  const { images, unexamined } = examine(documents(SUBJECT_LIMITS.documents))
  expect([images.length, unexamined.length]).toEqual([SUBJECT_LIMITS.documents, 0])
  expect(images.at(-1)).toMatchObject({ certain: true, place: { document: 10_000, line: 10_000 * 10 - 1 } })
})

test('13-adversary 43: one document more is refused, not cut off', () => {
  expect(() => examine(documents(SUBJECT_LIMITS.documents + 1))).toThrow(/more than 10000 documents/)
})

test('13-adversary 43: more bytes than allowed are refused unread', () => {
  expect(() => imagesInManifests(new Uint8Array(SUBJECT_LIMITS.manifestBytes + 1), { file: 'a' })).toThrow(/bytes/)
})

test.each([
  ['brackets', '['.repeat(200_000)],
  ['maps', '{a: '.repeat(50_000)],
  ['anchors', '&a '.repeat(30_000)],
  ['quotes', '"'.repeat(50_000)],
  ['commas', `[${','.repeat(30_000)}`],
  ['dashes', '- '.repeat(50_000)],
  ['questions', '? '.repeat(20_000)],
  ['aliases in lists', `a: &a [x]\nb:\n${'- *a\n'.repeat(100_001)}`],
])('13-adversary 43: %s without end are refused by name', (_, text) => {
  expect(() => examine(text)).toThrow(WaybillError)
})

test('aliases that nest each other count with all their levels', () => {
  const levels = Array.from(
    { length: 40 },
    (_, index) => `a${index}: &a${index} [[${index === 0 ? 'x' : `*a${index - 1}`}]]\n`,
  )
  expect(() => examine(levels.join(''))).toThrow(/nesting deeper/)
})

test('an image that stands twice in one place through extends of lists is said once for each place', () => {
  const text =
    'kind: Pod\napiVersion: v1\nspec:\n  containers: &c\n    - image: ghcr.io/acme/app:1\n  initContainers: *c\n'
  expect(examine(text).images.map(({ place }) => place.path)).toEqual([
    'spec.initContainers[0].image',
    'spec.containers[0].image',
  ])
})

test('imagesInManifests() of any text gives images or a typed error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => {
      try {
        examine(text)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
        expect((error as WaybillError).code).toMatch(/^verify\//)
      }
    }),
    { numRuns: 500 },
  )
})

const PIECES = [
  'a',
  ': ',
  '\n',
  '  ',
  '- ',
  '&a ',
  '*a',
  '<<: ',
  '{',
  '}',
  '[',
  ']',
  ',',
  '"',
  "'",
  '|',
  '>-',
  '#',
  '---\n',
  'image',
  'kind: Pod',
  '!x ',
  '? ',
  '\r\n',
  '\t',
  '~',
  '%',
  '...',
  'nginx:1',
]

test('imagesInManifests() of anything put together from pieces of YAML gives images or a typed error', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }), pieces => {
      try {
        for (const { scalar, place } of examine(pieces.join('')).images) {
          expect(scalar).toBeDefined()
          expect(place.line).toBeGreaterThan(0)
        }
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
        expect((error as WaybillError).code).not.toBe('core/internal')
      }
    }),
    { numRuns: 3000 },
  )
})

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)

test('13-adversary 33: an image under any path of any object is found or makes the result unknown', () => {
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 8 }),
      fc.constantFrom('image', 'imageRef', 'runnerImage', 'IMAGE'),
      word,
      (path, key, name) => {
        const usable = path.filter(part => !['labels', 'status'].includes(part))
        const inner: object = { [key]: `ghcr.io/acme/${name}:1` }
        const object = usable.reduceRight<object>((value, part) => ({ [part]: [value] }), inner)
        const { images, unexamined } = examine(JSON.stringify({ apiVersion: 'x/v1', kind: 'X', ...object }))
        expect([...images, ...unexamined].length).toBeGreaterThan(0)
        expect(images[0]?.reference.canonical).toBe(`ghcr.io/acme/${name}`)
      },
    ),
  )
})
