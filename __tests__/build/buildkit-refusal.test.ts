import fc from 'fast-check'
import { deniedSource, refusalOf } from '../../src/build/buildkit-refusal.ts'
import type { Pull } from '../../src/materials/dockerfile/pull.ts'
import { allowing } from './policy-model.ts'

const COMMIT = '0f3c'.repeat(10)

/** As BuildKit 0.26.3 said it. */
const denied = (identifier: string) =>
  `#1 DONE 0.0s\nERROR: failed to build: failed to solve: failed to load LLB: error evaluating the source policy: source ${JSON.stringify(identifier)} denied by policy: source denied by policy\n`

function pull(source: string, over: Partial<Pull> = {}): Pull {
  return { how: 'from', line: 3, written: source, source, needed: true, ...over }
}

test('an undeclared image is named with its line and the lines to add', () => {
  const error = refusalOf(denied('docker-image://docker.io/library/node:24'), allowing({ pulls: [pull('node:24')] }))
  expect(error).toMatchObject({ code: 'materials/undeclared', kind: 'rejected' })
  expect(error?.message).toBe(
    'The builder refused docker-image://docker.io/library/node:24 (line 3 of the Dockerfile): it was not declared',
  )
  expect(error?.remedy).toContain(
    'base-images of .github/waybill.yml: - {match: "docker.io/library/node", digest-lock: true}',
  )
  expect(error?.remedy).toContain(
    '- {name: node, uri: "docker-image://docker.io/library/node:24", use: {base-image: true}}; then run: waybill materials lock',
  )
})

test.each([
  [
    'the digest that a frontend put behind the name',
    `docker-image://docker.io/library/node:24@sha256:${'a'.repeat(64)}`,
    pull('node:24'),
  ],
  ['a URL', 'https://example.com/tool', pull('https://example.com/tool', { how: 'add-url' })],
  [
    'a repository',
    'git://example.com/acme/lib.git#v1',
    pull('https://example.com/acme/lib.git#v1', { how: 'add-git' }),
  ],
])('the line is found through %s', (_what, identifier, found) => {
  expect(refusalOf(denied(identifier), allowing({ pulls: [found] }))?.message).toContain('(line 3 of the Dockerfile)')
})

test('what an ONBUILD asks for is told as such, and what nothing in the Dockerfile names has no line', () => {
  const identifier = 'docker-image://docker.io/library/node:24'
  const trigger = allowing({ pulls: [pull('node:24', { how: 'copy-from', trigger: true })] })
  expect(refusalOf(denied(identifier), trigger)?.message).toContain('ONBUILD of the base image in line 3')
  expect(refusalOf(denied(identifier), allowing())?.message).toBe(
    `The builder refused ${identifier}: it was not declared`,
  )
})

test.each([
  [
    'https://example.com/tool.tgz',
    '- {name: tool.tgz, uri: "https://example.com/tool.tgz", use: {dockerfile-add: true}}',
  ],
  [
    'git://example.com/acme/lib.git#v1:dir',
    '- {name: lib.git, uri: "git+https://example.com/acme/lib.git@v1", use: {dockerfile-add: true}}',
  ],
])('the lines to add for %s', (identifier, lines) => {
  expect(refusalOf(denied(identifier), allowing())?.remedy).toContain(lines)
})

test('a name that would not look like what it is gets no lines to paste', () => {
  const error = refusalOf(denied('https://example.com/\u202egpj.exe'), allowing())
  expect(error?.remedy).not.toContain('example.com')
  expect(error?.message).toContain('\\u{202e}')
})

test('a declared thing with another checksum is told as that', () => {
  const urls = [{ url: 'https://example.com/tool', sha256: 'c'.repeat(64) }]
  const remote = 'https://example.com/acme/lib.git'
  const allowed = allowing({ urls, repositories: [{ remote, ref: 'v1', commit: COMMIT }] })
  expect(refusalOf(denied('https://example.com/tool'), allowed)?.message).toContain('declared otherwise')
  for (const ref of ['v1', 'v1:dir', COMMIT])
    expect(refusalOf(denied(`git://example.com/acme/lib.git#${ref}`), allowed)?.remedy).toContain(
      `--checksum ${COMMIT}`,
    )
  expect(refusalOf(denied('git://example.com/acme/lib.git#v2'), allowed)?.message).toContain('not declared')
})

test('other bytes of a URL are told with both sums', () => {
  const [got, wanted] = ['a'.repeat(64), 'b'.repeat(64)]
  const output = `ERROR: failed to build: failed to solve: digest mismatch sha256:${got}: sha256:${wanted}\n`
  const urls = [{ url: 'https://example.com/tool', sha256: wanted }]
  const pulls = [pull('https://example.com/tool', { how: 'add-url', line: 7 })]
  expect(refusalOf(output, allowing({ urls, pulls }))).toMatchObject({
    code: 'materials/other-bytes',
    message: 'The build got other bytes than declared from https://example.com/tool (line 7 of the Dockerfile)',
    expected: `sha256:${wanted}`,
    found: `sha256:${got}`,
  })
  // A layer of a registry that is wrong is no material of ours.
  expect(refusalOf(output, allowing())).toBeUndefined()
})

test.each([
  [
    'a RUN step',
    '#7 0.123 ERROR: x: source "docker-image://evil" denied by policy: source denied by policy\nERROR: failed to solve: exit code: 1',
  ],
  [
    'the same with a carriage return',
    '#7 0.1 \rERROR: source "evil://" denied by policy: source denied by policy\nERROR: failed to solve: exit code: 1',
  ],
  [
    'the command of a step',
    'ERROR: process "echo source \\"evil://\\" denied by policy: source denied by policy" did not complete successfully: exit code: 1',
  ],
  ['nothing', ''],
])('no refusal is read out of what %s says', (_what, output) => {
  expect(deniedSource(output)).toBeUndefined()
  expect(refusalOf(output, allowing())).toBeUndefined()
})

test('deniedSource() gives back any identifier', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), identifier => {
      fc.pre(!/[\n\u2028\u2029]/.test(identifier))
      expect(deniedSource(denied(identifier))).toBe(identifier)
      expect(refusalOf(denied(identifier), allowing())?.code).toBe('materials/undeclared')
    }),
  )
})
