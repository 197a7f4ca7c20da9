// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Dockerfile are what is tested
import type { AllowedImage, AllowedMaterials } from '../../src/build/allowed.ts'
import { checkClosed } from '../../src/build/buildah-closed.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { readDockerfile } from '../../src/materials/dockerfile/instructions.ts'
import type { PullOptions } from '../../src/materials/dockerfile/pull.ts'
import { parseReference } from '../../src/registry/reference.ts'
import { DIGEST, errorOf, OTHER } from './support.ts'

function image(name: string, digest = DIGEST): AllowedImage {
  return { reference: parseReference(name), digest, names: [name], use: 'base', private: false }
}

const IMAGES = [
  image('alpine:3'),
  image('alpine'),
  image('ghcr.io/acme/base:1', OTHER),
  image('registry.example:5000/a/b:1'),
]

interface Over {
  readonly args?: Readonly<Record<string, string>>
  readonly allowed?: Partial<AllowedMaterials>
  readonly options?: Partial<PullOptions>
}

async function check(text: string, { args = {}, allowed = {}, options = {} }: Over = {}): Promise<void> {
  const materials = { images: IMAGES, urls: [], repositories: [], contexts: new Map(), pulls: [], ...allowed }
  await checkClosed({ file: readDockerfile(utf8(text)), text: text.replace(/^\ufeff/, '') }, materials, [
    {
      buildArgs: new Map(Object.entries(args)),
      contexts: materials.contexts,
      buildPlatform: 'linux/amd64',
      targetPlatform: 'linux/amd64',
      ...options,
    },
  ])
}

const HEX = 'a'.repeat(64)

test.each([
  ['FROM alpine:3'],
  ['FROM alpine'],
  ['FROM alpine:latest'],
  ['FROM docker.io/library/alpine:3'],
  ['FROM index.docker.io/alpine:3'],
  ['FROM GHCR.IO/acme/base:1'],
  [`FROM alpine@sha256:${HEX}`],
  [`FROM alpine:9@sha256:${HEX}`],
  ['ARG V=3\nFROM alpine:$V'],
  ['ARG V="3"\nFROM alpine:${V}'],
  ['ARG A=alpine\nARG B=$A:3\nFROM $B'],
  ['ARG V\nFROM alpine:${V:-3}'],
  ['ARG V=x\nFROM alpine${V:+:3}'],
  ['FROM scratch\nCOPY --from=alpine:3 /a /b'],
  ['FROM alpine AS a\nRUN --mount=type=bind,from=alpine:3,target=/x,ro true'],
  ['FROM alpine AS a\nFROM scratch\nCOPY --from=0 /a /b\nCOPY --from=a /a /b'],
  ['FROM alpine\nRUN --mount=type=cache,target=/root/.cache,sharing=locked true'],
  ['FROM alpine\nRUN --mount=type=bind,source=package.json,target=package.json true'],
  ['FROM alpine\nRUN [ -f /x ] && true\nRUN echo $((1<<2))'],
  ['FROM alpine\nADD app.tar.gz /x\nADD ["a b", "/x"]\nADD x$Y /z'],
  ['FROM mallory/unused AS unused\nFROM alpine'],
  ['FROM alpine\nRUN --network=none true'],
  ['# escape=\\\nFROM alpine \\\n# comment\n\n  AS a\nRUN a \\\n && b'],
  ['\ufeffFROM alpine\r\nRUN a\\\r\n b\r\n'],
  ['FROM alpine\nONBUILD COPY --from=mallory/later /a /b'],
])('a closed build takes %j', async text => {
  await expect(check(text)).resolves.toBeUndefined()
})

test.each([
  ['an image that nobody declared', 'FROM mallory/x'],
  ['another tag', 'FROM alpine:4'],
  ['another digest', `FROM alpine@sha256:${'b'.repeat(64)}`],
  ['a stage image of another host', 'FROM ghcr.io/library/alpine:3'],
  ['COPY --from of one', 'FROM scratch\nCOPY --from=mallory/x / /'],
  ['a mount of one', 'FROM alpine\nRUN --mount=type=bind,from=mallory/x,target=/x true'],
  ['one of a needed stage', 'FROM mallory/x AS a\nFROM a'],
  ['an image id', `FROM ${HEX}`],
  ['the result of another platform', 'FROM localhost/waybill:build'],
])('13-adversary 18: %s is undeclared', async (_what, text) => {
  const error = await errorOf(check(text))
  expect(error.code).toBe('materials/undeclared')
  expect(error.message).toMatch(/^Line [12] of the Dockerfile /)
})

test('13-adversary 18: what is missing is named with the lines to paste', async () => {
  const error = await errorOf(check('FROM scratch\nFROM mallory/x:1'))
  expect(error.message).toContain('Line 2 of the Dockerfile takes the image mallory/x:1')
  expect(error.remedy).toContain('base-images')
  expect(error.remedy).toContain('uri: "docker-image://docker.io/mallory/x:1"')
})

test.each([
  ['a frontend', '# syntax=docker/dockerfile:1\nFROM alpine', 1],
  ['ADD of a URL', 'FROM alpine\nADD https://example.org/x /x', 2],
  ['ADD of a URL with its sum', `FROM alpine\nADD --checksum=sha256:${HEX} https://example.org/x /x`, 2],
  ['ADD of a repository', 'FROM alpine\nADD https://example.org/x.git /x', 2],
  ['ADD over ssh', 'FROM alpine\nADD git@example.org:x/y.git /x', 2],
  ['ADD of a list', 'FROM alpine\nADD ["http://example.org/x", "/x"]', 2],
  ['ONBUILD ADD', 'FROM alpine\nONBUILD ADD http://example.org/x /x', 2],
  ['a part of a stage', 'FROM alpine AS a\nFROM alpine\nRUN --mount=type=bind,from=a,source=/link,target=/x true', 3],
  ['a part of a cached stage', 'FROM alpine AS a\nFROM alpine\nRUN --mount=type=cache,from=a,src=l,target=/x true', 3],
  ['a writable mount', 'FROM alpine\nRUN --mount=type=bind,rw,target=/x true', 2],
  ['a cache elsewhere', 'FROM alpine\nRUN --mount=type=cache,id=../../etc,target=/x true', 2],
  ['the machine’s own network', 'FROM alpine\nRUN --network=host true', 2],
  ['a network of its own', 'FROM alpine\nONBUILD RUN --network=default true', 2],
  ['a cache elsewhere by its target', 'FROM alpine\nRUN --mount=type=cache,target=/x/../../etc true', 2],
] as const)('13-adversary 18: buildah cannot be kept to %s', async (_what, text, line) => {
  const error = await errorOf(check(text))
  expect(error.code).toBe('materials/not-with-buildah')
  expect(error.message).toMatch(new RegExp(`^Line ${line} `))
})

test.each([
  ['a here-document', 'FROM alpine\nRUN <<EOF\ntrue\nEOF', 2],
  ['a here-document of COPY', 'FROM alpine\nCOPY <<EOF /x\nFROM mallory/x\nEOF', 2],
  [
    'a line that ends in two marks',
    'FROM alpine\nRUN echo \\\\\nRUN --mount=type=bind,from=alpine:3,target=/x true',
    2,
  ],
  ['another escape character', '# escape=`\nFROM alpine', 1],
  ['an escape character that only buildah sees', '# comment\nFROM alpine\n# escape=`', 3],
  ['a form feed', 'FROM alpine\nRUN a\f b', 2],
  ['a no-break space', 'FROM alpine\nRUN a\u00a0b', 2],
  ['a carriage return that ends no line', 'FROM alpine\nRUN a\rb', 2],
  ['a list that goes on', 'FROM alpine\nADD ["http://example.org/x", "/x"] y', 2],
  ['an ADD of a variable', 'FROM alpine\nARG U\nADD $U /x', 3],
  ['an ADD that begins like a URL', 'FROM alpine\nARG U\nADD ht$U /x', 3],
  ['an ADD in quotes', 'FROM alpine\nADD "x" /x', 2],
  ['a stage in upper case', 'FROM alpine AS Build\nFROM scratch\nCOPY --from=build /a /b', 1],
  ['a stage named in upper case', 'FROM alpine AS build\nFROM scratch\nCOPY --from=BUILD /a /b', 3],
  ['two stages of one name', 'FROM alpine AS a\nFROM alpine:3 AS a\nFROM a', 2],
  ['a stage called scratch', 'FROM alpine AS scratch\nFROM scratch', 1],
  ['a stage behind a variable', 'ARG S=build\nFROM alpine AS build\nFROM $S', 3],
  ['a stage by its number', 'FROM alpine\nFROM 0', 2],
  ['a mount of a number', 'FROM alpine\nFROM alpine\nRUN --mount=type=bind,from=0,target=/x true', 3],
  ['a modifier', 'ARG V=3.1\nFROM alpine:${V%.1}', 2],
  ['a modifier without a colon', 'ARG V=3\nFROM alpine:${V-3}', 2],
  ['a variable in a default', 'ARG W=3\nARG V\nFROM alpine:${V:-$W}', 3],
  ['quotes in FROM', 'FROM "alpine"', 1],
  ['an escape in FROM', 'FROM alp\\ine', 1],
  ['two arguments in one line', 'ARG A=1 V=3\nFROM alpine:$V', 2],
  ['an argument declared twice', 'ARG V=4\nARG V=3\nFROM alpine:$V', 3],
  ["a builder's own variable", 'FROM alpine:${TARGETVARIANT:-3}', 1],
  ["a builder's own variable, declared", 'ARG TARGETARCH=3\nFROM alpine:$TARGETARCH', 2],
  ['a variable of the environment', 'ARG TERM=3\nFROM alpine:$TERM', 2],
  ['a platform behind a variable', 'ARG P=linux/amd64\nFROM --platform=$P alpine', 2],
  ['a mount without a type', 'FROM alpine\nRUN --mount=from=alpine:3,target=/x true', 2],
  ['a mount whose names are upper case', 'FROM alpine\nRUN --mount=type=bind,FROM=alpine:3,target=/x true', 2],
  ['a mount that names it twice', 'FROM alpine\nRUN --mount=type=bind,from=mallory/x,from=alpine:3,target=/x true', 2],
] as const)('13-adversary 18: %s is read differently', async (_what, text, line) => {
  const error = await errorOf(check(text))
  expect(error.code).toBe('materials/read-differently')
  expect(error.message).toMatch(new RegExp(`^Line ${line} `))
})

test('13-adversary 18: a build argument is a plain name, or none', async () => {
  await expect(check('ARG B\nFROM $B', { args: { B: 'alpine:3' } })).resolves.toBeUndefined()
  expect((await errorOf(check('ARG B\nFROM $B', { args: { B: '"alpine:3"' } }))).code).toBe(
    'materials/read-differently',
  )
  const args = { BUILDPLATFORM: 'linux/arm64' }
  expect((await errorOf(check('FROM --platform=$BUILDPLATFORM alpine', { args }))).code).toBe(
    'materials/read-differently',
  )
  expect((await errorOf(check('FROM alpine', { args: { BUILDKIT_SYNTAX: 'mallory/x' } }))).code).toBe(
    'materials/not-with-buildah',
  )
})

test('13-adversary 18: an ONBUILD that was seen in a base image must be declared', async () => {
  const pull = {
    how: 'copy-from',
    line: 1,
    written: 'mallory/x',
    source: 'mallory/x',
    needed: true,
    trigger: true,
  } as const
  expect((await errorOf(check('FROM alpine', { allowed: { pulls: [pull] } }))).code).toBe('materials/undeclared')
})

test('13-adversary 18: only images meant as base images may be one', async () => {
  const images = IMAGES.map(item => ({ ...item, use: 'builder' as const }))
  expect((await errorOf(check('FROM alpine', { allowed: { images } }))).code).toBe('materials/undeclared')
})

describe('13-adversary 18: buildah forgets which platform it builds for', () => {
  const arm = { options: { targetPlatform: 'linux/arm64' } }

  test('FROM of the target behind FROM of the builder says its platform', async () => {
    const lines = 'FROM --platform=$BUILDPLATFORM alpine AS b\nFROM'
    const error = await errorOf(check(`${lines} alpine:3`, arm))
    expect(error.code).toBe('materials/not-with-buildah')
    expect(error.remedy).toContain('FROM --platform=$TARGETPLATFORM')
    await expect(check(`${lines} --platform=$TARGETPLATFORM alpine:3`, arm)).resolves.toBeUndefined()
    await expect(check(`${lines} scratch\nCOPY --from=b /a /b`, arm)).resolves.toBeUndefined()
    await expect(check(`${lines} alpine:3`)).resolves.toBeUndefined()
  })

  test('so does an image that is copied from', async () => {
    const text = 'FROM --platform=linux/amd64 alpine AS b\nFROM scratch\nCOPY --from=alpine:3 /a /b'
    expect((await errorOf(check(text, arm))).message).toMatch(/^Line 3 /)
  })
})

describe('13-adversary 18: named contexts', () => {
  const contexts = (...entries: readonly (readonly [string, string])[]) => ({ allowed: { contexts: new Map(entries) } })

  test.each([['https://example.org/x.tar'], ['oci-layout:///x'], ['/nowhere/at/all'], ['relative']])(
    '%s is none for buildah',
    async source => {
      expect((await errorOf(check('FROM alpine', contexts(['c', source])))).code).toBe('materials/not-with-buildah')
    },
  )

  test('an image must be declared, by its digest', async () => {
    const good = contexts(['c', `docker-image://docker.io/library/alpine@${DIGEST}`])
    await expect(check('FROM c\nCOPY --from=c /a /b', good)).resolves.toBeUndefined()
    const bad = contexts(['c', `docker-image://docker.io/library/alpine@${OTHER}`])
    expect((await errorOf(check('FROM c', bad))).code).toBe('materials/undeclared')
  })

  test('a name is taken as it stands', async () => {
    const good = contexts(['alpine', `docker-image://docker.io/library/alpine@${DIGEST}`])
    expect((await errorOf(check('FROM alpine:latest', good))).code).toBe('materials/not-with-buildah')
    expect((await errorOf(check('FROM scratch AS alpine', good))).code).toBe('materials/read-differently')
    const platform = contexts(['alpine::linux/arm64', `docker-image://docker.io/library/alpine@${DIGEST}`])
    expect((await errorOf(check('FROM alpine:3', platform))).code).toBe('materials/not-with-buildah')
  })
})
