import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { parse as parseYaml } from 'yaml'
import { utf8 } from '../../../src/core/bytes.ts'
import { WaybillError } from '../../../src/core/error.ts'
import { parseManifest } from '../../../src/materials/manifest/parse.ts'
import { breaks, type Schema } from '../../report/schema.ts'

const SCHEMA = JSON.parse(readFileSync(join(import.meta.dirname, '../../../schemas/materials.json'), 'utf8')) as Schema
const PATH = '.github/waybill.materials.yml'
const A = 'ab'.repeat(32)
const COMMIT = '0f3c'.repeat(10)
const GITHUB = `{repository: acme/core, repository-id: 4713, signer: "acme/core/.github/workflows/build.yml@refs/heads/main", source-ref: [refs/heads/main], trigger: [push]}`

const WHOLE = `version: 1
materials:
  - name: tini   # the init
    uri: https://github.com/krallin/tini/releases/download/v0.19.0/tini-amd64
    mirrors: [https://mirror.example/tini-amd64]
    digest: {sha256: ${A}}
    size: 24064
    verify: {openpgp: {signature: "{uri}.asc", key: krallin}}
    use: {dockerfile-add: true}
  - {name: node-base, uri: "docker-image://node:24-alpine", digest: {sha256: ${A}}, use: {base-image: true}}
  - {name: buildkit, uri: "docker-image://moby/buildkit:v0.26.3", digest: {sha256: ${A}}, use: {builder: true}}
  - {name: libfoo, uri: "git+https://github.com/x/libfoo@v1.2", digest: {gitCommit: ${COMMIT}}, verify: {git: {key: libfoo}}, use: {build-context: libfoo}}
  - {name: core, uri: "artifact://acme/core/build.yml/core.tgz", verify: {github: ${GITHUB}}, use: {path: vendor/core, unpack: tar}}
  - {name: mini, uri: https://e.example/m, digest: {sha512: ${A}${A}}, verify: {minisign: {signature: "{uri}.minisig", key: {file: keys/m.pub}}}, use: {path: vendor/m}}
  - {name: shell, uri: https://e.example/s, digest: {sha256: ${A}}, verify: {ssh: {signature: "{uri}.sig", key: bob, namespace: file}}, use: {path: vendor/s}}
  - {name: cosigned, uri: https://e.example/c, verify: {sigstore: {bundle: "{uri}.json", identity: a@e.example, issuer: "https://issuer.example/"}}, use: {path: vendor/c}}
  - {name: sums, uri: https://e.example/d/x.tgz, digest: {sha256: ${A}}, verify: {checksums: {file: https://e.example/d/SHA256SUMS, verify: {openpgp: {signature: "{uri}.gpg", key: carol}}}}, use: {path: vendor/x, unpack: zip}}
`

const one = (text: string) => `version: 1\nmaterials:\n  - {${text}}\n`
const TINI = `name: t, uri: https://e.example/t, digest: {sha256: ${A}}, use: {path: v}`

test('a manifest with every kind is read, and meets the schema', () => {
  const items = parseManifest(utf8(WHOLE), PATH)
  expect(items.map(({ uri }) => uri.canonical)).toEqual([
    'https://github.com/krallin/tini/releases/download/v0.19.0/tini-amd64',
    'docker-image://docker.io/library/node:24-alpine',
    'docker-image://docker.io/moby/buildkit:v0.26.3',
    'git+https://github.com/x/libfoo@v1.2',
    'artifact://acme/core/build.yml/core.tgz',
    'https://e.example/m',
    'https://e.example/s',
    'https://e.example/c',
    'https://e.example/d/x.tgz',
  ])
  expect(items[0]).toMatchObject({
    at: '3:5',
    size: 24064,
    verify: { kind: 'openpgp', key: { from: 'policy', name: 'krallin' } },
    use: { kind: 'dockerfile-add' },
  })
  expect(items[5]?.verify).toMatchObject({ signature: 'https://e.example/m.minisig', key: { from: 'commit' } })
  expect(items[8]?.verify).toMatchObject({
    entry: 'x.tgz',
    verify: { signature: 'https://e.example/d/SHA256SUMS.gpg' },
  })
  expect(items[2]?.use).toEqual({ kind: 'builder' })
  expect(breaks(SCHEMA, parseYaml(WHOLE))).toEqual([])
})

const REFUSED: readonly (readonly [string, string])[] = [
  ['no version', `materials: [{${TINI}}]`],
  ['version 2', `version: 2\nmaterials: [{${TINI}}]`],
  ['an unknown key', one(`${TINI}, colour: red`)],
  ['no digest', one('name: t, uri: https://e.example/t, use: {path: v}')],
  [
    'no digest under openpgp',
    one('name: t, uri: https://e.example/t, verify: {openpgp: {signature: "{uri}.asc", key: k}}, use: {path: v}'),
  ],
  ['a digest in capitals', one(TINI.replace(A, A.toUpperCase()))],
  ['md5', one(TINI.replace(`sha256: ${A}`, `md5: ${'a'.repeat(32)}`))],
  ['an empty digest', one(TINI.replace(`sha256: ${A}`, ''))],
  ['http', one(TINI.replace('https:', 'http:'))],
  ['a file', one(TINI.replace('https://e.example/t', 'file:///etc/passwd'))],
  ['a login', one(TINI.replace('e.example', 'u:p@e.example'))],
  ['a fragment', one(TINI.replace('e.example/t', '"e.example/t#x"').replace('https://"', '"https://'))],
  [
    'a digest in the image',
    one(`name: n, uri: "docker-image://node@sha256:${A}", digest: {sha256: ${A}}, use: {base-image: true}`),
  ],
  [
    'verify of an image',
    one(
      `name: n, uri: "docker-image://node", digest: {sha256: ${A}}, verify: {minisign: {signature: https://e.example/s, key: k}}, use: {base-image: true}`,
    ),
  ],
  [
    'git without a ref',
    one(`name: n, uri: "git+https://e.example/x", digest: {gitCommit: ${COMMIT}}, use: {build-context: n}`),
  ],
  [
    'git with an option as ref',
    one(
      `name: n, uri: "git+https://e.example/x@--upload-pack=x", digest: {gitCommit: ${COMMIT}}, use: {build-context: n}`,
    ),
  ],
  [
    'an artifact of another repository',
    one(`name: c, uri: "artifact://evil/core/build.yml/core.tgz", verify: {github: ${GITHUB}}, use: {path: v}`),
  ],
  [
    'an artifact of another workflow',
    one(`name: c, uri: "artifact://acme/core/other.yml/core.tgz", verify: {github: ${GITHUB}}, use: {path: v}`),
  ],
  [
    'an artifact of another event',
    one(
      `name: c, uri: "artifact://acme/core/build.yml/core.tgz", verify: {github: ${GITHUB.replace('[push]', '[push, issue_comment]')}}, use: {path: v}`,
    ),
  ],
  [
    'github without an id',
    one(
      `name: c, uri: "artifact://acme/core/build.yml/core.tgz", verify: {github: ${GITHUB.replace(', repository-id: 4713', '')}}, use: {path: v}`,
    ),
  ],
  [
    'github with a ref of a pull request',
    one(
      `name: c, uri: "artifact://acme/core/build.yml/core.tgz", verify: {github: ${GITHUB.replace('[refs/heads/main]', '[refs/pull/1/merge]')}}, use: {path: v}`,
    ),
  ],
  ['two uses', one(TINI.replace('path: v', 'path: v, dockerfile-add: true'))],
  ['a use that does not fit', one(TINI.replace('path: v', 'base-image: true'))],
  ['a builder that is no image', one(TINI.replace('path: v', 'builder: true'))],
  [
    'two builders',
    one(`name: b, uri: "docker-image://moby/buildkit:v1", digest: {sha256: ${A}}, use: {builder: true}`) +
      `  - {name: c, uri: "docker-image://moby/buildkit:v2", digest: {sha256: ${A}}, use: {builder: true}}\n`,
  ],
  ['dockerfile-add: false', one(TINI.replace('path: v', 'dockerfile-add: false'))],
  ['unpack: rar', one(TINI.replace('path: v', 'path: v, unpack: rar'))],
  ['ssh without a namespace', one(`${TINI}, verify: {ssh: {signature: "{uri}.sig", key: k}}`)],
  ['two kinds of verify', one(`${TINI}, verify: {git: {key: k}, minisign: {signature: "{uri}.m", key: k}}`)],
  ['an unsigned checksum file', one(`${TINI}, verify: {checksums: {file: https://e.example/SUMS}}`)],
  [
    'a checksum file in a checksum file',
    one(`${TINI}, verify: {checksums: {file: https://e.example/S, verify: {checksums: {file: https://e.example/T}}}}`),
  ],
  ['a size of 0', one(`${TINI}, size: 0`)],
  ['a mirror that is the place itself', one(`${TINI}, mirrors: ["https://E.example:443/t"]`)],
  ['an alias', `version: 1\nmaterials:\n  - &a {${TINI}}\n  - *a\n`],
  ['a merge key', one(`${TINI}, <<: {size: 1}`)],
  ['a tag', one(TINI.replace('name: t', 'name: !!str t'))],
  ['a key twice', one(`${TINI}, name: u`)],
  ['two documents', `${one(TINI)}---\nversion: 1\n`],
  [
    'a name twice',
    `${one(TINI)}  - {${TINI.replace('/t', '/u').replace('path: v', 'path: w').replace('name: t', 'name: T')}}\n`,
  ],
  [
    'an address twice',
    `${one(TINI)}  - {${TINI.replace('name: t', 'name: u').replace('path: v', 'path: w').replace('e.example', 'E.example:443')}}\n`,
  ],
  [
    'a path twice',
    `${one(TINI)}  - {${TINI.replace('name: t', 'name: u').replace('/t', '/u').replace('path: v', 'path: V')}}\n`,
  ],
  [
    'a path inside another',
    `${one(TINI)}  - {${TINI.replace('name: t', 'name: u').replace('/t', '/u').replace('path: v', 'path: v/w/x')}}\n`,
  ],
  ['an invisible character', one(TINI.replace('name: t', 'name: "t\u202e"'))],
  ['a letter of another alphabet', one(TINI.replace('e.example', 'е.example'))],
  ['an empty file', ''],
  ['a list', '[]'],
  [
    '501 items',
    `version: 1\nmaterials:\n${Array.from({ length: 501 }, (_, at) => `  - {${TINI.replace('name: t', `name: t${at}`)}}\n`).join('')}`,
  ],
  ['a megabyte', `version: 1 #${'x'.repeat(1024 * 1024)}\n`],
  ['ten thousand brackets', `version: ${'['.repeat(10_000)}`],
]

test.each(REFUSED)('13-adversary 20: a manifest is refused with %s, by line and column', (_what, text) => {
  expect(() => parseManifest(utf8(text), PATH)).toThrow(
    expect.objectContaining({
      code: 'materials/manifest-unusable',
      message: expect.stringMatching(/^\.github\/waybill\.materials\.yml:\d+:\d+: /),
    }),
  )
})

test.each([
  '..',
  '../x',
  'a/../b',
  '/etc',
  'a//b',
  'a/',
  './a',
  '.git',
  '.GIT/config',
  'a/.git/hooks',
  'git~1',
  '.git.',
  'a\\b',
  'C:x',
  'nul',
  'a/b.',
])('use.path cannot be %s', path => {
  expect(() => parseManifest(utf8(one(TINI.replace('path: v', `path: '${path}'`))), PATH)).toThrow(WaybillError)
})

test('any text is a manifest or a typed error', () => {
  const piece = fc.constantFrom(
    'version: 1\n',
    'materials:\n',
    '  - ',
    '{',
    '}',
    '[',
    ']',
    TINI,
    'name: x',
    ', ',
    '&a',
    '*a',
    '"',
    "'",
    '\n',
    ': ',
    '- ',
    '|',
    '#',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
      try {
        expect(Array.isArray(parseManifest(utf8(pieces.join('')), PATH))).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})
