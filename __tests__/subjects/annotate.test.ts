import fc from 'fast-check'
import { parseAllDocuments } from 'yaml'
import { utf8 } from '../../src/core/bytes.ts'
import { parseDigest } from '../../src/core/digest.ts'
import { annotatePods } from '../../src/subjects/annotate.ts'
import { type AnnotatedImage, EXPECTED_ANNOTATION, readExpectedAnnotation } from '../../src/subjects/annotations.ts'
import { errorOf } from '../policy/world.ts'

const DIGEST = parseDigest(`sha256:${'1'.repeat(64)}`)
const IMAGE: AnnotatedImage = {
  name: 'ghcr.io/acme/app',
  digest: DIGEST,
  build: { identity: "https://github.com/acme/o'app", issuer: 'https://token.actions.githubusercontent.com' },
  deployer: { key: 'a'.repeat(64) },
}
const NAMED = `ghcr.io/acme/app:v1@${DIGEST}`

function annotated(text: string, images: readonly AnnotatedImage[] = [IMAGE]): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(annotatePods(utf8(text), images, { file: 'app.yml' }))
}

/** Everything but the annotation, as it was. */
function without(text: string): unknown {
  return parseAllDocuments(text).map(document => {
    return JSON.parse(JSON.stringify(document.toJS()), (key, value) =>
      key === EXPECTED_ANNOTATION ? undefined : value,
    )
  })
}

const pod = (metadata: string) => `apiVersion: v1
kind: Pod
${metadata}spec:
  containers:
    - name: app
      image: ${NAMED} # pinned
`

test.each<[string, string, string]>([
  ['annotations', 'metadata:\n  name: app\n  annotations: # ours\n    a.b/c: "1" # one\n', 'a.b/c'],
  ['metadata without annotations', 'metadata:\n  # who\n  name: app\n', 'name: app'],
  ['no metadata', '', 'kind: Pod'],
  ['metadata in one line', 'metadata: {name: app}\n', '{"annotations"'],
  ['empty metadata', 'metadata: {}\n', '{"annotations"'],
  ['annotations in one line', 'metadata: {name: app, annotations: {a: b}}\n', 'a: b'],
  ['an annotation that is replaced', `metadata:\n  annotations:\n    ${EXPECTED_ANNOTATION}: old\n`, 'annotations'],
])('a pod with %s gets the annotation and nothing else', (_what, metadata, kept) => {
  const text = pod(metadata)
  const result = annotated(text)
  const [document] = parseAllDocuments(result)
  const value = document?.getIn(['metadata', 'annotations', EXPECTED_ANNOTATION])
  expect(readExpectedAnnotation(String(value))).toEqual([IMAGE])
  expect(result).toContain(kept)
  expect(result).toContain('# pinned')
})

test('comments, quotes and anchors of every line stay', () => {
  const text = pod('metadata:\n  # who\n  name: "app"   # me\n  labels: &l {app: app}\n').replace(
    'spec:',
    'x-labels: *l\nspec:',
  )
  const lines = new Set(annotated(text).split('\n'))
  for (const line of text.split('\n')) expect([...lines].some(found => found.includes(line.trim()))).toBe(true)
})

test('a second time changes nothing', () => {
  const once = annotated(pod(''))
  expect(annotated(once)).toBe(once)
})

test('line ends and a byte order mark stay', () => {
  const text = `\ufeff${pod('').replaceAll('\n', '\r\n')}`
  const result = annotated(text)
  expect(result.startsWith('\ufeffmetadata:\r\n') || result.startsWith('\ufeff')).toBe(true)
  expect(result.replaceAll('\r\n', '')).not.toContain('\n')
})

test.each([
  ['Deployment', 'apps/v1', 'spec: {template: {spec: SPEC}}'],
  ['CronJob', 'batch/v1', 'spec: {jobTemplate: {spec: {template: {spec: SPEC}}}}'],
  ['PodTemplate', 'v1', 'template: {spec: SPEC}'],
])('the template of a %s is annotated, not the object', (kind, version, body) => {
  const spec = `{containers: [{name: app, image: "${NAMED}"}]}`
  const result = annotated(
    `apiVersion: ${version}\nkind: ${kind}\nmetadata: {name: x}\n${body.replace('SPEC', spec)}\n`,
  )
  const [document] = parseAllDocuments(result)
  expect(document?.getIn(['metadata', 'annotations'])).toBeUndefined()
  expect(result.match(new RegExp(EXPECTED_ANNOTATION, 'g'))).toHaveLength(1)
})

test('JSON, a List, several documents and image volumes', () => {
  const one = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a' },
    spec: { containers: [{ name: 'a', image: NAMED }] },
  }
  const json = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [one, one] })
  const items = JSON.parse(annotated(json)).items
  for (const item of items)
    expect(readExpectedAnnotation(item.metadata.annotations[EXPECTED_ANNOTATION])).toEqual([IMAGE])
  const two = annotated(`${pod('')}---\n${pod('')}`)
  expect(two.match(new RegExp(EXPECTED_ANNOTATION, 'g'))).toHaveLength(2)
  const volume = `kind: Pod\napiVersion: v1\nspec:\n  containers: []\n  volumes:\n    - name: v\n      image: {reference: "${NAMED}"}\n`
  expect(annotated(volume)).toContain(EXPECTED_ANNOTATION)
})

test('a pod of other images, and a kind that is not built in, are left alone', () => {
  const other = pod('').replace('acme/app', 'acme/other')
  expect(annotated(other)).toBe(other)
  const custom = `apiVersion: acme.io/v1\nkind: App\nspec:\n  image: ${NAMED}\n`
  expect(annotated(custom)).toBe(custom)
})

test.each([
  ['empty metadata', 'metadata:\n'],
  ['metadata of an alias', 'x-meta: &m {name: app}\nmetadata: *m\n'],
  ['annotations that another place uses', 'metadata:\n  annotations: &a\n    b: c\nx-other: *a\n'],
  ['an annotation in a block', `metadata:\n  annotations:\n    ${EXPECTED_ANNOTATION}: |\n      old\n`],
])('%s is refused, since more than the annotation would change', (_what, metadata) => {
  expect(errorOf(() => annotated(pod(metadata))).code).toBe('deploy/not-annotatable')
})

test('whatever the metadata, the rest says what it said', () => {
  const name = fc.stringMatching(/^[a-z]{1,6}$/)
  const labels = fc.dictionary(name, name, { maxKeys: 3 })
  fc.assert(
    fc.property(labels, labels, fc.boolean(), (labelled, annotations, flow) => {
      const metadata = { labels: labelled, annotations: { a: 'b', ...annotations } }
      const block = Object.entries(metadata)
        .map(([key, values]) => `  ${key}: ${JSON.stringify(values)}\n`)
        .join('')
      const text = pod(flow ? `metadata: ${JSON.stringify(metadata)}\n` : `metadata:\n${block}`)
      expect(without(annotated(text))).toEqual(without(text))
    }),
  )
})
