import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommandBuilder, type CommandOrder } from '../../src/build/command.ts'
import type { ImagePort, PushedImage } from '../../src/build/registry-images.ts'
import type { BuildRequest } from '../../src/build/request.ts'
import type { Digest } from '../../src/core/digest.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { DIGEST, errorOf, OTHER, request, script, type TestWorld, temporaryFolder, tree, world } from './support.ts'

const APP = 'ghcr.io/acme/app'
const ATTACK = { ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'token', ACTIONS_ID_TOKEN_REQUEST_URL: 'https://token.example' }

/** A registry that has these digests in every repository; a copy is remembered. */
class FakeImages implements ImagePort {
  readonly copies: string[] = []
  readonly has: Map<Digest, readonly Digest[]>

  constructor(has: readonly (readonly [Digest, readonly Digest[]])[] = [[DIGEST, []]]) {
    this.has = new Map(has)
  }

  async find(_repository: string, digest: Digest): Promise<PushedImage | undefined> {
    const children = this.has.get(digest)
    return children && { digest, mediaType: 'application/vnd.oci.image.index.v1+json', children }
  }

  async copy(from: string, to: string, digest: Digest): Promise<void> {
    this.copies.push(`${from} ${to} ${digest}`)
  }
}

interface Case {
  readonly body: string
  readonly order?: Partial<CommandOrder>
  readonly over?: Partial<BuildRequest>
  readonly images?: FakeImages
  readonly made?: TestWorld
}

/** Runs a script of the commit, which is Node with `argv`, `env` and `fs`. */
async function build({ body, order, over, images = new FakeImages(), made = world() }: Case) {
  const commitFolder = tree({})
  script(commitFolder, 'build.sh', body)
  const builder = new CommandBuilder(
    { argv: ['./build.sh', '--flag', 'a b'], writes: { kind: 'image-refs', path: 'refs.txt' }, ...order },
    made,
    images,
  )
  return { result: await builder.build(request({ commitFolder, ...over })), commitFolder, made }
}

const writes = (text: string) => `fs.writeFileSync('refs.txt', ${JSON.stringify(text)})`

test('the command gets its words as they are, runs in the exported commit, and its image is taken', async () => {
  const { result, commitFolder, made } = await build({
    body: `console.log(JSON.stringify(argv), process.cwd()); ${writes(`${APP}@${DIGEST}\n`)}`,
  })
  expect(made.printed()).toContain(`["--flag","a b"] ${commitFolder}`)
  expect(result).toMatchObject({
    builder: 'command',
    digest: DIGEST,
    pushedTo: [APP],
    imageRefs: 'refs.txt',
    tools: [],
  })
  expect([result.conditions, result.observed, result.commandIsolation]).toEqual([undefined, undefined, undefined])
})

test('13-adversary 15: a command claims neither tools nor conditions, and says that nobody knows the source', async () => {
  const { result } = await build({ body: writes(`${APP}@${DIGEST}`) })
  expect([result.tools, result.conditions, result.enforcement]).toEqual([[], undefined, undefined])
  expect(result.notes.join()).toContain('nothing says that it came from the commit')
  expect(JSON.stringify(result)).not.toContain('a b')
})

test('13-adversary 16: the environment is an allow-list, without any token, input or file of the runner', async () => {
  const env = {
    ...ATTACK,
    PATH: process.env.PATH,
    HOME: temporaryFolder(),
    GITHUB_TOKEN: 'ghs_x',
    GITHUB_OUTPUT: '/out',
    GITHUB_ENV: '/env',
    INPUT_COMMAND: 'x',
    SIGSTORE_ID_TOKEN: 'y',
    ACTIONS_RUNTIME_TOKEN: 'z',
    RUNNER_TEMP: '/t',
    MY_SECRET: 'm',
    DOCKER_CONFIG: '/docker',
  }
  const login = { host: 'ghcr.io', username: 'alice', password: 'token-of-the-job' }
  const made = world({ env, logins: [login] })
  const body = `console.log(JSON.stringify(env)); ${writes(`${APP}@${DIGEST}`)}`
  await build({ body, made, over: { sourceDateEpoch: 7 } })
  expect(Object.keys(JSON.parse(made.printed())).sort()).toEqual([
    'DOCKER_CONFIG',
    'HOME',
    'KO_DOCKER_REPO',
    'LC_ALL',
    'PATH',
    'SOURCE_DATE_EPOCH',
    'WAYBILL_IMAGE',
    'WAYBILL_PUSH',
  ])
  expect(JSON.parse(made.printed())).toMatchObject({
    DOCKER_CONFIG: '/docker',
    WAYBILL_PUSH: 'true',
    KO_DOCKER_REPO: APP,
  })
})

test('13-adversary 16: beside a token it is said plainly, and recorded', async () => {
  const { result } = await build({ body: writes(`${APP}@${DIGEST}`), order: { isolation: 'none' } })
  expect(result.commandIsolation).toBe('none')
  expect(result.notes.join(' ')).toContain('could have signed anything')
})

test('an index stands among its own manifests, as ko and apko write them', async () => {
  const images = new FakeImages([
    [OTHER, [DIGEST]],
    [DIGEST, []],
  ])
  const { result } = await build({ body: writes(`${APP}@${DIGEST}\n${APP}@${OTHER}\n`), images })
  expect(result.digest).toBe(OTHER)
})

test('the image is copied to the other repositories', async () => {
  const images = new FakeImages()
  const { result } = await build({
    body: writes(`b.example/app@${DIGEST}`),
    images,
    over: { images: ['a.example/app', 'b.example/app', 'c.example/app'] },
  })
  expect(images.copies).toEqual([`b.example/app a.example/app ${DIGEST}`, `b.example/app c.example/app ${DIGEST}`])
  expect(result.pushedTo).toEqual(['a.example/app', 'b.example/app', 'c.example/app'])
})

test('a digest alone is one of the first repository', async () => {
  const { result } = await build({ body: writes(DIGEST) })
  expect([result.digest, result.pushedTo]).toEqual([DIGEST, [APP]])
})

test('a run that pushes nothing asks no registry', async () => {
  const images = new FakeImages([])
  const { result } = await build({ body: writes(`${APP}@${DIGEST}`), images, over: { push: false } })
  expect([result.digest, result.pushedTo]).toEqual([DIGEST, []])
})

test('an OCI layout is pushed by Waybill, and needs no login of the command', async () => {
  const { result, commitFolder, made } = await build({
    body: `fs.mkdirSync('out')`,
    order: { writes: { kind: 'layout', path: 'out' } },
  })
  const path = join(commitFolder, 'out')
  expect(made.layouts.calls).toEqual([`read ${path}`, `push ${APP} ${path}`])
  expect([result.digest, result.imageRefs]).toEqual([DIGEST, undefined])
})

test.each([
  ['writes nothing', '', 'build/command-result-missing'],
  ['writes an empty file', writes(''), 'build/image-refs-malformed'],
  ['names a tag', writes(`${APP}:v1`), 'build/image-refs-malformed'],
  ['writes garbage', writes('\u0000\u0001 nothing'), 'build/image-refs-malformed'],
  [
    'writes too much',
    `fs.writeFileSync('refs.txt', 'x'.repeat(${LIMITS.imageRefsBytes + 1}))`,
    'build/image-refs-malformed',
  ],
  ['makes a folder', `fs.mkdirSync('refs.txt')`, 'build/command-result-missing'],
  ['names another repository', writes(`ghcr.io/mallory/app@${DIGEST}`), 'build/image-refs-foreign'],
  ['names a digest that nobody has', writes(`${APP}@${OTHER}`), 'build/image-refs-absent'],
  ['ends with an error', `${writes(`${APP}@${DIGEST}`)}; process.exit(3)`, 'build/failed'],
  ['kills itself', `process.kill(process.pid, 'SIGKILL')`, 'build/failed'],
] as const)('a command that %s ends the run', async (_, body, code) => {
  expect((await errorOf(build({ body }))).code).toBe(code)
})

test('two images are none', async () => {
  const images = new FakeImages([
    [DIGEST, []],
    [OTHER, []],
  ])
  const error = await errorOf(build({ body: writes(`${APP}@${DIGEST}\n${APP}@${OTHER}`), images }))
  expect(error.code).toBe('build/image-refs-several')
})

test.each(['file', 'link'] as const)('what stood there before the command began is refused: a %s', async kind => {
  const made = world()
  const commitFolder = tree({})
  script(commitFolder, 'build.sh', '')
  const path = join(commitFolder, 'refs.txt')
  if (kind === 'file') writeFileSync(path, `${APP}@${DIGEST}`)
  else symlinkSync('nowhere', path)
  const order: CommandOrder = { argv: ['./build.sh'], writes: { kind: 'image-refs', path: 'refs.txt' } }
  const error = await errorOf(new CommandBuilder(order, made, new FakeImages()).build(request({ commitFolder })))
  expect(error.code).toBe('build/command-stale')
})

test.each([
  ['/bin/sh', 'absolute'],
  ['./missing.sh', 'not in the commit'],
  ['./plain.sh', 'not executable'],
  ['./out.sh', 'a link out of the commit'],
  ['no-such-program-anywhere', 'not on PATH'],
])('the program %s is refused: %s', async word => {
  const commitFolder = tree({ 'plain.sh': '#!/bin/sh\n' })
  chmodSync(join(commitFolder, 'plain.sh'), 0o644)
  symlinkSync('/bin/sh', join(commitFolder, 'out.sh'))
  const order: CommandOrder = { argv: [word], writes: { kind: 'layout', path: 'out' } }
  const error = await errorOf(new CommandBuilder(order, world(), new FakeImages()).build(request({ commitFolder })))
  expect([error.code, (error.remedy ?? '') !== '']).toEqual(['build/command-missing', true])
})

test('a folder of the commit is where it runs', async () => {
  const commitFolder = tree({})
  mkdirSync(join(commitFolder, 'web'))
  script(join(commitFolder, 'web'), 'build.sh', writes(`${APP}@${DIGEST}`))
  const order: CommandOrder = { argv: ['./build.sh'], writes: { kind: 'image-refs', path: 'refs.txt' } }
  const builder = new CommandBuilder(order, world(), new FakeImages())
  expect((await builder.build(request({ commitFolder, context: 'web' }))).digest).toBe(DIGEST)
  expect(existsSync(join(commitFolder, 'web', 'refs.txt'))).toBe(true)
  expect((await errorOf(builder.build(request({ commitFolder, context: 'none' })))).code).toBe('build/context-missing')
})

test('whatever it starts ends with it: at its end, and when its time is over', async () => {
  const pid = join(temporaryFolder(), 'pid')
  const child = `const c = require('node:child_process').spawn('sleep', ['600'], { stdio: 'inherit' }); fs.writeFileSync(${JSON.stringify(pid)}, String(c.pid));`
  const { result } = await build({ body: `${child} ${writes(`${APP}@${DIGEST}`)}; process.exit(0)` })
  expect(result.digest).toBe(DIGEST)
  await ended(Number(readFileSync(pid, 'utf8')))
  const error = await errorOf(build({ body: child, order: { timeoutMs: 1_000 } }))
  expect([error.code, error.message]).toEqual(['build/failed', expect.stringContaining('did not end')])
  await ended(Number(readFileSync(pid, 'utf8')))
})

/** Waits until there is no such process any more; one that lives on lets the test time out. */
async function ended(pid: number): Promise<void> {
  for (;;) {
    const state = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] : 'gone'
    if (state === 'gone' || state?.startsWith('Z')) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
