import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BakeQuestion, evaluateBake } from '../../src/build/bake.ts'
import { bakedRequest } from '../../src/pipeline/bake.ts'
import { errorOf, request, script, temporaryFolder } from './support.ts'

const FILE = Buffer.from('target "app" {}\n')
const PRINT = {
  target: { app: { context: '.', dockerfile: 'Dockerfile', args: { A: '1', B: '1' }, labels: { a: 'b' } } },
}

/** A docker that answers so. */
function docker(body: string): { readonly PATH: string; readonly HOME: string } {
  const PATH = temporaryFolder()
  script(PATH, 'docker', body)
  chmodSync(join(PATH, 'docker'), 0o755)
  return { PATH, HOME: temporaryFolder() }
}

const question = (over: Partial<BakeQuestion> = {}): BakeQuestion => ({
  file: 'deploy/docker-bake.hcl',
  bytes: FILE,
  target: 'app',
  variables: { WAYBILL_EPOCH: '7' },
  ...over,
})

const print = (value: unknown = PRINT) => `process.stdout.write(${JSON.stringify(JSON.stringify(value))})`

test('the file is evaluated alone, with no variable but those that are documented', async () => {
  const told = join(temporaryFolder(), 'told.json')
  const env = {
    ...docker(
      `fs.writeFileSync(${JSON.stringify(told)}, JSON.stringify({ argv, env, files: fs.readdirSync('.'), text: fs.readFileSync('docker-bake.hcl', 'utf8') })); ${print()}`,
    ),
    GITHUB_TOKEN: 'ghs_x',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'y',
    INPUT_BAKE: 'z',
    SSH_AUTH_SOCK: '/agent',
    TAG: 'of-the-job',
    DOCKER_CONFIG: '/docker',
  }
  const folder = temporaryFolder()
  expect((await evaluateBake(question(), env, folder)).buildArgs).toEqual({ A: '1', B: '1' })
  expect(JSON.parse(readFileSync(told, 'utf8'))).toEqual({
    argv: ['buildx', 'bake', '--progress=quiet', '--print', '--file=docker-bake.hcl', '--', 'app'],
    env: { DOCKER_CONFIG: '/docker', LC_ALL: 'C', WAYBILL_EPOCH: '7' },
    files: ['docker-bake.hcl'],
    text: FILE.toString(),
  })
  expect(readdirSync(folder)).toEqual([])
})

test.each([
  ['ends with an error', `console.error('ERROR: failed to find target app'); process.exit(1)`, 'build/bake-unusable'],
  [
    'asks for an agent',
    `console.error('ERROR: invalid empty ssh agent socket'); process.exit(1)`,
    'build/bake-refused',
  ],
  ['prints nothing', '', 'core/json-malformed'],
  ['prints without end', `for (;;) fs.writeSync(1, 'x'.repeat(65536))`, 'build/bake-unusable'],
] as const)('an evaluation that %s is none', async (_, body, code) => {
  const error = await errorOf(evaluateBake(question(), docker(body), temporaryFolder()))
  expect(error.code).toBe(code)
})

test('without docker nobody evaluates it', async () => {
  const error = await errorOf(evaluateBake(question(), { PATH: temporaryFolder() }, temporaryFolder()))
  expect([error.code, error.remedy]).toEqual(['build/bake-unusable', expect.stringContaining('setup-buildx-action')])
})

describe('a request', () => {
  const history = (files: Readonly<Record<string, Buffer>>) => ({
    fetchTree: async () => {},
    tree: async () => Object.keys(files).map(name => ({ mode: '100644', name, id: name })),
    blob: async (id: string) => files[id],
  })
  const asked = (build = {}) => ({
    build: { ...request(), ...build },
    bake: { file: 'docker-bake.hcl', target: 'app' },
  })
  const bake = async (target: object, build = {}, files = { 'docker-bake.hcl': FILE } as Record<string, Buffer>) => {
    const notices: string[] = []
    const commit = { id: 'c'.repeat(40), tree: 't', committer: { time: 7 } }
    const questions: BakeQuestion[] = []
    const ports = {
      bake: async (given: BakeQuestion) => {
        questions.push(given)
        return { ...TARGET, ...target }
      },
    }
    const made = await bakedRequest(
      asked(build) as never,
      ports as never,
      { history: history(files), commit } as never,
      { notices },
    )
    return { build: made.build, notices, questions }
  }
  const TARGET = {
    context: 'app',
    file: 'app/Dockerfile',
    platforms: [],
    buildArgs: { A: '1', B: '1' },
    labels: { a: 'b' },
    annotations: {},
    network: 'none' as const,
    noCache: false,
    contexts: new Map<string, string>(),
    secrets: [],
    unused: [],
  }

  test('is what the target says, and inputs are added to it and win', async () => {
    const { build, questions } = await bake({}, { buildArgs: { B: '2', C: '3' }, labels: { x: 'y' } })
    expect(build).toMatchObject({
      context: 'app',
      file: 'app/Dockerfile',
      network: 'none',
      buildArgs: { A: '1', B: '2', C: '3' },
      labels: { a: 'b', x: 'y' },
    })
    expect(questions[0]?.variables).toEqual({
      WAYBILL_EPOCH: '7',
      WAYBILL_COMMIT: 'c'.repeat(40),
      WAYBILL_IMAGE: 'ghcr.io/acme/app',
    })
  })

  test('has the secrets of the inputs alone: a commit reads no file and no variable of the machine', async () => {
    const error = await errorOf(bake({ secrets: ['token'] }))
    expect([error.code, error.remedy]).toEqual(['build/bake-refused', expect.stringContaining('secrets: token=')])
    const secrets = [{ id: 'token', file: '/run/0' }]
    expect((await bake({ secrets: ['token'] }, { secrets })).build.secrets).toEqual(secrets)
  })

  test('has contexts that are folders of the commit or images', async () => {
    const contexts = new Map([
      ['src', './lib/'],
      ['base', 'docker-image://alpine:3'],
    ])
    expect([...((await bake({ contexts })).build.contexts ?? [])]).toEqual([
      ['src', 'commit:lib'],
      ['base', 'docker-image://docker.io/library/alpine:3'],
    ])
    for (const source of ['https://example.org/x.tar', 'git@github.com:a/b', 'oci-layout:///x'])
      expect((await errorOf(bake({ contexts: new Map([['src', source]]) }))).code).toBe('build/context-refused')
    for (const source of ['/etc', '../x'])
      expect((await errorOf(bake({ contexts: new Map([['src', source]]) }))).code).toBe('build/path-escapes')
  })

  test('says which fields are not used, and needs the file in the commit', async () => {
    expect((await bake({ unused: ['tags', 'output'] })).notices.join()).toContain('tags, output')
    expect((await errorOf(bake({}, {}, {}))).code).toBe('build/bake-unusable')
    expect(existsSync('docker-bake.hcl')).toBe(false)
  })
})
