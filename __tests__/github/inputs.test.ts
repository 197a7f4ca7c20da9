import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { parse } from 'yaml'
import { WaybillError } from '../../src/core/error.ts'
import {
  LEG_INPUTS,
  LEG_OUTPUTS,
  PREPARE_INPUTS,
  PREPARE_OUTPUTS,
  SIGN_INPUTS,
  SIGN_OUTPUTS,
} from '../../src/entry/workflow-table.ts'
import { readAttestInputs } from '../../src/github/attest-inputs.ts'
import {
  ATTEST_INPUTS,
  ATTEST_OUTPUTS,
  COMMENT_INPUTS,
  COMMENT_OUTPUTS,
  DEPLOY_INPUTS,
  DEPLOY_OUTPUTS,
  VERIFY_INPUTS,
  VERIFY_OUTPUTS,
} from '../../src/github/input-table.ts'
import { readVerifyInputs } from '../../src/github/verify-inputs.ts'
import { errorOf } from './support.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const COMMIT = '4f2d1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a0'
const DIGEST = `sha256:${'a'.repeat(64)}`

/** Inputs as the runner hands them over. */
function env(inputs: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]))
}

const attest = (inputs: Readonly<Record<string, string>>) => readAttestInputs(env(inputs))
const verify = (inputs: Readonly<Record<string, string>>) =>
  readVerifyInputs(env({ images: 'ghcr.io/acme/app:v1', ...inputs }))

test.each([
  ['action.yml', ATTEST_INPUTS, ATTEST_OUTPUTS, 'dist/attest.js'],
  ['verify/action.yml', VERIFY_INPUTS, VERIFY_OUTPUTS, '../dist/verify.js'],
  ['deploy/action.yml', DEPLOY_INPUTS, DEPLOY_OUTPUTS, '../dist/deploy.js'],
  ['comment/action.yml', COMMENT_INPUTS, COMMENT_OUTPUTS, '../dist/comment.js'],
  ['prepare/action.yml', PREPARE_INPUTS, PREPARE_OUTPUTS, '../dist/prepare.js'],
  ['leg/action.yml', LEG_INPUTS, LEG_OUTPUTS, '../dist/leg.js'],
  ['sign/action.yml', SIGN_INPUTS, SIGN_OUTPUTS, '../dist/sign.js'],
] as const)('%s lists exactly what the table serves', (file, inputs, outputs, main) => {
  const action = parse(readFileSync(join(ROOT, file), 'utf8'))
  expect(action.runs).toEqual({ using: 'node24', main })
  expect(Object.keys(action.inputs)).toEqual(inputs.filter(row => row.served).map(row => row.name))
  for (const row of inputs.filter(entry => entry.served)) {
    expect(action.inputs[row.name].description).toBe(row.description)
    expect(action.inputs[row.name].default).toBe(row.default)
  }
  expect(Object.entries(action.outputs)).toEqual(outputs.map(({ name, description }) => [name, { description }]))
})

test.each([ATTEST_INPUTS, VERIFY_INPUTS, DEPLOY_INPUTS, COMMENT_INPUTS, PREPARE_INPUTS, LEG_INPUTS, SIGN_INPUTS])(
  'a table names every input once, in one line',
  (...table) => {
    const names = table.map(row => row.name)
    expect(new Set(names).size).toBe(names.length)
    for (const { name, description } of table) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
      expect(description).toMatch(/^[^\n]{3,110}\.$/)
    }
  },
)

test('the smallest step has defaults for everything', () => {
  expect(attest({ tags: 'v1', 'github-token': 'ghs' })).toEqual({
    comment: 'auto',
    sourceMode: 'auto',
    secrets: new Map(),
    secretFiles: new Map(),
    ssh: [],
    buildContexts: new Map(),
    cacheFrom: [],
    cacheTo: [],
    materialsMode: 'auto',
    legacySignatures: false,
    githubAttestations: false,
    builder: 'auto',
    context: '.',
    platforms: [],
    buildArgs: {},
    recordBuildArgs: [],
    recordInputs: [],
    labels: {},
    annotations: {},
    network: 'default',
    reproducible: 'off',
    commandIsolation: 'required',
    images: [],
    tags: ['v1'],
    files: [],
    allowRollback: false,
    sign: 'auto',
    transparencyLog: 'auto',
    insecureRegistries: [],
    caCertificates: [],
    githubToken: 'ghs',
    summary: true,
  })
})

test('defaults of action.yml arrive as inputs and change nothing', () => {
  const given = Object.fromEntries(
    ATTEST_INPUTS.filter(row => row.served).map(row => [
      row.name,
      row.name === 'github-token' ? 't' : (row.default ?? ''),
    ]),
  )
  expect(attest(given)).toEqual({ ...attest({}), githubToken: 't' })
})

test('every input arrives typed', () => {
  expect(
    attest({
      commit: COMMIT,
      'source-mode': 'enforce',
      policy: './.github/waybill.yml',
      since: COMMIT,
      materials: './deps/materials.yml',
      'materials-mode': 'enforce',
      builder: 'buildah',
      context: 'app',
      file: 'app/Dockerfile',
      target: 'release',
      platforms: 'linux/amd64\n  linux/arm64  \n\n',
      'build-args': 'A=1\nB=x=y\nC=',
      'record-build-args': 'A',
      'record-inputs': 'version\nchannel',
      labels: 'a.b=c d',
      annotations: 'e=f',
      network: 'none',
      reproducible: 'off',
      images: 'ghcr.io/acme/app\nregistry.example:5000/app',
      tags: 'v1\r\nlatest',
      'allow-rollback': 'true',
      push: 'true',
      name: 'web',
      sign: 'True',
      'signing-config': 'config.json',
      'trusted-root': 'root.json',
      'transparency-log': 'own',
      'legacy-signatures': 'true',
      'github-attestations': 'true',
      sbom: 'out/sbom.json',
      'github-token': 'ghs',
      'insecure-registries': '127.0.0.1:5000\n[::1]:5000',
      'ca-certificates': 'ca.pem\nmore/ca.pem',
      files: 'dist/*.tgz\ndist/*.zip',
      'files-repository': 'ghcr.io/acme/files',
      summary: 'false',
      result: 'out/result.json',
      comment: 'on-change',
    }),
  ).toEqual({
    secrets: new Map(),
    secretFiles: new Map(),
    ssh: [],
    buildContexts: new Map(),
    cacheFrom: [],
    cacheTo: [],
    comment: 'on-change',
    commit: COMMIT,
    sourceMode: 'enforce',
    materialsMode: 'enforce',
    materials: 'deps/materials.yml',
    legacySignatures: true,
    githubAttestations: true,
    sbom: 'out/sbom.json',
    githubToken: 'ghs',
    policy: './.github/waybill.yml',
    since: COMMIT,
    builder: 'buildah',
    context: 'app',
    file: 'app/Dockerfile',
    target: 'release',
    platforms: ['linux/amd64', 'linux/arm64'],
    buildArgs: { A: '1', B: 'x=y', C: '' },
    recordBuildArgs: ['A'],
    recordInputs: ['version', 'channel'],
    labels: { 'a.b': 'c d' },
    annotations: { e: 'f' },
    network: 'none',
    reproducible: 'off',
    commandIsolation: 'required',
    images: ['ghcr.io/acme/app', 'registry.example:5000/app'],
    tags: ['v1', 'latest'],
    files: ['dist/*.tgz', 'dist/*.zip'],
    filesRepository: 'ghcr.io/acme/files',
    allowRollback: true,
    push: true,
    name: 'web',
    sign: true,
    signingConfig: 'config.json',
    trustedRoot: 'root.json',
    transparencyLog: 'own',
    insecureRegistries: ['127.0.0.1:5000', '[::1]:5000'],
    caCertificates: ['ca.pem', 'more/ca.pem'],
    summary: false,
    result: 'out/result.json',
  })
})

test('a digest or layout says what the builder is', () => {
  expect(attest({ digest: DIGEST })).toMatchObject({ builder: 'none', digest: DIGEST })
  expect(attest({ layout: 'out' })).toMatchObject({ builder: 'layout', layout: 'out' })
  expect(attest({ command: './build.sh', layout: 'out' })).toMatchObject({ builder: 'command', layout: 'out' })
})

test.each([
  ['tag', 'tags'],
  ['platfroms', 'platforms'],
  ['build_args', 'build-args'],
  ['nonsense-here', undefined],
])('an input that does not exist is refused: %s (near: %s)', async (name, near) => {
  const error = await errorOf(() => attest({ [name]: 'x' }))
  expect(error).toMatchObject({ code: 'entry/input-unsupported', found: name })
  if (near !== undefined) expect(error.remedy).toBe(`Write ${near}.`)
  expect((await errorOf(() => attest({ [name]: '' }))).code).toBe('entry/input-unsupported')
})

test('a policy of another repository may judge commits; the gate does not serve it', async () => {
  const policy = 'acme/policies@refs/heads/main:waybill.yml'
  expect(attest({ policy })).toMatchObject({ policy })
  expect((await errorOf(() => verify({ images: 'ghcr.io/acme/app', policy }))).code).toBe('entry/input-unsupported')
})

test.each(['../policy.yml', '/etc/policy.yml', 'a//b'])('the gate refuses %s as a policy', async policy => {
  expect((await errorOf(() => verify({ images: 'ghcr.io/acme/app', policy }))).code).toBe('entry/input-malformed')
})

test.each([
  [{ commit: 'main' }],
  [{ commit: COMMIT.slice(0, 12) }],
  [{ since: 'HEAD~3' }],
  [{ 'source-mode': 'Enforce' }],
  [{ builder: 'docker' }],
  [{ network: 'host' }],
  [{ push: 'yes' }],
  [{ sign: '1' }],
  [{ summary: 'no' }],
  [{ digest: 'v1' }],
  [{ digest: DIGEST.toUpperCase() }],
  [{ 'build-args': 'NAME' }],
  [{ 'build-args': '=x' }],
  [{ labels: 'a=1\na=2' }],
  [{ name: '../x' }],
  [{ name: 'a b' }],
  [{ 'transparency-log': 'private' }],
  [{ 'materials-mode': 'maybe' }],
  [{ materials: '../deps.yml' }],
  [{ materials: '/etc/deps.yml' }],
  [{ 'insecure-registries': 'http://x' }],
  [{ 'github-token': 'two words' }],
])('attest refuses %j', async inputs => {
  expect((await errorOf(() => attest(inputs))).code).toBe('entry/input-malformed')
})

test('a token or build argument in the wrong place is not shown', async () => {
  for (const inputs of [{ 'github-token': 'secret word' }, { 'build-args': 'secret word' }])
    expect(JSON.stringify(await errorOf(() => attest(inputs)))).not.toContain('secret')
})

test.each([
  [{ digest: DIGEST, layout: 'x' }],
  [{ digest: DIGEST, builder: 'buildx' }],
  [{ layout: 'x', builder: 'buildah' }],
  [{ builder: 'none' }],
  [{ builder: 'layout' }],
  [{ digest: DIGEST, context: 'app' }],
  [{ digest: DIGEST, 'build-args': 'A=1' }],
  [{ layout: 'x', platforms: 'linux/amd64' }],
  [{ layout: 'x', network: 'none' }],
  [{ push: 'false', tags: 'v1' }],
  [{ push: 'false', sign: 'true' }],
  [{ push: 'false', digest: DIGEST }],
  [{ 'signing-config': 'c' }],
  [{ 'transparency-log': 'own' }],
  [{ 'transparency-log': 'none' }],
  [{ 'transparency-log': 'public', 'signing-config': 'c', 'trusted-root': 'r' }],
  [{ sign: 'false', 'transparency-log': 'public' }],
  [{ sign: 'false', 'signing-config': 'c', 'trusted-root': 'r' }],
  [{ 'files-repository': 'ghcr.io/acme/files' }],
  [{ key: 'env:KEY', sign: 'false' }],
  [{ 'legacy-signatures': 'true', sign: 'false' }],
  [{ 'legacy-signatures': 'true', push: 'false' }],
  [
    {
      'legacy-signatures': 'true',
      'transparency-log': 'none',
      'signing-config': 'c',
      'trusted-root': 'r',
      'github-token': 'ghs',
    },
  ],
  [{ 'github-attestations': 'true' }],
  [{ 'github-attestations': 'true', 'github-token': 'ghs', sign: 'false' }],
  [{ sbom: 'auto', builder: 'none', files: 'dist/*' }],
  [{ sbom: 'sbom.json', sign: 'false' }],
  [{ key: 'env:KEY', 'transparency-log': 'none' }],
  [{ key: 'env:KEY', 'transparency-log': 'own' }],
  [{ files: '*.tgz', 'key-password': 'env:PASSWORD' }],
  [{ files: '*.tgz', sign: 'false' }],
  [{ files: '*.tgz', builder: 'none', tags: 'v1' }],
  [{ files: '*.tgz', builder: 'none', images: 'ghcr.io/acme/app' }],
  [{ files: '*.tgz', builder: 'none', push: 'true' }],
  [{ files: '*.tgz', builder: 'none', key: 'env:KEY', 'transparency-log': 'own' }],
  [{ builder: 'none' }],
  [{ 'source-mode': 'enforce' }],
  [{ 'source-mode': 'off', since: COMMIT }],
  [{ 'materials-mode': 'off', materials: 'deps.yml' }],
  [{ 'materials-mode': 'audit', digest: DIGEST }],
  [{ 'materials-mode': 'enforce', since: COMMIT, layout: 'x' }],
  [{ materials: 'deps.yml', layout: 'x' }],
  [{ 'materials-mode': 'audit', files: '*.tgz', builder: 'none' }],
  [{ 'materials-mode': 'enforce' }],
  [{ 'materials-mode': 'enforce', 'source-mode': 'off' }],
])('attest finds the contradiction in %j', async inputs => {
  const error = await errorOf(() => attest(inputs as Record<string, string>))
  expect(error.code).toBe('entry/input-contradiction')
  expect(error.remedy).toMatch(/^Set: ./)
})

test('files are signed beside an image, alone, and alone with a key, which needs no service', () => {
  expect(attest({ files: '*.tgz', digest: DIGEST })).toMatchObject({ builder: 'none', files: ['*.tgz'] })
  expect(attest({ files: '*.tgz', builder: 'none' })).toMatchObject({ builder: 'none', files: ['*.tgz'] })
  const keyed = { files: '*.tgz', builder: 'none', key: 'env:KEY', 'key-password': 'env:PASSWORD' }
  expect(attest({ ...keyed, 'transparency-log': 'none' })).toMatchObject({
    key: 'env:KEY',
    keyPassword: 'env:PASSWORD',
    transparencyLog: 'none',
  })
})

test.each([{}, { digest: DIGEST }, { layout: 'out' }, { files: '*.tgz' }])('a key signs an image, with %j', given => {
  const key = { key: 'env:KEY', 'key-password': 'env:PASSWORD' }
  expect(attest({ ...given, ...key })).toMatchObject({ key: 'env:KEY', keyPassword: 'env:PASSWORD' })
})

test('13-adversary 23: none and own never combine with the public certificate authority', async () => {
  for (const log of ['none', 'own']) {
    expect((await errorOf(() => attest({ 'transparency-log': log }))).code).toBe('entry/input-contradiction')
    expect(attest({ 'transparency-log': log, 'signing-config': 'c', 'trusted-root': 'r' }).transparencyLog).toBe(log)
  }
})

test('verify reads every input typed', () => {
  expect(
    verify({
      images: 'a.example/x:1\na.example/y@sha256:z',
      repository: 'acme/app',
      'repository-id': '4711',
      signer: 'acme/app/.github/workflows/release.yml@refs/tags/v1',
      caller: 'acme/app/.github/workflows/ci.yml@refs/heads/main',
      'source-ref': 'refs/tags/v*\nrefs/heads/main',
      require: 'signature\nprovenance',
    }),
  ).toEqual({
    images: ['a.example/x:1', 'a.example/y@sha256:z'],
    files: [],
    manifests: [],
    compose: [],
    expectImages: [],
    allowPrivateAddress: false,
    bundles: [],
    stage: 'deploy',
    offline: false,
    pin: false,
    repository: 'acme/app',
    repositoryId: '4711',
    signer: 'acme/app/.github/workflows/release.yml@refs/tags/v1',
    caller: 'acme/app/.github/workflows/ci.yml@refs/heads/main',
    sourceRefs: ['refs/tags/v*', 'refs/heads/main'],
    require: ['signature', 'provenance'],
    insecureRegistries: [],
    caCertificates: [],
    transparencyLog: 'auto',
    summary: true,
  })
})

test.each([
  [{ images: '' }, 'entry/input-missing'],
  [{ images: ' \n ' }, 'entry/input-missing'],
  [{ stage: 'runtime' }, 'entry/input-malformed'],
  [{ stage: 'run' }, 'entry/input-contradiction'],
  [{ offline: 'yes' }, 'entry/input-malformed'],
  [{ quarantine: 'on' }, 'entry/input-malformed'],
  [{ quarantine: 'attest', offline: 'true' }, 'entry/input-contradiction'],
  [{ quarantine: 'attest', 'transparency-log': 'own' }, 'entry/input-contradiction'],
  [{ quarantine: 'attest', 'transparency-log': 'none' }, 'entry/input-contradiction'],
  [{ quarantine: 'attest', 'transparency-log': 'public', 'signing-config': 'c' }, 'entry/input-contradiction'],
  [{ quarantine: 'files', 'signing-config': 'c' }, 'entry/input-contradiction'],
  [{ 'transparency-log': 'public' }, 'entry/input-contradiction'],
  [{ pin: 'true' }, 'entry/input-contradiction'],
  [{ 'predicate-type': 'sbom' }, 'entry/input-malformed'],
  [{ policy: '.github/waybill.yml', offline: 'true' }, 'entry/input-contradiction'],
  [{ policy: '.github/waybill.yml', 'predicate-type': 'https://a.example/p' }, 'entry/input-contradiction'],
  [{ policy: '.github/waybill.yml', 'certificate-oidc-issuer': 'https://i.example' }, 'entry/input-contradiction'],
  [{ require: 'signature,provenance' }, 'entry/input-malformed'],
  [{ 'repository-id': 'acme' }, 'entry/input-malformed'],
  [{ repository: 'acme' }, 'entry/input-malformed'],
  [{ 'certificate-oidc-issuer': 'github' }, 'entry/input-malformed'],
  [{ 'certificate-identity': 'alice@example.com' }, 'entry/input-contradiction'],
  [{ 'certificate-oidc-issuer': 'https://i.example' }, 'entry/input-contradiction'],
  [{ signer: 'x' }, 'entry/input-contradiction'],
  [{ 'source-ref': 'refs/heads/main' }, 'entry/input-contradiction'],
  [{ policy: '.github/waybill.yml', key: 'k.pub' }, 'entry/input-contradiction'],
  [{ repository: 'acme/app', key: 'k.pub' }, 'entry/input-contradiction'],
  [{ tags: 'v1' }, 'entry/input-unsupported'],
] as const)('verify refuses %j with %s', async (inputs, code) => {
  expect((await errorOf(() => verify(inputs as Record<string, string>))).code).toBe(code)
})

test.each(['files', 'manifests', 'compose'])('verify needs no image beside %s', name => {
  expect(verify({ images: '', [name]: 'deploy/*.yaml' })).toMatchObject({ images: [], [name]: ['deploy/*.yaml'] })
})

test('verify takes a repository of an own server, with its issuer', () => {
  const issuer = 'https://github.corp.example/_services/token'
  expect(verify({ repository: 'acme/app', 'repository-id': '1', 'certificate-oidc-issuer': issuer })).toMatchObject({
    certificateOidcIssuer: issuer,
  })
})

test('nothing said about who is expected is left to the gate', () => {
  expect(() => verify({})).not.toThrow()
})

test('any inputs are read or a typed error', () => {
  const names = ATTEST_INPUTS.map(row => row.name)
  const value = fc.oneof(fc.constantFrom('true', 'auto', 'none', DIGEST, COMMIT, 'a=b', '__proto__=x', ''), fc.string())
  fc.assert(
    fc.property(fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), value), inputs => {
      try {
        attest(inputs)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})

test('a build argument called __proto__ is an ordinary one', () => {
  expect(Object.entries(attest({ 'build-args': '__proto__=x\nconstructor=y' }).buildArgs)).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
})

test.each(['state-web', 'STATE-web'])(
  'a step named %s would share an artifact with the state of another',
  async text => {
    const error = await errorOf(() => attest({ name: text }))
    expect([error.code, error.found]).toEqual(['entry/input-malformed', text])
    expect(attest({ name: 'stateful' }).name).toBe('stateful')
  },
)
