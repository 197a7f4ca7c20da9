// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Dockerfile are what is tested
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { checkContextNames } from '../../src/build/buildah-contexts.ts'
import { checkImagePositions, readBuildahDockerfile } from '../../src/build/buildah-dockerfile.ts'
import { registryPolicy } from '../../src/build/buildah-policy.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { WaybillError } from '../../src/core/error.ts'
import { readDockerfile } from '../../src/materials/dockerfile/instructions.ts'
import { errorOf, temporaryFolder } from './support.ts'

const check = (text: string, args: Record<string, string> = {}) =>
  checkImagePositions(readDockerfile(utf8(text)), {
    buildArgs: new Map(Object.entries(args)),
    contexts: new Map(),
    buildPlatform: 'linux/amd64',
    targetPlatform: 'linux/amd64',
  })

test.each([
  'FROM oci:/home/runner/layout',
  'FROM docker-archive:/tmp/x.tar',
  'FROM OCI-archive:x.tar',
  'FROM containers-storage:alpine',
  'FROM docker-daemon:alpine:3',
  'FROM docker://alpine',
  'FROM dir:/etc',
  'FROM tarball:/x',
  'FROM /etc/x',
  'FROM ./layout',
  'FROM scratch\nCOPY --from=oci:/x / /',
  'FROM scratch\nRUN --mount=type=bind,from=dir:/etc,target=/e true',
  'ARG B=oci:/x\nFROM $B',
  'ARG T=oci\nFROM ${T}:/x',
  'ARG UNSET\nFROM a$UNSET',
  'FROM scratch\nONBUILD COPY --from=oci:/x / /',
  'FROM dir:/x AS unused\nFROM scratch',
  'FROM \\\n oci:/x',
  '# escape=`\nFROM `\n oci:/x',
])('13-adversary 18: buildah is not given %j', async text => {
  const error = await errorOf(() => check(text))
  expect(error.code).toBe('build/image-refused')
  expect(error.message).toMatch(/^Line [12] /)
})

test('13-adversary 18: a build argument cannot smuggle a transport in', async () => {
  const text = 'ARG BASE=alpine\nFROM $BASE'
  expect(() => check(text)).not.toThrow()
  expect((await errorOf(() => check(text, { BASE: 'oci:/x' }))).code).toBe('build/image-refused')
  expect((await errorOf(() => check('FROM $TARGETOS:/x', { TARGETOS: 'oci' }))).code).toBe('build/image-refused')
})

test.each([
  'FROM localhost:5000/oci:1',
  'FROM ghcr.io/oci/dir:v1',
  'FROM oci',
  'FROM a AS b\nFROM b',
  'ARG V\nFROM alpine:${V:-3}',
  'FROM x-$TARGETARCH',
])('an ordinary name passes: %s', text => {
  expect(() => check(text)).not.toThrow()
})

test('any text is read in bounded time, or refused with a typed error', () => {
  const line = fc.oneof(
    fc.constantFrom('FROM ', 'FROM a', 'ARG A=', 'COPY --from=', '\\', '`', '# escape=`', '<<EOF', '$', '${', '}'),
    fc.string(),
  )
  fc.assert(
    fc.property(
      fc.array(line).map(lines => lines.join('\n')),
      text => {
        try {
          check(text, { A: 'b' })
        } catch (error) {
          expect(error).toBeInstanceOf(WaybillError)
        }
      },
    ),
  )
  const started = performance.now()
  expect(() => check(`FROM ${'$A'.repeat(20_000)}\n${' '.repeat(60_000)}\\\n`)).toThrow()
  expect(performance.now() - started).toBeLessThan(20_000)
})

test('no transport hides behind any layout of white space, case and continuation', () => {
  const space = fc.constantFrom(' ', '\t', ' \\\n', ' \\\r\n  ', ' \\\n# c\n\n ')
  const keyword = fc.constantFrom('FROM', 'from', 'FrOm')
  const flag = fc.constantFrom('', '--platform=linux/amd64')
  fc.assert(
    fc.property(space, keyword, flag, space, fc.constantFrom('oci:/x', 'DIR:/x'), (a, from, platform, b, image) => {
      expect(() => check(`${from}${a}${platform}${b}${image} AS x\n`)).toThrow(WaybillError)
    }),
  )
})

test.each([
  'FROM $UNSET',
  'FROM ${UNSET:?x}',
  'FROM a\nCOPY --from=$x a b',
  'FROM a\nRUN --mount=type=bind,from=$x true',
])('13-adversary 18: a name that nobody can say is refused: %j', async text => {
  expect((await errorOf(() => check(text))).code).toBe('materials/dockerfile-malformed')
})

test('13-adversary 18: buildah would let the C preprocessor include any file of the machine', async () => {
  const path = join(temporaryFolder(), 'Dockerfile.in')
  writeFileSync(path, '#include "/etc/passwd"\nFROM scratch\n')
  expect((await errorOf(readBuildahDockerfile(path))).code).toBe('build/image-refused')
})

test('13-adversary 18: the signature policy of the machine stays, for registries alone', () => {
  const reject = [{ type: 'reject' }]
  const any = [{ type: 'insecureAcceptAnything' }]
  const signed = [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/etc/key' }]
  expect(registryPolicy({ default: any })).toEqual({ default: reject, transports: { docker: { '': any } } })
  const transports = { docker: { 'ghcr.io': signed, '': reject }, oci: { '': any } }
  expect(registryPolicy({ default: any, transports })).toEqual({
    default: reject,
    transports: { docker: { 'ghcr.io': signed, '': reject } },
  })
  expect(registryPolicy({})).toBeUndefined()
  expect(registryPolicy({ default: any, transports: [] })).toBeUndefined()
})

describe('13-adversary 18: a named context hides no image from those who judge', () => {
  const IMAGE = 'docker-image://docker.io/library/alpine:3'
  const options = (contexts: Readonly<Record<string, string>>) => ({
    buildArgs: new Map(),
    contexts: new Map(Object.entries(contexts)),
    buildPlatform: 'linux/amd64',
    targetPlatform: 'linux/amd64',
  })
  const both = (text: string, contexts: Readonly<Record<string, string>>) => {
    const file = readDockerfile(utf8(text))
    checkImagePositions(file, options(contexts))
    checkContextNames(file, options(contexts))
  }

  test.each<[string, Readonly<Record<string, string>>, string]>([
    [
      'FROM oci:/home/runner/layout AS foo\nCOPY --from=bar /a /a',
      { foo: '/run/good', bar: '/run/bar' },
      'build/image-refused',
    ],
    ['FROM mallory/base AS foo', { foo: '/run/good' }, 'materials/read-differently'],
    ['FROM mallory/base AS foo\nFROM foo', { foo: IMAGE }, 'materials/read-differently'],
    ['FROM mallory/base AS Foo', { foo: IMAGE }, 'materials/read-differently'],
    ['FROM mallory/base AS foo', { 'docker.io/library/foo:latest': IMAGE }, 'materials/read-differently'],
    ['FROM foo', { foo: '/run/good' }, 'materials/not-with-buildah'],
    ['FROM foo:latest', { foo: IMAGE }, 'materials/not-with-buildah'],
    ['FROM scratch\nCOPY --from=docker.io/library/foo / /', { foo: IMAGE }, 'materials/not-with-buildah'],
    ['FROM foo', { 'foo::linux/amd64': IMAGE }, 'materials/not-with-buildah'],
  ])('%j with %j', async (text, contexts, code) => {
    expect((await errorOf(() => both(text, contexts))).code).toBe(code)
  })

  test.each<[string, Readonly<Record<string, string>>]>([
    ['FROM foo AS app\nCOPY --from=files / /', { foo: IMAGE, files: '/run/good' }],
    ['FROM scratch\nRUN --mount=type=bind,from=files,target=/f true', { files: '/run/good' }],
    ['FROM mallory/base AS foo', {}],
  ])('and %j with %j is read by both as one', (text, contexts) => {
    expect(() => both(text, contexts)).not.toThrow()
  })
})
