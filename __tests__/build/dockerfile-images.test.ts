// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Dockerfile are what is tested
import fc from 'fast-check'
import { checkImagePositions, imagePositions } from '../../src/build/dockerfile-images.ts'
import { WaybillError } from '../../src/core/error.ts'
import { errorOf } from './support.ts'

const names = (text: string, args: Record<string, string> = {}) => imagePositions(text, args).map(({ name }) => name)

test.each([
  ['one FROM', 'FROM alpine:3', ['alpine:3']],
  ['a platform flag', 'FROM --platform=$BUILDPLATFORM golang:1 AS b', ['golang:1']],
  ['two stages and a copy', 'FROM a AS x\nFROM scratch\nCOPY --from=x /a /b', ['a', 'scratch', 'x']],
  ['a mount', 'FROM a\nRUN --mount=type=bind,from=b,target=/x true', ['a', 'b']],
  ['an argument with a default', 'ARG V=3\nFROM alpine:${V}', ['alpine:3']],
  ['an argument with a fallback', 'ARG V\nFROM alpine:${V:-3}', ['alpine:3']],
  ['an alternative', 'ARG V=1\nFROM alpine${V:+:x}', ['alpine:x']],
  ['an argument nobody sets', 'ARG V\nFROM alpine:$V', [undefined]],
  ['an argument of a stage, which FROM does not see', 'FROM a\nARG V=1\nFROM b:$V', ['a', undefined]],
  ['a predefined argument', 'FROM x-$TARGETARCH', ['x-amd64']],
  ['a continuation with comment and empty line', 'FROM \\\n# no\n\n  alpine \\\n AS x', ['alpine']],
  ['another escape character', '# escape=`\nFROM `\nalpine', ['alpine']],
  ['quotes', 'FROM \'alpine\'\nCOPY "--from=oci:/x" a b', ['alpine', 'oci:/x']],
  ['ONBUILD', 'FROM a\nONBUILD COPY --from=b /x /y', ['a', 'b']],
  ['lower case and tabs', 'from\talpine', ['alpine']],
  ['a byte order mark and CRLF', '\ufeffFROM alpine\r\nCOPY --from=x a b\r\n', ['alpine', 'x']],
  ['a command that has such a flag of its own', 'FROM a\nRUN tool --from=$X --mount=from=$Y', ['a']],
  ['a variable in --from', 'FROM a\nCOPY --from=$x a b', ['a', undefined]],
] as const)('imagePositions() reads %s', (_what, text, expected) => {
  expect(names(text)).toEqual(expected)
})

test('a build argument wins over the default', () => {
  expect(names('ARG BASE=alpine\nFROM $BASE', { BASE: 'oci:/x' })).toEqual(['oci:/x'])
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
  'FROM $UNSET',
  'FROM ${UNSET:?x}',
  'FROM \\\n oci:/x',
  '# escape=`\nFROM `\n oci:/x',
])('13-adversary 18: buildah is not given %j', async text => {
  const error = await errorOf(() => checkImagePositions(text, {}))
  expect(error.code).toBe('build/image-refused')
  expect(error.message).toMatch(/^Line [12] /)
})

test('13-adversary 18: a build argument cannot smuggle a transport in', async () => {
  const text = 'ARG BASE=alpine\nFROM $BASE'
  expect(() => checkImagePositions(text, {})).not.toThrow()
  expect((await errorOf(() => checkImagePositions(text, { BASE: 'oci:/x' }))).code).toBe('build/image-refused')
  expect((await errorOf(() => checkImagePositions('FROM $TARGETOS:/x', { TARGETOS: 'oci' }))).code).toBe(
    'build/image-refused',
  )
})

test.each(['FROM localhost:5000/oci:1', 'FROM ghcr.io/oci/dir:v1', 'FROM oci', 'FROM alpine@sha256:00'])(
  'an ordinary name passes: %s',
  text => {
    expect(() => checkImagePositions(text, {})).not.toThrow()
  },
)

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
          checkImagePositions(text, { A: 'b' })
        } catch (error) {
          expect(error).toBeInstanceOf(WaybillError)
        }
      },
    ),
  )
  const started = performance.now()
  expect(() => checkImagePositions(`FROM ${'$A'.repeat(100_000)}\n${' '.repeat(300_000)}\\\n`, {})).toThrow()
  expect(performance.now() - started).toBeLessThan(20_000)
})

test('no transport hides behind any layout of white space, case and continuation', () => {
  const space = fc.constantFrom(' ', '\t', ' \\\n', ' \\\r\n  ', ' \\\n# c\n\n ')
  const keyword = fc.constantFrom('FROM', 'from', 'FrOm')
  const flag = fc.constantFrom('', '--platform=linux/amd64')
  fc.assert(
    fc.property(space, keyword, flag, space, fc.constantFrom('oci:/x', 'DIR:/x'), (a, from, platform, b, image) => {
      expect(() => checkImagePositions(`${from}${a}${platform}${b}${image} AS x\n`, {})).toThrow(WaybillError)
    }),
  )
})
