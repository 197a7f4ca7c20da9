import { utf8 } from '../../src/core/bytes.ts'
import { readDockerfile } from '../../src/materials/dockerfile/instructions.ts'
import { pullsOf } from '../../src/materials/dockerfile/pulls.ts'
import { parseManifest } from '../../src/materials/manifest/parse.ts'
import { judgeAdds } from '../../src/pipeline/materials-adds.ts'
import type { FetchedMaterial } from '../../src/pipeline/materials-outcome.ts'
import { against, lawOf, RULES } from './materials-world.ts'

const HEX = 'd'.repeat(64)
const COMMIT = 'e'.repeat(40)
const TEXT = `version: 1
materials:
  - {name: data, uri: "https://dl.example/data", digest: {sha256: ${HEX}}, use: {dockerfile-add: true}}
  - {name: lib, uri: "git+https://dl.example/lib@v1", digest: {gitCommit: ${COMMIT}}, use: {dockerfile-add: true}}
`

function adds(
  lines: readonly string[],
  over: Partial<FetchedMaterial['judged']> = {},
  policy = RULES,
  target?: string,
) {
  const options = {
    buildArgs: new Map(),
    contexts: new Map(),
    buildPlatform: 'linux/amd64',
    targetPlatform: 'linux/amd64',
  }
  const file = readDockerfile(utf8(['FROM scratch', ...lines, ''].join('\n')))
  const pulls = pullsOf(file, target === undefined ? options : { ...options, target })
  const fetched = parseManifest(utf8(TEXT), 'm.yml').map(
    (item): FetchedMaterial => ({
      item,
      judged: {
        name: item.uri.canonical,
        kind: item.uri.kind,
        uri: item.uri.canonical,
        places: ['m.yml:3'],
        digest: Object.fromEntries(item.digest),
        verdict: 'passed',
        findings: [],
        proof: { kind: 'digest' },
        ...over,
      },
    }),
  )
  return judgeAdds(pulls, fetched, lawOf(policy).policy, 'Dockerfile')
}

const own = (lines: readonly string[], policy?: string) => adds(lines, {}, policy).judged.slice(2)

test('what the manifest declares may enter under every spelling that means it', () => {
  const { urls, repositories, judged } = adds([
    'ADD https://dl.example/data /a',
    'ADD HTTPS://DL.example:443/x/../data /b',
    'ADD https://dl.example/lib.git#v1 /c',
    'ADD https://dl.example/lib.git#v1:folder /d',
  ])
  expect(urls.map(({ url }) => url)).toContain('https://dl.example/data')
  expect(new Set(urls.map(({ sha256 }) => sha256))).toEqual(new Set([HEX]))
  expect(repositories).toContainEqual({ remote: 'https://dl.example/lib.git', ref: 'v1', commit: COMMIT })
  expect(judged).toHaveLength(2)
  expect(judged[1]?.places).toEqual(['m.yml:3', 'Dockerfile:4', 'Dockerfile:5'])
})

test('what did not pass may not enter, though it is declared', () => {
  const bad = { verdict: 'rejected', findings: [against('materials/other-bytes')] } as const
  const { urls, repositories } = adds(['ADD https://dl.example/data /'], bad)
  expect([urls, repositories]).toEqual([[], []])
})

test.each([
  [
    'a URL',
    'ADD https://dl.example/other /',
    'url',
    '{name: NAME, uri: "https://dl.example/other", digest: {sha256: HEX}',
  ],
  [
    'a repository',
    'ADD https://dl.example/else.git#v2 /',
    'git',
    'uri: "git+https://dl.example/else.git@v2", digest: {gitCommit: COMMIT}',
  ],
  ['another ref of a declared one', 'ADD https://dl.example/lib.git#v2 /', 'git', '@v2"'],
])('13-adversary 20: %s that nobody declares is refused with its line and what to write', (_what, line, kind, yaml) => {
  const [judged] = own([line])
  expect(judged).toMatchObject({ kind, verdict: 'rejected', digest: {}, places: ['Dockerfile:2'] })
  const [finding] = judged?.findings ?? []
  expect(finding?.message).toMatch(/^Dockerfile:2: \S+: ADD fetches it/)
  expect(finding?.remedy).toContain(yaml)
})

describe('a checksum in the Dockerfile', () => {
  const line = (host: string) => `ADD --checksum=sha256:${HEX} https://${host}/x /`

  test('is a declared digest where the rule asks for no key', () => {
    const { urls, judged } = adds([line('dl.example')])
    expect(urls).toContainEqual({ url: 'https://dl.example/x', sha256: HEX })
    expect(judged[2]).toMatchObject({ verdict: 'passed', digest: { sha256: HEX }, proof: { kind: 'digest' } })
  })

  test('is enough where the policy has no rules for materials', () => {
    expect(own([line('any.example')], 'version: 1\n')[0]?.verdict).toBe('passed')
  })

  test('is no signature', () => {
    const [judged] = own([line('signed.example')])
    expect(judged?.findings[0]).toMatchObject({ code: 'materials/undeclared', expected: 'a signature by one of: tool' })
  })

  test('does not allow what no rule matches', () => {
    expect(own([line('evil.example')])[0]?.findings[0]?.code).toBe('policy/no-rule')
    expect(adds([line('evil.example')]).urls.map(({ url }) => url)).toEqual(['https://dl.example/data'])
  })
})

test('13-adversary 39: without a rule it is the rule that is missing, whatever is declared', () => {
  for (const source of ['https://evil.example/x', 'https://dl.example/data?x=1', 'git@dl.example:lib.git']) {
    const [finding] = own([`ADD ${source} /`])[0]?.findings ?? []
    expect(finding).toMatchObject({ code: 'policy/no-rule' })
    expect(finding?.message).toMatch(/^Dockerfile:2: /)
  }
})

test('stages that are not built, and what only builds on the result would fetch, are not asked about', () => {
  const lines = [
    'ONBUILD ADD https://evil.example/later /',
    'FROM scratch AS other',
    'ADD https://evil.example/x /',
    'FROM scratch AS last',
  ]
  expect(adds(lines, {}, RULES, 'last').judged).toHaveLength(2)
})

test('a hostile source is shown as text and quoted in YAML', () => {
  const [judged] = own(['ADD https://dl.example/\u202e},deny:x@alice /'])
  expect(judged?.findings).toHaveLength(1)
  for (const { message, remedy } of judged?.findings ?? []) expect(message + remedy).not.toContain('\u202e')
})
