import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { jest } from '@jest/globals'
import type { AllowedMaterials } from '../../src/build/allowed.ts'
import { BuildxBuilder } from '../../src/build/buildx.ts'
import { readContexts } from '../../src/build/named-contexts.ts'
import { RegistryLayouts } from '../../src/build/registry-layouts.ts'
import type { BuildRequest } from '../../src/build/request.ts'
import { utf8 } from '../../src/core/bytes.ts'
import type { Digest } from '../../src/core/digest.ts'
import { hexOf, sha256 } from '../../src/core/digest.ts'
import { HttpClient } from '../../src/io/http.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { ANONYMOUS } from '../../src/registry/credentials.ts'
import { errorOf, request, tree, world } from '../build/support.ts'
import {
  type Building,
  type Built,
  build,
  crane,
  imageOf,
  pushBase,
  pushRoot,
  rootOf,
  startBuilding,
} from './building.ts'

/** What a build is given besides its context, with real BuildKit: secrets, ssh agents, named contexts, caches. */
jest.setTimeout(120_000)

const run = promisify(execFile)
const SECRET = '-----BEGIN TEST-----\nfirst line of mallory, not told\nsecond line, "quoted"\n-----END TEST-----\n'
let building: Building
let base: Digest

beforeAll(async () => {
  building = await startBuilding()
  base = await pushBase(building, 'lib/base:1', 'one')
  const root = await rootOf(building, 'ssh', ['/usr/bin/ssh-add', building.peers.debian.busybox])
  await pushRoot(building, 'lib/ssh:1', root, ['--env=PATH=/usr/bin', '--env=HOME=/tmp'])
})
afterAll(async () => building?.close())

const at = (name: string) => `${building.registry.host}/${name}`
const sh = (command: string) => JSON.stringify(['/bin/sh', '-c', command])

/** One text of every file of every layer, and the manifests and configs, of what was pushed. */
async function everythingIn({ result }: Built): Promise<string> {
  const name = `${at('acme/out')}@${result.digest}`
  const folder = mkdtempSync(join(tmpdir(), 'waybill-pulled-'))
  try {
    await crane(building, ['pull', '--format=oci', name, folder])
    const blobs = join(folder, 'blobs', 'sha256')
    const texts = readdirSync(blobs).map(async blob => {
      const path = join(blobs, blob)
      const unpacked = await run('tar', ['-xzOf', path], { encoding: 'latin1', maxBuffer: 1 << 28 }).catch(
        () => undefined,
      )
      return unpacked?.stdout ?? readFileSync(path, 'latin1')
    })
    return (await Promise.all(texts)).join('\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function secretFile(value: string): string {
  // buildx reads the flag as CSV, and a runner may lie in any folder.
  const folder = join(mkdtempSync(join(tmpdir(), 'waybill-secret-')), 'a,b "c"')
  mkdirSync(folder)
  writeFileSync(join(folder, '0'), value, { mode: 0o600 })
  return join(folder, '0')
}

const prune = () =>
  run(building.peers.debian.docker, ['buildx', 'prune', '--all', '--force'], { env: building.env as never })

test('a secret reaches the step that mounts it, and stands in nothing that is pushed or printed', async () => {
  const wanted = hexOf(sha256(utf8(SECRET)))
  const dockerfile = `FROM ${at('lib/base:1')}\nRUN --mount=type=secret,id=key.pem,required=true ${sh('/bin/busybox sha256sum /run/secrets/key.pem > /sum; cat /sum')}\n`
  const secrets = [{ id: 'key.pem', file: secretFile(SECRET) }]
  const built = await build(building, dockerfile, undefined, { secrets, noCache: true, attestations: true })
  expect(built.log).toContain(wanted)
  const everything = await everythingIn(built)
  expect(everything.includes(wanted)).toBe(true)
  for (const line of SECRET.trim()
    .split('\n')
    .filter(text => !text.startsWith('---'))) {
    expect(everything.includes(line)).toBe(false)
    expect(built.log).not.toContain(line)
  }
  expect(built.result.opened).toEqual(['secret key.pem'])
  expect(built.result.notes.join('\n')).toContain('RUN steps were given: secret key.pem')
})

test('an agent answers in the step that mounts it, and its key stands nowhere', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-agent-'))
  const socket = join(folder, 'agent')
  const { stdout } = await run('ssh-agent', ['-a', socket])
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(stdout)?.[1])
  try {
    const key = join(folder, 'key')
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'deploy@example.com', '-f', key])
    await run('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
    const dockerfile = `FROM ${at('lib/ssh:1')}\nRUN --mount=type=ssh,required=true ["/usr/bin/ssh-add", "-L"]\n`
    const built = await build(building, dockerfile, undefined, {
      ssh: [{ id: 'default', paths: [socket] }],
      noCache: true,
    })
    expect(built.log).toContain(readFileSync(`${key}.pub`, 'utf8').split(' ')[1])
    expect(built.result.opened).toEqual(['ssh agent default'])
    const keyed = await build(building, dockerfile.replace('type=ssh', 'type=ssh,id=deploy'), undefined, {
      ssh: [{ id: 'deploy', paths: [key] }],
      noCache: true,
    })
    expect(keyed.log).toContain('ssh-ed25519')
    const [, line = 'none'] = readFileSync(key, 'utf8').split('\n')
    expect((await everythingIn(keyed)).includes(line)).toBe(false)
  } finally {
    process.kill(pid)
  }
})

const CONTEXTS = () =>
  readContexts(
    new Map([
      ['lib', 'shared/lib'],
      ['tools', `docker-image://${at('lib/base:1')}`],
    ]),
  )
const DOCKERFILE = 'FROM tools\nCOPY --from=lib /words /words\nRUN ["/bin/cat", "/words", "/version"]\n'

test('named contexts are a folder of the commit and an image, in an open build and in a closed one', async () => {
  const commitFolder = tree({ Dockerfile: DOCKERFILE, 'shared/lib/words': 'of the commit\n', 'shared/other': 'x' })
  const open = await build(building, '', undefined, { commitFolder, contexts: CONTEXTS() })
  for (const word of ['of the commit', 'this is one']) expect(open.log).toContain(word)
  const contexts = new Map([...CONTEXTS(), ['tools', `docker-image://${at('lib/base:1')}@${base}`]])
  const allowed: AllowedMaterials = {
    images: [imageOf(building, 'lib/base:1', base)],
    urls: [],
    repositories: [],
    contexts,
    pulls: [],
  }
  const closed = await build(building, '', allowed, { commitFolder, contexts, noCache: true })
  expect(closed.log).toContain('of the commit')
  expect(closed.result.enforcement?.by).toBe('builder')
  const undeclared = { ...allowed, images: [] }
  const error = await errorOf(build(building, '', undeclared, { commitFolder, contexts, noCache: true }))
  expect(error.code).toBe('materials/undeclared')
})

/** The same Dockerfile, a cache in the registry between; `secret` is no part of a layer's key. */
function cached(value: string, over: Partial<BuildRequest>): Promise<Built> {
  const dockerfile = `FROM ${at('lib/base:1')}\nRUN --mount=type=secret,id=who ${sh('cat /run/secrets/who > /who; echo ran this step')}\n`
  return build(building, dockerfile, undefined, { secrets: [{ id: 'who', file: secretFile(value) }], ...over })
}

test('13-adversary 19: what another branch wrote into a cache goes into the image, and the result says so', async () => {
  const entry = `type=registry,ref=${at('acme/cache:main')}`
  await prune()
  const first = await cached('mallory', { cacheTo: [`${entry},mode=max`] })
  expect(first.result.conditions?.cache).toBe('shared')
  await prune()
  const second = await cached('alice', { cacheFrom: [entry] })
  expect(second.log).toContain('CACHED')
  expect((await everythingIn(second)).includes('mallory')).toBe(true)
  expect(second.result.conditions?.cache).toBe('shared')
  expect(second.result.notes.join('\n')).toContain(`Layers can come from ${entry}: whoever may write there decides`)
  await prune()
  const third = await cached('alice', {})
  expect((await everythingIn(third)).includes('mallory')).toBe(false)
  expect(third.result.notes.join('\n')).not.toContain('Layers can come from')
})

test('a cache inside the image is written, and read by its name', async () => {
  await prune()
  const first = await cached('bob', { cacheTo: ['type=inline'] })
  await crane(building, ['tag', `${at('acme/out')}@${first.result.digest}`, 'inline'])
  await prune()
  const second = await cached('bob', { cacheFrom: [`type=registry,ref=${at('acme/out:inline')}`] })
  expect(second.log).toContain('CACHED')
})

test('a cache that nobody has is no reason to fail; one without a way to GitHub is not asked', async () => {
  const nobody = await cached('bob', { cacheFrom: [`type=registry,ref=${at('acme/none:main')}`] })
  expect(nobody.result.digest).toMatch(/^sha256:/)
  const gha = await cached('bob', { cacheFrom: ['type=gha,scope=main'] })
  expect(gha.result.notes.join('\n')).toContain('which other branches may write')
})

test('the second build of a comparison pushes nothing and has no attestations', async () => {
  const repository = at('acme/compared')
  const dockerfile = `FROM ${at('lib/base:1')}\nRUN ${sh('echo x > /x')}\n`
  const outer = world({ env: building.env, insecureRegistries: [building.registry.host] })
  const http = new HttpClient()
  const layouts = new RegistryLayouts(new RegistryClient({ http, credentials: ANONYMOUS }))
  const result = await new BuildxBuilder(await building.host(), { ...outer, layouts }, [])
    .build(
      request({
        commitFolder: tree({ Dockerfile: dockerfile }),
        images: [repository],
        noCache: true,
        attestations: false,
        outputLayout: true,
      }),
    )
    .finally(() => http.close())
  expect(result.pushedTo).toEqual([])
  const { stdout } = await run('tar', ['-xOf', result.layout ?? '', 'index.json'])
  expect(JSON.parse(stdout).manifests[0].mediaType).toBe('application/vnd.oci.image.manifest.v1+json')
  await expect(crane(building, ['ls', repository])).rejects.toThrow()
})
