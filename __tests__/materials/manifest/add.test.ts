import { utf8 } from '../../../src/core/bytes.ts'
import { parseDigest } from '../../../src/core/digest.ts'
import { addImages, nameFor } from '../../../src/materials/manifest/add.ts'
import { parseManifest } from '../../../src/materials/manifest/parse.ts'

const A = 'ab'.repeat(32)
const DIGEST = parseDigest(`sha256:${'cd'.repeat(32)}`)
const NODE = { name: 'node-24', reference: 'docker.io/library/node:24', digest: DIGEST }
const GO = { name: 'golang-1.25', reference: 'docker.io/library/golang:1.25', digest: DIGEST }

const added = (text: string | undefined, ...images: readonly (typeof NODE)[]) =>
  Buffer.from(addImages(text === undefined ? undefined : utf8(text), 'm.yml', images)).toString()

const ITEM = (indent: string) => `${indent}- name: node-24
${indent}  uri: docker-image://docker.io/library/node:24
${indent}  digest: {sha256: ${'cd'.repeat(32)}}
${indent}  use: {base-image: true}
`

test('addImages() makes a manifest where there is none', () => {
  expect(added(undefined, NODE)).toBe(
    `# What a build takes in beside its source.\nversion: 1\nmaterials:\n${ITEM('  ')}`,
  )
})

test.each([
  ['indented', '  ', ' # why'],
  ['not indented', '', ''],
])('addImages() puts items behind the last one of a list that is %s, comments stay', (_what, indent, comment) => {
  const text = `version: 1
materials: # all
${indent}- name: a
${indent}  uri: https://e.example/a
${indent}  digest:
${indent}    sha256: ${A}${comment}
${indent}  use: {path: a}${comment}
# the end
`
  const out = added(text, NODE)
  expect(out).toBe(text.replace('# the end\n', `${ITEM(indent)}# the end\n`))
})

test('addImages() knows items on one line, the last use as a block, and line ends of Windows', () => {
  const flow = `version: 1\nmaterials: [{name: a, uri: "https://e.example/a", digest: {sha256: ${A}}, use: {path: a}}] # x\n`
  expect(added(flow, NODE)).toBe(
    flow.replace(
      '}}]',
      `}}, {name: node-24, uri: "docker-image://docker.io/library/node:24", digest: {sha256: ${'cd'.repeat(32)}}, use: {base-image: true}}]`,
    ),
  )
  const block = `version: 1\nmaterials:\n  - name: a\n    uri: https://e.example/a\n    digest: {sha256: ${A}}\n    use:\n      path: a\n`
  expect(added(block, NODE)).toBe(block + ITEM('  '))
  expect(added(block.slice(0, -1), NODE, GO).split('\n')).toHaveLength(15)
  const windows = added(block.replaceAll('\n', '\r\n'), NODE)
  expect(windows.replaceAll('\r\n', '')).not.toContain('\n')
  expect(parseManifest(utf8(windows), 'm.yml')).toHaveLength(2)
})

test('addImages() changes nothing without images, and refuses a name or a place that is there already', () => {
  const text = added(undefined, NODE)
  expect(added(text)).toBe(text)
  expect(() => added(text, NODE)).toThrow(/has the name of the one in line/)
  expect(() => added(text, { ...NODE, name: 'other' })).toThrow(/has the uri of the one in line/)
})

test('a digest of digits alone is quoted', () => {
  const digits = parseDigest(`sha256:${'12'.repeat(32)}`)
  expect(added(undefined, { ...NODE, digest: digits })).toContain(`{sha256: "${'12'.repeat(32)}"}`)
})

test('nameFor() is a name that nobody has', () => {
  expect(nameFor('docker.io/library/node:24-alpine', [])).toBe('node-24-alpine')
  expect(nameFor('docker.io/library/node:24', ['NODE-24', 'node-24-2'])).toBe('node-24-3')
  expect(nameFor(`e.example/${'x'.repeat(300)}:1`, [])).toHaveLength(90)
})
