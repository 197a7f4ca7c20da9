// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Dockerfiles
import { WaybillError } from '../../../src/core/error.ts'
import { readDirectives } from '../../../src/materials/dockerfile/directives.ts'
import { readDockerfile } from '../../../src/materials/dockerfile/instructions.ts'
import type { Pull, PullOptions } from '../../../src/materials/dockerfile/pull.ts'
import { pullsOf } from '../../../src/materials/dockerfile/pulls.ts'
import { readBase } from '../../../src/materials/dockerfile/triggers.ts'

const OPTIONS: PullOptions = {
  buildArgs: new Map(),
  contexts: new Map(),
  buildPlatform: 'linux/amd64',
  targetPlatform: 'linux/arm64',
}

async function pulls(text: string, over: Partial<PullOptions> = {}): Promise<readonly Pull[]> {
  return pullsOf(readDockerfile(new TextEncoder().encode(text)), { ...OPTIONS, ...over })
}

/** `how source` of everything that the target needs. */
async function named(text: string, over: Partial<PullOptions> = {}): Promise<readonly string[]> {
  return (await pulls(text, over))
    .filter(({ needed, later }) => needed && later === undefined)
    .map(({ how, source, unresolved }) => `${how} ${unresolved === undefined ? source : '?'}`)
}

test.each<[string, string, readonly string[], Partial<PullOptions>?]>([
  ['one image', 'FROM alpine:3', ['from alpine:3']],
  ['scratch', 'FROM scratch', []],
  ['a stage', 'FROM a AS One\nFROM one\nCOPY --from=ONE x y', ['from a']],
  ['a stage by number', 'FROM a\nFROM b\nCOPY --from=0 x y', ['from a', 'from b']],
  ['a name that only a later stage has', 'FROM a\nCOPY --from=later x y\nFROM b AS later', ['from b']],
  ['an argument', 'ARG V=1\nFROM a:$V', ['from a:1']],
  ['a given argument', 'ARG V=1\nFROM a:$V', ['from a:2'], { buildArgs: new Map([['V', '2']]) }],
  ['an argument that no ARG declares', 'FROM a$V', ['from a'], { buildArgs: new Map([['V', '2']]) }],
  ['an argument of a stage, which FROM does not see', 'FROM a AS x\nARG V=1\nFROM b$V', ['from b']],
  ['the platform', 'FROM --platform=$BUILDPLATFORM a-$TARGETARCH', ['from a-arm64']],
  ['modifiers', 'ARG V=1.2.3\nFROM ${NONE:-b}:${V%.*}', ['from b:1.2']],
  ['a mount', 'FROM scratch\nRUN --mount=type=bind,from=img,target=/x true', ['mount-from img']],
  ['a quoted mount', 'FROM scratch\nRUN --mount=type=bind,"from=img",target=/x true', ['mount-from img']],
  ['a here-document', 'FROM a\nRUN <<E\nFROM b\nCOPY --from=c x y\nE\nCOPY --from=d x y', ['from a', 'copy-from d']],
  [
    'continued lines',
    'FROM a\nRUN --mount=from=b \\\n  # comment\n  --mount=from=c \\\n  x',
    ['from a', 'mount-from b', 'mount-from c'],
  ],
  ['another escape character', '# escape=`\nFROM a\nCOPY --from=b `\n  x y', ['from a', 'copy-from b']],
  ['a frontend', '# syntax=docker/dockerfile:1\nFROM a', ['syntax docker/dockerfile:1', 'from a']],
  ['a frontend behind a shebang', '#!/usr/bin/env x\n# syntax=evil\nFROM a', ['syntax evil', 'from a']],
  ['no frontend in a later comment', 'FROM a\n# syntax=evil', ['from a']],
  [
    'a frontend by argument',
    '# syntax=x\nFROM a',
    ['syntax y', 'from a'],
    { buildArgs: new Map([['BUILDKIT_SYNTAX', 'y']]) },
  ],
  ['a download', 'FROM scratch\nADD https://e/x.tgz /', ['add-url https://e/x.tgz']],
  ['a download in JSON', 'FROM scratch\nADD ["https://e/x.tgz", "/"]', ['add-url https://e/x.tgz']],
  ['a download by variable', 'FROM scratch\nARG V=1\nENV U=https://e/$V\nADD $U/x /', ['add-url https://e/1/x']],
  ['a variable that the base image may set', 'FROM a\nADD $U /', ['from a', 'add-url ?']],
  [
    'a repository',
    'FROM scratch\nADD git@e:a/b.git https://e/c.git#v1 /',
    ['add-git git@e:a/b.git', 'add-git https://e/c.git#v1'],
  ],
  ['local files', 'FROM scratch\nADD a b /\nCOPY a b /', []],
  [
    'a named context',
    'FROM alpine:latest',
    ['context docker-image://b'],
    { contexts: new Map([['alpine', 'docker-image://b']]) },
  ],
  [
    'a named context for a stage',
    'FROM a AS x\nRUN --mount=from=c y\nFROM x',
    ['context ./dir'],
    { contexts: new Map([['x', './dir']]) },
  ],
  ['a target', 'FROM a AS x\nFROM b', ['from a'], { target: 'x' }],
])('pullsOf() of %s', async (...row) => {
  // Named, the last would be taken for a callback where a row leaves it out.
  const [, text, expected, over] = row
  expect(await named(text, over)).toEqual(expected)
})

test('what only other stages pull is told and not needed', async () => {
  const all = await pulls('FROM a AS unused\nFROM b AS used\nFROM scratch\nCOPY --from=used x y')
  expect(all.map(({ source, needed }) => [source, needed])).toEqual([
    ['a', false],
    ['b', true],
  ])
})

test('what stands behind ONBUILD is told as something for later', async () => {
  expect(await pulls('FROM scratch\nONBUILD COPY --from=x a b')).toMatchObject([{ source: 'x', later: true }])
})

test.each([
  ['no FROM', 'RUN x'],
  ['a FROM without an image', 'FROM'],
  ['words behind a FROM', 'FROM a b c'],
  ['a NUL byte', 'FROM a\0b'],
  ['a number that is no stage', 'FROM a\nCOPY --from=3 x y'],
  ['a variable where none is resolved', 'ARG V=1\nFROM scratch\nCOPY --from=a:$V x y'],
  ['the language of another frontend', '// syntax=evil\nFROM a'],
  ['a platform that nobody names', 'FROM --platform=$NONE a'],
  ['quotes that were escaped in a mount', 'FROM a\nRUN --mount=target=/x,\\"from=b\\" y'],
  ['a here-document beside a variable of an odd form', 'FROM a\nRUN cat <<E ${V#1}\nE'],
  ['a line of 64 KiB', `FROM a\nRUN ${'x'.repeat(65_536)}`],
  ['a required variable', 'FROM ${V:?}'],
  ['a target that is not there', 'FROM a'],
])('pullsOf() refuses %s', async (what, text) => {
  const over = what.startsWith('a target') ? { target: 'x' } : {}
  await expect(pulls(text, over)).rejects.toThrow(expect.objectContaining({ code: 'materials/dockerfile-malformed' }))
})

test.each([
  ['# syntax=tool\nFROM a', 'tool'],
  ['# syntax=docker.io/library/tool:latest\nFROM a', 'tool'],
  ['# syntax=tool\nFROM a', 'tool::linux/amd64'],
])('13-adversary 20: a named context in the place of the frontend is refused: %j', async (text, context) => {
  await expect(pulls(text, { contexts: new Map([[context, '/run/tool']]) })).rejects.toThrow(
    expect.objectContaining({ code: 'materials/dockerfile-malformed' }),
  )
})

test('13-adversary 43: a Dockerfile is bounded in bytes, instructions, stages and references', async () => {
  const refused = (text: string) => expect(pulls(text)).rejects.toThrow(WaybillError)
  await refused(`FROM a\n#${'x'.repeat(1024 * 1024)}`)
  await refused('FROM a\n'.repeat(1001))
  await refused(`FROM a\n${'USER x\n'.repeat(20_001)}`)
  await refused(`FROM a\n${Array.from({ length: 501 }, (_, at) => `COPY --from=i${at} x y`).join('\n')}`)
})

test.each([
  ['# syntax=a b', 'a', '\\'],
  ['// syntax=evil', 'evil', '\\'],
  ['{"syntax": "json"}', 'json', '\\'],
  ['{"syntax": "json", }', 'json', '\\'],
  ['#!x\n# escape=`\n# syntax=a', 'a', '\\'],
  ['  # escape=`\n# syntax=a', undefined, '`'],
])('readDirectives() of %s', (...row) => {
  const [text, image, mark] = row
  const directives = readDirectives(text)
  expect([directives.syntax?.image, directives.mark]).toEqual([image, mark])
})

test.each(['COPY a b\nCOPY c d', 'FROM a', 'ONBUILD RUN x', '', '# x', 'FOO'])(
  'readBase() refuses the trigger %s',
  trigger => {
    expect(() => readBase({ OnBuild: [trigger] })).toThrow(WaybillError)
  },
)

test.each([' ', '\r', '\t', '\\', '$', '"', "'", '<<', '${', '-- ', '--a=', '\u00a0'])(
  '13-adversary 43: a Dockerfile with a long run of %j takes no time of its square',
  piece => {
    const run = piece.repeat(1_000_000 / piece.length)
    const line = piece.repeat(60_000 / piece.length)
    const texts = [
      `# syntax=${run}x\nFROM a`,
      `#${run}x`,
      ...['RUN', 'COPY --from=', 'ENV a=', 'ADD ', 'FROM ', 'ARG b='].map(word => `FROM a\n${word} ${line}x`),
    ]
    for (const text of texts) {
      try {
        expect(Array.isArray(pullsOf(readDockerfile(new TextEncoder().encode(text)), OPTIONS))).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }
  },
)
