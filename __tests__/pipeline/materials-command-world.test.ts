import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { isPrintable } from '../../src/core/text.ts'
import { parseManifest } from '../../src/materials/manifest/parse.ts'
import type { MaterialsFiles } from '../../src/pipeline/materials-command-request.ts'
import { closedWorld } from '../../src/pipeline/materials-command-world.ts'
import { lawFromFile } from '../../src/policy/law.ts'
import { renderClosedWorld } from '../../src/report/closed-world.ts'

const A = 'ab'.repeat(32)
const POLICY = '.github/waybill.yml'
const MANIFEST = '.github/waybill.materials.yml'

/** A checkout with these files. */
function files(
  dockerfile: string,
  {
    policy,
    manifest,
    platforms = ['linux/amd64'],
    buildArgs = {},
    target,
    paths = [],
  }: {
    policy?: string
    manifest?: string
    platforms?: readonly string[]
    buildArgs?: Readonly<Record<string, string>>
    target?: string
    paths?: readonly string[]
  } = {},
): MaterialsFiles {
  const builds = platforms.map(targetPlatform => ({
    buildArgs: new Map(Object.entries(buildArgs)),
    contexts: new Map<string, string>(),
    buildPlatform: 'linux/amd64',
    targetPlatform,
    ...(target === undefined ? {} : { target }),
  }))
  const bytes = utf8(manifest ?? '')
  return {
    dockerfile: { path: 'Dockerfile', bytes: utf8(dockerfile) },
    builds: builds as unknown as MaterialsFiles['builds'],
    ...(policy === undefined
      ? {}
      : { policy: { path: POLICY, law: lawFromFile(utf8(`version: 1\n${policy}`), POLICY, () => undefined) } }),
    ...(manifest === undefined
      ? {}
      : { manifest: { path: MANIFEST, bytes, digest: sha256(bytes), items: parseManifest(bytes, MANIFEST) } }),
    contextPaths: paths,
  }
}

const one = (dockerfile: string, options?: Parameters<typeof files>[1]) => {
  const [pull] = closedWorld(files(dockerfile, options)).pulls
  return pull
}

test('closedWorld() names every pull in its one spelling, with the rule that decides', () => {
  const policy = `base-images:
  - {match: "docker.io/library/**", digest-lock: true}
  - {match: "ghcr.io/evil/**", deny: true}
  - match: "ghcr.io/acme/**"
    signers: [{sigstore: {identity: alice@example.com, issuer: "https://issuer.example"}}]
materials:
  - {match: "https://example.com/**"}
`
  const manifest = `version: 1
materials:
  - {name: node, uri: "docker-image://node:24", digest: {sha256: ${A}}, use: {base-image: true}}
`
  const world = closedWorld(
    files(
      `FROM node:24
FROM GHCR.IO/acme/base AS b
FROM node:22@sha256:${A}
ADD --checksum=sha256:${A} https://EXAMPLE.com/a /a
ADD https://example.com/b /b
COPY --from=ghcr.io/evil/x /x /x
COPY --from=quay.io/who/x /x /x
COPY --from=b /x /x
COPY --from=0 /x /x
`,
      { policy, manifest },
    ),
  )
  expect(
    world.pulls.map(({ line, name, rule, digest, findings }) => [
      line,
      name,
      rule?.at,
      digest?.from,
      findings.map(({ code }) => code).join(),
    ]),
  ).toEqual([
    [1, 'docker.io/library/node:24', 'base-images[0]', 'manifest', ''],
    [2, 'ghcr.io/acme/base:latest', 'base-images[2]', undefined, ''],
    [3, 'docker.io/library/node:22', 'base-images[0]', 'Dockerfile', ''],
    [4, 'https://example.com/a', 'materials[0]', 'Dockerfile', ''],
    [5, 'https://example.com/b', 'materials[0]', undefined, 'materials/undeclared'],
    [6, 'ghcr.io/evil/x:latest', undefined, undefined, 'policy/denied'],
    [7, 'quay.io/who/x:latest', undefined, undefined, 'policy/no-rule'],
  ])
  expect(world.outcome).toBe('rejected')
  expect(world.add).toEqual(['base-images:', '  - {match: "quay.io/who/x", digest-lock: true}'])
})

test('13-adversary 37: what has no spelling that a rule could match is in no line to paste', () => {
  const world = closedWorld(
    files('FROM scratch\nADD https://example.com/a.git#v1\\"},{ /x\nADD git@example.com:a.git /x\n'),
  )
  expect(world.pulls.map(({ name }) => name)).toEqual([
    'git+https://example.com/a.git@v1"},{',
    'git+ssh://git@example.com/a.git@HEAD',
  ])
  expect(world.add).toEqual([])
})

test.each([
  ['nothing to object to', 'FROM alpine@sha256:'.concat(A), 'passed'],
  ['no digest', 'FROM alpine', 'rejected'],
  ['no rule', 'FROM quay.io/a/b', 'rejected'],
  ['a transport', 'FROM oci:/tmp/x', 'rejected'],
  ['a variable that nobody sets', `FROM alpine@sha256:${A}\nADD $WHERE /x`, 'unknown'],
  ['only what no target needs', `FROM quay.io/a/b\nFROM alpine@sha256:${A}`, 'passed'],
  ['only what later builds pull', `FROM alpine@sha256:${A}\nONBUILD COPY --from=quay.io/a/b /x /x`, 'passed'],
  ['nothing pulled', 'FROM scratch\nCOPY a /a', 'passed'],
])('with a policy, %s: %s is %s', (_what, dockerfile, outcome) => {
  const policy = 'base-images: [{match: "docker.io/library/**", digest-lock: true}]\n'
  expect(closedWorld(files(dockerfile, { policy })).outcome).toBe(outcome)
})

test('without a policy nothing is judged, and rules to begin with are proposed, which Waybill reads', () => {
  const world = closedWorld(
    files(
      'FROM node:24\nFROM alpine\nCOPY --from=0 / /\nCOPY --from=localhost:5000/a/b:1 / /\nADD https://example.com/a.git#v1 https://example.com/t /\n',
    ),
  )
  expect(world.outcome).toBe('not-asked')
  expect(world.add).toEqual([
    'base-images:',
    '  - {match: "docker.io/library/**", digest-lock: true}',
    '  - {match: "localhost:5000/a/b", digest-lock: true}',
    'materials:',
    '  - {match: "git+https://example.com/a.git@v1"}',
    '  - {match: "https://example.com/t"}',
  ])
  const law = lawFromFile(utf8(`version: 1\n${world.add.join('\n')}\n`), POLICY, () => undefined)
  expect([law.policy.baseImages?.length, law.policy.materials?.length]).toEqual([2, 2])
})

test('one pull of several platforms is one line; what only one has is told', () => {
  const dockerfile =
    'ARG TARGETARCH\nFROM base:$TARGETARCH\nFROM --platform=$BUILDPLATFORM go\nCOPY --from=0 / /\nCOPY --from=x/y / /\n'
  const world = closedWorld(files(dockerfile, { platforms: ['linux/amd64', 'linux/arm64'] }))
  expect(world.pulls.map(({ name, platforms }) => [name, platforms])).toEqual([
    ['docker.io/library/base:amd64', ['linux/amd64']],
    ['docker.io/library/go:latest', ['linux/amd64']],
    ['docker.io/x/y:latest', []],
    ['docker.io/library/base:arm64', ['linux/arm64']],
  ])
})

test("the manifest's named contexts stand in for names of the Dockerfile", () => {
  const manifest = `version: 1
materials:
  - {name: base, uri: "docker-image://ghcr.io/acme/base:3", digest: {sha256: ${A}}, use: {build-context: base}}
  - {name: lib, uri: "git+https://example.com/lib@v1", digest: {gitCommit: ${'0f'.repeat(20)}}, use: {build-context: lib}}
`
  const { pulls } = closedWorld(files('FROM base\nCOPY --from=lib / /\n', { manifest }))
  expect(pulls.map(({ how, name, digest }) => [how, name, digest])).toEqual([
    ['context', 'ghcr.io/acme/base:3', { value: `sha256:${A}`, from: 'manifest' }],
    ['context', 'git+https://example.com/lib@v1', { value: '0f'.repeat(20), from: 'manifest' }],
  ])
})

test.each([
  ['ADD git@example.com:a/b.git /x', 'git+ssh://git@example.com/a/b.git@HEAD'],
  ['ADD https://example.com/a.git#v1:sub /x', 'git+https://example.com/a.git@v1'],
  ['ADD https://Example.com:443/x /x', 'https://example.com/x'],
])('%s is named %s', (add, name) => {
  expect(one(`FROM scratch\n${add}\n`)?.name).toBe(name)
})

test('renderClosedWorld() keeps foreign text printable and lines within the columns', () => {
  const world = closedWorld(
    files('FROM scratch\nADD "https://example.com/\u202eevil" /x\n', {
      paths: ['web/package-lock.json', 'go.sum', 'a\u0007/yarn.lock'],
    }),
  )
  const text = renderClosedWorld(world, { colour: false, columns: 80 })
  expect(text.split('\n').every(isPrintable)).toBe(true)
  expect(text).toContain('go.sum (Go)')
  expect(text.split('\n').filter(line => line.length > 80 && line.includes(' ') && !line.includes('http'))).toEqual([])
  expect(renderClosedWorld({ ...world, pulls: [] }, { colour: true })).toContain('pulls in nothing.')
})

test('every use and verification of a manifest is told in words', () => {
  const manifest = `version: 1
materials:
  - {name: a, uri: "https://example.com/a", digest: {sha512: ${A}${A}}, verify: {minisign: {signature: "{uri}.minisig", key: {file: keys/m.pub}}}, use: {path: vendor/a, unpack: tar}}
  - {name: b, uri: "https://example.com/b", digest: {sha256: ${A}}, verify: {checksums: {file: https://example.com/SUMS, verify: {openpgp: {signature: "{uri}.asc", key: carol}}}}, use: {dockerfile-add: true}}
  - {name: c, uri: "https://example.com/c", verify: {sigstore: {bundle: "{uri}.json", identity: a@e.example, issuer: "https://i.example"}}, use: {path: c}}
  - {name: d, uri: "artifact://acme/core/build.yml/core.tgz", verify: {github: {repository: acme/core, repository-id: 4713, signer: "acme/core/.github/workflows/build.yml@refs/heads/main", source-ref: [refs/heads/main], trigger: [push]}}, use: {path: d}}
  - {name: e, uri: "docker-image://moby/buildkit:v0.26.3", digest: {sha256: ${A}}, use: {builder: true}}
`
  const { items } = closedWorld(files('FROM scratch\n', { manifest }))
  expect(items.map(({ use, verify }) => [use, verify])).toEqual([
    ['path vendor/a, unpacked (tar)', 'minisign, key keys/m.pub of the commit: declared'],
    ['dockerfile-add', 'checksums in https://example.com/SUMS, by openpgp, key carol of the policy'],
    ['path c', 'sigstore, a@e.example'],
    ['path d', 'github, acme/core/.github/workflows/build.yml@refs/heads/main'],
    ['builder', undefined],
  ])
})

test('13-adversary 34: two spellings of one image meet one rule', () => {
  const policy = 'base-images: [{match: "docker.io/library/alpine", deny: true}, {match: "**", digest-lock: true}]\n'
  for (const spelling of ['alpine', 'docker.io/alpine', 'index.docker.io/library/alpine:3', 'DOCKER.IO/library/alpine'])
    expect(one(`FROM ${spelling}\n`, { policy })?.findings[0]?.code).toBe('policy/denied')
})
