import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AllowedMaterials } from '../../src/build/allowed.ts'
import { sourcePolicy } from '../../src/build/source-policy.ts'
import { type Digest, sha256 } from '../../src/core/digest.ts'
import { OCI_INDEX } from '../../src/registry/manifest.ts'
import { parseReference } from '../../src/registry/reference.ts'
import { MaterialsCases } from '../build/materials-cases.ts'
import { allowing } from '../build/policy-model.ts'
import { errorOf, script } from '../build/support.ts'
import {
  type Building,
  build,
  type Committed,
  crane,
  imageOf,
  publish,
  pushBase,
  pushRoot,
  rootOf,
  startBuilding,
} from './building.ts'

const cases = new MaterialsCases('buildkit')
let building: Building
let base: Digest
let other: Digest
let frontend: Digest
let trigger: Digest
let library: Committed
let module: Committed

beforeAll(async () => {
  building = await startBuilding()
  base = await pushBase(building, 'lib/base:1', 'one')
  other = await pushBase(building, 'lib/other:1', 'other')
  const root = await rootOf(building, 'frontend', [building.peers.go['dockerfile-frontend']])
  const label = '--label=moby.buildkit.frontend.network.none=true'
  frontend = await pushRoot(building, 'lib/frontend:1', root, ['--entrypoint=/usr/bin/dockerfile-frontend', label])
  const onbuild = await build(
    building,
    `FROM ${at('lib/base:1')}\nONBUILD COPY --from=${at('lib/other:1')} /version /other\n`,
    undefined,
  )
  trigger = onbuild.result.digest
  await crane(building, ['tag', `${at('acme/out')}@${trigger}`, 'trigger'])
  module = await publish(building, 'acme/module', { part: 'of the module\n' })
  library = await publish(building, 'acme/library', { file: 'of the library\n' }, { module })
})

afterAll(async () => building?.close())

const at = (name: string) => `${building.registry.host}/${name}`
const BASE = () => imageOf(building, 'lib/base:1', base)
const OTHER = () => imageOf(building, 'lib/other:1', other)
const FRONTEND = () => imageOf(building, 'lib/frontend:1', frontend, 'frontend')
const TRIGGER = () => imageOf(building, 'acme/out:trigger', trigger)
const LIBRARY = () => ({ remote: library.remote, ref: 'v1', commit: library.commit })
const MODULE = () => ({ remote: module.remote, ref: 'v1', commit: module.commit })
const sum = (text: string) => createHash('sha256').update(text).digest('hex')

interface Kind {
  readonly dockerfile: () => string
  /** Allowed both times. */
  readonly already?: () => Partial<AllowedMaterials>
  /** Allowed only the second time. */
  readonly declared: () => Partial<AllowedMaterials>
  /** Identifier that the builder refuses. */
  readonly refused: () => string
  readonly buildArgs?: () => Record<string, string>
  /** Printed by the build that is allowed. */
  readonly prints?: string
}

const image = (name: string) => `docker-image://${at(name)}`

/** Everything of 4-materials § 2 that can pull something in. */
const KINDS: Readonly<Record<string, Kind>> = {
  FROM: {
    dockerfile: () => `FROM ${at('lib/base:1')}\nRUN cat /version\n`,
    declared: () => ({ images: [BASE()] }),
    refused: () => image('lib/base:1'),
    prints: 'this is one',
  },
  'FROM with arguments': {
    dockerfile: () =>
      `ARG NAME\nARG TAG=x1\nFROM --platform=$BUILDPLATFORM ${at('lib')}/\${NAME:-base}:\${TAG#x}\nRUN cat /version\n`,
    declared: () => ({ images: [BASE()] }),
    refused: () => image('lib/base:1'),
    prints: 'this is one',
  },
  'FROM with tag and digest': {
    dockerfile: () => `FROM ${at('lib/base:1')}@${base}\nRUN cat /version\n`,
    declared: () => ({ images: [imageOf(building, `lib/base:1@${base}`, base)] }),
    refused: () => `${image('lib/base:1')}@${base}`,
    prints: 'this is one',
  },
  'FROM with a digest alone': {
    dockerfile: () => `FROM ${at('lib/base')}@${base}\nRUN cat /version\n`,
    declared: () => ({ images: [imageOf(building, `lib/base@${base}`, base)] }),
    refused: () => `${image('lib/base')}@${base}`,
    prints: 'this is one',
  },
  'COPY --from': {
    dockerfile: () => `FROM ${at('lib/base:1')}\nCOPY --from=${at('lib/other:1')} /version /other\nRUN cat /other\n`,
    already: () => ({ images: [BASE()] }),
    declared: () => ({ images: [BASE(), OTHER()] }),
    refused: () => image('lib/other:1'),
    prints: 'this is other',
  },
  'RUN --mount=from': {
    dockerfile: () => `FROM ${at('lib/base:1')}\nRUN --mount=from=${at('lib/other:1')},target=/m cat /m/version\n`,
    already: () => ({ images: [BASE()] }),
    declared: () => ({ images: [BASE(), OTHER()] }),
    refused: () => image('lib/other:1'),
    prints: 'this is other',
  },
  '# syntax=': {
    dockerfile: () => `# syntax=${at('lib/frontend:1')}\nFROM ${at('lib/base:1')}\nRUN cat /version\n`,
    already: () => ({ images: [BASE()] }),
    declared: () => ({ images: [BASE(), FRONTEND()] }),
    refused: () => image('lib/frontend:1'),
    prints: 'this is one',
  },
  BUILDKIT_SYNTAX: {
    dockerfile: () => `FROM ${at('lib/base:1')}\nRUN cat /version\n`,
    already: () => ({ images: [BASE()] }),
    declared: () => ({ images: [BASE(), FRONTEND()] }),
    refused: () => image('lib/frontend:1'),
    buildArgs: () => ({ BUILDKIT_SYNTAX: at('lib/frontend:1') }),
    prints: 'this is one',
  },
  'what a frontend is asked for': {
    dockerfile: () =>
      `# syntax=${at('lib/frontend:1')}\nFROM ${at('lib/base:1')}\nCOPY --from=${at('lib/other:1')} /version /other\nRUN cat /other\n`,
    already: () => ({ images: [BASE(), FRONTEND()] }),
    declared: () => ({ images: [BASE(), FRONTEND(), OTHER()] }),
    refused: () => image('lib/other:1'),
    prints: 'this is other',
  },
  'ONBUILD in a base image': {
    dockerfile: () => `FROM ${at('acme/out:trigger')}\nRUN cat /other\n`,
    already: () => ({ images: [TRIGGER()] }),
    declared: () => ({ images: [TRIGGER(), OTHER()] }),
    refused: () => image('lib/other:1'),
    prints: 'this is other',
  },
  'ADD of a URL': {
    dockerfile: () => `FROM ${at('lib/base:1')}\nADD ${building.web.url}/tool?x=[1]*(2) /tool\nRUN cat /tool\n`,
    already: () => ({ images: [BASE()] }),
    declared: () => ({ images: [BASE()], urls: [{ url: `${building.web.url}/tool?x=[1]*(2)`, sha256: sum('/tool') }] }),
    refused: () => `${building.web.url}/tool?x=[1]*(2)`,
    prints: '/tool',
  },
  'ADD of a repository': {
    dockerfile: () => `FROM ${at('lib/base:1')}\nADD ${library.remote}#v1 /library\nRUN cat /library/file\n`,
    already: () => ({ images: [BASE()] }),
    declared: () => ({ images: [BASE()], repositories: [LIBRARY()] }),
    refused: () => `git://${building.git.host}/acme/library.git#v1`,
    prints: 'of the library',
  },
  'a submodule, declared as what it is': {
    dockerfile: () =>
      `FROM ${at('lib/base:1')}\nADD ${library.remote}#v1 /library\nADD ${module.remote}#v1 /library/module\nRUN cat /library/module/part\n`,
    already: () => ({ images: [BASE()], repositories: [LIBRARY()] }),
    declared: () => ({ images: [BASE()], repositories: [LIBRARY(), MODULE()] }),
    refused: () => `git://${building.git.host}/acme/module.git#v1`,
    prints: 'of the module',
  },
}

describe.each(Object.entries(KINDS))('%s', (name, kind) => {
  const options = () => (kind.buildArgs === undefined ? {} : { buildArgs: kind.buildArgs() })

  test('is refused by BuildKit when undeclared', async () => {
    const allowed = allowing(kind.already?.() ?? {})
    const error = await errorOf(build(building, kind.dockerfile(), allowed, options()))
    expect(error).toMatchObject({ code: 'materials/undeclared', kind: 'rejected', found: kind.refused() })
    cases.record(name, 'undeclared', error.code)
  })

  test('is built when declared, and the builder says nothing else went in', async () => {
    const allowed = allowing(kind.declared())
    // A step of its own, so that its output is not one of an earlier build.
    const dockerfile = kind.dockerfile().replace(' cat /', ` echo ${JSON.stringify(name)}; cat /`)
    const { result, log } = await build(building, dockerfile, allowed, options())
    const bytes = sourcePolicy(allowed)
    expect(result.enforcement).toEqual({ by: 'builder', policy: { bytes, digest: sha256(bytes) } })
    expect(result.observed?.length).toBeGreaterThan(0)
    if (kind.prints !== undefined) expect(log).toContain(kind.prints)
    cases.record(name, 'declared', 'built')
  })
})

test('a named context is an image by its digest: another one of the same name is not asked for', async () => {
  const dockerfile = 'FROM tools\nRUN cat /version\n'
  const source = `${image('lib/other:1')}@${other}`
  const contexts = new Map([['tools', source]])
  const { log } = await build(
    building,
    dockerfile,
    allowing({ images: [imageOf(building, `lib/other:1@${other}`, other)], contexts }),
  )
  expect(log).toContain('this is other')
  const unjudged = await errorOf(build(building, dockerfile, allowing({ contexts })))
  expect(unjudged).toMatchObject({ code: 'materials/undeclared', found: source })
  const error = await errorOf(build(building, dockerfile, allowing()))
  expect(error).toMatchObject({ code: 'materials/undeclared', found: 'docker-image://docker.io/library/tools:latest' })
  cases.record('a named context', 'declared', 'built')
  cases.record('a named context', 'undeclared', error.code)
})

test('a place on this machine is no image, whatever was declared', async () => {
  const codeOf = async (name: string, materials: Partial<AllowedMaterials> = {}) =>
    (await errorOf(build(building, `FROM scratch\nCOPY --from=${name} / /\n`, allowing(materials)))).code
  for (const name of ['oci:/tmp/x', 'docker-archive:/tmp/x']) expect(await codeOf(name)).toBe('build/failed')
  // Without a path it could be the name of an image, and is taken for one.
  expect(await codeOf('containers-storage:x')).toBe('materials/undeclared')
  expect(await codeOf('oci:/tmp/x', { images: [BASE()] })).toBe('build/failed')
  for (const when of ['undeclared', 'declared'] as const)
    cases.record('a transport of the machine', when, 'build/failed')
})

test('a repository comes without its submodules: nobody declared where they come from', async () => {
  const dockerfile = `FROM ${at('lib/base:1')}\nADD ${library.remote}#v1 /library\nRUN test ! -e /library/module/part && echo none of it\n`
  const before = building.git.log.length
  const { log } = await build(building, dockerfile, allowing({ images: [BASE()], repositories: [LIBRARY()] }))
  expect(log).toContain('none of it')
  expect(building.git.log.slice(before).filter(({ path }) => path.includes('acme/module'))).toEqual([])
})

test('what keeping .git would add is no part of the commit and is refused', async () => {
  const dockerfile = `FROM ${at('lib/base:1')}\nADD --keep-git-dir=true ${library.remote}#v1 /library\n`
  const error = await errorOf(build(building, dockerfile, allowing({ images: [BASE()], repositories: [LIBRARY()] })))
  expect(error.code).toBe('materials/undeclared')
  expect(error.remedy).toContain('--keep-git-dir')
})

test('a tag that moved after it was verified still builds from the verified bytes', async () => {
  const first = await pushBase(building, 'lib/moving:1', 'first')
  const allowed = allowing({ images: [imageOf(building, 'lib/moving:1', first)] })
  const second = await pushBase(building, 'lib/moving:1', 'second')
  expect(second).not.toBe(first)
  const { result, log } = await build(building, `FROM ${at('lib/moving:1')}\nRUN cat /version\n`, allowed)
  expect(log).toContain('this is first')
  expect(log).not.toContain('this is second')
  expect(result.observed?.map(({ digest }) => `sha256:${digest.sha256}`)).toEqual([first])
})

test('a tag of a repository that moved still builds from the verified commit', async () => {
  const moving = await publish(building, 'acme/moving', { file: 'before\n' })
  const repositories = [{ remote: moving.remote, ref: 'v1', commit: moving.commit }]
  expect(await moving.change({ file: 'after\n' })).not.toBe(moving.commit)
  const dockerfile = `FROM ${at('lib/base:1')}\nADD ${moving.remote}#v1 /moving\nRUN cat /moving/file\n`
  const { log } = await build(building, dockerfile, allowing({ images: [BASE()], repositories }))
  expect(log).toContain('before')
  expect(log).not.toContain('after')
})

test('other bytes of a URL end the build with both sums', async () => {
  const url = `${building.web.url}/changed`
  const dockerfile = `FROM scratch\nADD ${url} /file\n`
  building.files.set('/changed', 'now this')
  const allowed = allowing({ urls: [{ url, sha256: sum('was that') }] })
  expect(await errorOf(build(building, dockerfile, allowed))).toMatchObject({
    code: 'materials/other-bytes',
    expected: `sha256:${sum('was that')}`,
    found: `sha256:${sum('now this')}`,
  })
})

test('a checksum in the Dockerfile that is not the declared one is refused before anything is fetched', async () => {
  const url = `${building.web.url}/twice`
  const allowed = allowing({ urls: [{ url, sha256: sum('/twice') }] })
  await build(building, `FROM scratch\nADD --checksum=sha256:${sum('/twice')} ${url} /file\n`, allowed)
  const before = building.web.log.length
  const error = await errorOf(
    build(building, `FROM scratch\nADD --checksum=sha256:${sum('else')} ${url} /file\n`, allowed),
  )
  expect(error.code).toBe('materials/undeclared')
  expect(building.web.log.length).toBe(before)
})

test('13-adversary 34: a spelling that BuildKit takes for another place is brought to the one that was verified', async () => {
  const port = building.registry.host.split(':')[1]
  const spelled = `LOCALHOST:${port}/lib/base:1`
  const error = await errorOf(build(building, `FROM ${spelled}\n`, allowing({ images: [BASE()] })))
  expect(error).toMatchObject({ code: 'materials/undeclared', found: `docker-image://${spelled}` })
  const localhost = { ...BASE(), reference: parseReference(`localhost:${port}/lib/base:1`), names: [spelled] }
  const { result } = await build(building, `FROM ${spelled}\n`, allowing({ images: [localhost] }))
  expect(result.observed).toEqual([
    {
      uri: expect.stringContaining(`pkg:docker/localhost%3A${port}/lib/base@1?`),
      digest: { sha256: base.slice('sha256:'.length) },
    },
  ])
})

test('a named context can be a folder that this run wrote', async () => {
  const folder = join(building.folder, 'tools')
  mkdirSync(folder)
  writeFileSync(join(folder, 'part'), 'of this run\n')
  const dockerfile = `FROM ${at('lib/base:1')}\nCOPY --from=tools part /part\nRUN cat /part\n`
  const { log } = await build(
    building,
    dockerfile,
    allowing({ images: [BASE()], contexts: new Map([['tools', folder]]) }),
  )
  expect(log).toContain('of this run')
})

/** Pushes an index as it is written here, byte for byte. */
async function pushIndex(document: object): Promise<Digest> {
  const bytes = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, ...document })
  const digest = sha256(bytes)
  const put = await fetch(`http://${building.registry.host}/v2/lib/base/manifests/${digest}`, {
    method: 'PUT',
    headers: { 'content-type': OCI_INDEX },
    body: bytes,
  })
  expect(put.status).toBe(201)
  return digest
}

describe('13-adversary 21: why an index that nobody signed is proved whole, and has each key in one spelling', () => {
  const entryOf = async (name: string, digest: Digest) => {
    const head = await fetch(`http://${building.registry.host}/v2/${name}/manifests/${digest}`)
    const size = (await head.arrayBuffer()).byteLength
    return { mediaType: head.headers.get('content-type') ?? '', digest, size }
  }
  const linux = { os: 'linux', architecture: 'amd64' }
  const taken = async (index: Digest) => {
    const allowed = allowing({ images: [imageOf(building, `lib/base@${index}`, index)] })
    return (await build(building, `FROM ${at('lib/base')}@${index}\nRUN cat /version\n`, allowed)).log
  }

  test('BuildKit takes an entry of no system for its own', async () => {
    const evil = await pushBase(building, 'lib/base:evil', 'evil')
    const manifests = [
      { ...(await entryOf('lib/base', evil)), platform: { os: '', architecture: 'amd64' } },
      { ...(await entryOf('lib/base', base)), platform: linux },
    ]
    expect(await taken(await pushIndex({ manifests }))).toContain('this is evil')
  })

  test('BuildKit finds a list in other letters', async () => {
    const evil = await pushBase(building, 'lib/base:evil', 'evil-too')
    const genuine = [{ ...(await entryOf('lib/base', base)), platform: linux }]
    const other = [{ ...(await entryOf('lib/base', evil)), platform: linux }]
    const index = await pushIndex({ manifests: genuine, Manifests: other })
    expect(await taken(index)).toContain('this is evil-too')
  })
})

test('several platforms: the builder’s history says what went into each', async () => {
  const platforms = ['linux/amd64', 'linux/386']
  const dockerfile = `FROM ${at('lib/base:1')}\nCOPY --from=${at('lib/other:1')} /version /other\n`
  const { result } = await build(building, dockerfile, allowing({ images: [BASE(), OTHER()] }), { platforms })
  const uris = result.observed?.map(({ uri }) => uri) ?? []
  expect(uris.filter(uri => uri.includes('platform=linux%2Famd64'))).toHaveLength(2)
  expect(uris.filter(uri => uri.includes('platform=linux%2F386'))).toHaveLength(2)
})

describe('13-adversary 19: a builder that ignores the policy', () => {
  /** docker as it is, but for one change. */
  const wrapper = (name: string, change: string) => {
    const { docker } = building.peers.debian
    const path = join(building.folder, name)
    writeFileSync(path, `#!/bin/sh\n${change}\nexec ${docker} "$@"\n`)
    chmodSync(path, 0o755)
    return path
  }

  test('because the variable does not reach it is caught before the build', async () => {
    const docker = wrapper('forgetful', 'unset EXPERIMENTAL_BUILDKIT_SOURCE_POLICY')
    const before = building.web.log.length
    const dockerfile = `FROM scratch\nADD ${building.web.url}/undeclared /x\n`
    const error = await errorOf(build(building, dockerfile, allowing(), { docker }))
    expect(error).toMatchObject({ code: 'materials/policy-not-enforced', kind: 'rejected' })
    expect(error.found).toContain('waybill-canary.invalid')
    expect(building.web.log.length).toBe(before)
  })

  test('because it reads an empty policy is caught', async () => {
    const empty = join(building.folder, 'empty.json')
    writeFileSync(empty, '{}')
    const docker = wrapper(
      'emptying',
      `EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=${empty}; export EXPERIMENTAL_BUILDKIT_SOURCE_POLICY`,
    )
    const error = await errorOf(build(building, 'FROM scratch\n', allowing(), { docker }))
    expect(error).toMatchObject({ code: 'materials/policy-not-enforced', kind: 'rejected' })
  })

  test('and fakes a refusal is unknown at best: an old builder that knows nothing but its own words', async () => {
    const docker = script(building.folder, 'old', "process.stderr.write('ERROR: denied\\n'); process.exitCode = 1")
    const error = await errorOf(build(building, 'FROM scratch\n', allowing(), { docker }))
    expect(error).toMatchObject({ code: 'materials/policy-not-enforced', kind: 'unknown' })
  })

  test('a policy that cannot be read is no policy', async () => {
    const docker = wrapper(
      'losing',
      'EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=/nonexistent; export EXPERIMENTAL_BUILDKIT_SOURCE_POLICY',
    )
    const error = await errorOf(build(building, 'FROM scratch\n', allowing(), { docker }))
    expect(error).toMatchObject({ code: 'materials/policy-not-enforced', kind: 'unknown' })
  })
})

/** A step that keeps what it finds in a cache mount of the builder. */
const poisoned = () => `FROM ${at('lib/base:1')}
RUN --mount=type=cache,id=waybill,target=/c test -e /c/poison && cat /c/poison || echo clean
`

test('13-adversary 19: a cache mount of another build reaches a closed build on a shared builder, and the result says shared', async () => {
  const planted = `FROM ${at('lib/base:1')}\nRUN --mount=type=cache,id=waybill,target=/c echo of another build > /c/poison\n`
  await build(building, planted, undefined)
  const { result, log } = await build(building, poisoned(), allowing({ images: [BASE()] }), { network: 'none' })
  expect(log).toContain('of another build')
  expect(result.conditions).toMatchObject({ builder: 'shared', cache: 'shared', network: 'none' })
})

describe('13-adversary 19: a builder of this run alone, in a real Docker daemon', () => {
  let buildkit: Digest
  let env: { DOCKER_HOST: string; GITHUB_RUN_ID: string; GITHUB_RUN_ATTEMPT: string }

  beforeAll(async () => {
    const { go, debian } = building.peers
    const root = await rootOf(building, 'buildkit', [go.buildkitd, go.buildctl, debian.runc])
    buildkit = await pushRoot(building, 'tools/buildkit:1', root, [
      '--entrypoint=/usr/bin/buildkitd',
      '--env=PATH=/usr/bin',
    ])
    const { address } = await building.dockerd()
    env = { DOCKER_HOST: address, GITHUB_RUN_ID: '4711', GITHUB_RUN_ATTEMPT: '1' }
  })

  const own = () => imageOf(building, 'tools/buildkit:1', buildkit, 'builder')
  const containers = async () => {
    const { stdout } = await docker(['ps', '--all', '--format={{.Names}} {{.Image}}'])
    const volumes = await docker(['volume', 'ls', '--format={{.Name}}'])
    return `${stdout}${volumes.stdout}`
  }
  const docker = (args: readonly string[]) =>
    promisify(execFile)(building.peers.debian.docker, [...args], { env: { PATH: process.env.PATH, ...env } })

  test('sees no cache of others, says fresh, and is gone afterwards', async () => {
    const allowed = allowing({ images: [BASE(), own()] })
    const { result, log } = await build(building, poisoned(), allowed, { env, network: 'none' })
    expect(log).toContain('clean')
    expect(log).not.toContain('of another build')
    expect(result.conditions).toEqual({ builder: 'fresh', cache: 'none', network: 'none', isolation: 'processes' })
    expect(result.enforcement?.by).toBe('builder')
    expect(result.observed?.map(({ digest }) => `sha256:${digest.sha256}`)).toEqual([base])
    expect(await containers()).toBe('')
  })

  test('is gone also when the build is refused', async () => {
    const error = await errorOf(
      build(building, `FROM ${at('lib/other:1')}\n`, allowing({ images: [BASE(), own()] }), { env }),
    )
    expect(error.code).toBe('materials/undeclared')
    expect(await containers()).toBe('')
  })

  test('is none of the images a Dockerfile may use', async () => {
    const error = await errorOf(
      build(building, `FROM ${at('tools/buildkit:1')}\n`, allowing({ images: [own()] }), { env }),
    )
    expect(error).toMatchObject({ code: 'materials/undeclared', found: image('tools/buildkit:1') })
  })

  test('leaves others alone', async () => {
    await docker(['volume', 'create', 'buildx_buildkit_waybill-run-1-1-aaaaaaaaaaaa0_state'])
    await build(building, `FROM ${at('lib/base:1')}\n`, allowing({ images: [BASE(), own()] }), { env })
    expect(await containers()).toBe('buildx_buildkit_waybill-run-1-1-aaaaaaaaaaaa0_state\n')
  })

  test('cannot be made of an image that is no BuildKit, and nothing is left', async () => {
    const wrong = imageOf(building, 'lib/base:1', base, 'builder')
    const error = await errorOf(build(building, 'FROM scratch\n', allowing({ images: [wrong] }), { env }))
    expect(error).toMatchObject({ code: 'build/builder-unavailable', kind: 'unknown' })
    expect(await containers()).not.toContain('4711')
  })
})

test('docs/materials-cases.md says of BuildKit what came', () => {
  const { page, expected } = cases.compare()
  expect(page).toBe(expected)
  expect(page).not.toContain('did not run')
})
