import { readFileSync } from 'node:fs'
import { jest } from '@jest/globals'
import { hexOf, sha256 } from '../../src/core/digest.ts'
import { statementsOf } from '../e2e/materials-support.ts'
import type { StepResult } from '../fakes/scenario.ts'
import { type Service, startService } from '../fakes/service.ts'
import { type Signatory, signatory, TOOLS, type Tool } from './detached.ts'
import { identityFlags } from './judged.ts'
import { withKeyedWorld } from './keyed-world.ts'
import {
  type Base,
  type Builder,
  codeOf,
  MANIFEST,
  newBase,
  run,
  setBuild,
  setRules,
  signBase,
} from './materials-world.ts'
import type { KeyFiles } from './signing.ts'
import { pinned, repositoryIn, type World, waybill } from './world.ts'

/** Files that real programs signed, served on this machine, in whole runs of the action with real services and builders. */
jest.setTimeout(300_000)

let world: World
let key: KeyFiles
const matrix = withKeyedWorld('materials-files', made => {
  ;({ world, key } = made)
})

let web: Service
const served = new Map<string, string | Uint8Array>()
let base: Base
const theirs = new Map<Tool, Signatory>()
const strangers = new Map<Tool, Signatory>()

beforeAll(async () => {
  web = await startService('web', ({ path }) => {
    const body = served.get(path)
    return body === undefined ? { status: 404 } : { status: 200, body }
  })
  base = await newBase(world, 'referrers', 'files')
  await signBase(world, 'key', base, key)
  for (const [at, tool] of TOOLS.entries()) {
    theirs.set(tool, await signatory(world, tool, `vendor${at}`))
    strangers.set(tool, await signatory(world, tool, `mallory${at}`))
    await serve(tool, of(theirs, tool))
  }
  await allow()
})
afterAll(async () => {
  for (const each of [...theirs.values(), ...strangers.values()]) each.close?.()
  await web?.close()
})

function of(all: ReadonlyMap<Tool, Signatory>, tool: Tool): Signatory {
  const found = all.get(tool)
  if (found === undefined) throw new Error(`${tool} signs nothing`)
  return found
}

const nameOf = (tool: Tool): string => `by-${tool.replace(/[^a-z0-9]+/g, '-')}`
const contentOf = (tool: Tool): Uint8Array => Buffer.from(`this is signed by ${tool}\n`)

async function serve(tool: Tool, by: Signatory, signed = contentOf(tool)): Promise<void> {
  served.set(`/${nameOf(tool)}`, contentOf(tool))
  served.set(`/${nameOf(tool)}${by.ending}`, await by.sign(signed))
}

/** Each file by the one key that its maker has. */
async function allow(): Promise<void> {
  // What proves a file is fetched under a rule, too.
  const uris = (tool: Tool) => ['', of(theirs, tool).ending].map(end => `"${web.url}/${nameOf(tool)}${end}"`).join(', ')
  const rule = (tool: Tool) => `  - { match: [${uris(tool)}], keys: [${nameOf(tool)}], private: true }\n`
  const entry = (tool: Tool) => `  ${nameOf(tool)}: ${of(theirs, tool).key}\n`
  const images = `base-images:\n  - { match: "${base.repository}", private: true, signers: [{ key: keys/base.pub }], trust: { file: trust/root.json } }\n`
  const keyFiles = Object.assign({}, ...TOOLS.map(tool => of(theirs, tool).keyFiles))
  await setRules(
    world,
    `${images}materials:\n${TOOLS.map(rule).join('')}material-keys:\n${TOOLS.map(entry).join('')}`,
    {
      'keys/base.pub': readFileSync(key.publicFile, 'utf8'),
      ...keyFiles,
    },
  )
}

function item(tool: Tool, use: string): string {
  const digest = hexOf(sha256(contentOf(tool)))
  const verify = of(theirs, tool).verify(nameOf(tool))
  return `  - { name: ${nameOf(tool)}, uri: "${web.url}/${nameOf(tool)}", digest: { sha256: ${digest} }, verify: ${verify}, use: ${use} }\n`
}

async function building(lines: readonly string[], items: readonly string[]): Promise<void> {
  await setBuild(world, {
    Dockerfile: `FROM ${base.name}\n${lines.join('\n')}\n`,
    [MANIFEST]: `version: 1\nmaterials:\n${items.join('')}`,
  })
}

const placed = (tool: Tool) => item(tool, `{ path: vendor/${nameOf(tool)} }`)
const added = (tool: Tool) => item(tool, '{ dockerfile-add: true }')
const READ = 'RUN ["/bin/busybox", "sh", "-c", "/bin/busybox cat /vendor/*"]'

async function expectVerified(step: StepResult, repository: string, row: string): Promise<void> {
  expect([codeOf(step), step.code === 0 ? '' : step.log]).toEqual([undefined, ''])
  for (const tool of TOOLS) expect(step.log).toContain(`this is signed by ${tool}\n`)
  const { attributes, provenance } = statementsOf(step)
  const verified = attributes.filter(({ attribute }) => attribute === 'MATERIAL_SIGNATURE_VERIFIED')
  const uris = TOOLS.map(tool => `${web.url}/${nameOf(tool)}`).sort()
  expect(verified.map(({ target }) => target?.uri).sort()).toEqual(uris)
  const named = provenance?.predicate.buildDefinition.resolvedDependencies ?? []
  for (const tool of TOOLS)
    expect(named).toContainEqual(
      expect.objectContaining({
        uri: `${web.url}/${nameOf(tool)}`,
        digest: expect.objectContaining({ sha256: hexOf(sha256(contentOf(tool))) }),
      }),
    )
  const flags = [...identityFlags(world), '--trusted-root', world.stack.trustedRootFile]
  const image = pinned(repository, step.outputs.digest)
  const asked = ['--require', 'signature,provenance,materials-verified']
  const { code } = await waybill(world, ['verify', 'image', image, ...flags, ...asked])
  expect(matrix.record(row, { waybill: code })).toEqual({ waybill: 0 })
}

test.each(['buildx', 'buildah'] as const)(
  'files of gpg, ssh-keygen, minisign and cosign lie where they were asked for, with %s',
  async builder => {
    await building(['COPY vendor /vendor', READ], TOOLS.map(placed))
    const repository = repositoryIn(world, 'referrers', `placed-${builder}`)
    const step = await run(world, builder, { images: repository })
    await expectVerified(step, repository, `use: path × ${builder}`)
  },
)

test('what the Dockerfile adds is fetched by BuildKit itself, bound to what was verified', async () => {
  const adds = TOOLS.map(tool => `ADD ${web.url}/${nameOf(tool)} /vendor/`)
  await building([...adds, READ], TOOLS.map(added))
  const repository = repositoryIn(world, 'referrers', 'added')
  const before = web.log.length
  const step = await run(world, 'buildx', { images: repository })
  await expectVerified(step, repository, 'use: dockerfile-add × buildx')
  const agents = web.log.slice(before).map(({ headers }) => headers['user-agent'])
  expect(agents.some(agent => agent?.includes('buildkit'))).toBe(true)
})

test('buildah would fetch what the Dockerfile adds by itself, and is not let', async () => {
  await building([`ADD ${web.url}/${nameOf('gpg')} /vendor/`, READ], [added('gpg')])
  const step = await run(world, 'buildah', { images: repositoryIn(world, 'referrers', 'refused') })
  expect([step.code, codeOf(step), step.result.image]).toEqual([3, 'materials/not-with-buildah', undefined])
})

async function refused(builder: Builder = 'buildx'): Promise<string | undefined> {
  const step = await run(world, builder, { images: repositoryIn(world, 'referrers', 'refused') })
  expect([step.code, step.outputs['materials-verdict'], step.result.image]).toEqual([1, 'rejected', undefined])
  expect(step.result.stages.find(({ name }) => name === 'build')?.state).toBe('not-reached')
  return codeOf(step)
}

const WRONG = 'materials/signature-wrong'
const REFUSALS: Readonly<Record<Tool, readonly [string, string]>> = {
  gpg: [WRONG, WRONG],
  'ssh-keygen': [WRONG, WRONG],
  minisign: [WRONG, WRONG],
  'cosign 3': ['verify/identity-mismatch', 'verify/no-attestation'],
}

describe.each(TOOLS)('%s', tool => {
  const [byAnother, ofOthers] = REFUSALS[tool]
  beforeAll(() => building(['COPY vendor /vendor'], [placed(tool)]))
  afterAll(() => serve(tool, of(theirs, tool)))

  test('a signature by another key is refused', async () => {
    await serve(tool, of(strangers, tool))
    expect(await refused()).toBe(byAnother)
    matrix.record(`${tool}, by another key: ${byAnother}`, { waybill: 1 })
  })

  test('a signature of other bytes is refused', async () => {
    await serve(tool, of(theirs, tool), Buffer.from('other bytes\n'))
    expect(await refused()).toBe(ofOthers)
    matrix.record(`${tool}, of other bytes: ${ofOthers}`, { waybill: 1 })
  })

  test('other bytes under the right signature are refused', async () => {
    await serve(tool, of(theirs, tool))
    served.set(`/${nameOf(tool)}`, 'other bytes\n')
    expect(await refused()).toBe('materials/other-bytes')
  })
})

test('the older form of minisign, which no digest stands for, is refused and called so', async () => {
  const minisign = of(theirs, 'minisign')
  await building(['COPY vendor /vendor'], [placed('minisign')])
  served.set(`/${nameOf('minisign')}.minisig`, (await minisign.signOlder?.(contentOf('minisign'))) ?? '')
  expect(await refused()).toBe('materials/signature-malformed')
  await serve('minisign', minisign)
})
