import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inputVariables, policyOf } from '../../__tests__/fakes/scenario.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { type BuildKit, startBuildKit } from '../peers/buildkit.ts'
import { findPeers, type Peers } from '../peers/install.ts'
import { Supervisor } from '../peers/process.ts'
import { pushImage } from './image.ts'
import { runProgram } from './program.ts'
import { receiptOf, startWorld, stopWorld, type World } from './publish-world.ts'
import { median, type Row, seconds } from './table.ts'

const ROUNDS = 5
/** Seconds that may be added. */
const GOAL = 1.5

interface Site {
  readonly world: World
  readonly peers: Peers
  readonly buildkit: BuildKit
  /** `host/repository:1@sha256:…` behind the delay. */
  readonly base: string
}

/**
 * What the action adds to a build: `docker buildx build --push` alone, against the action that judges commits and base image, builds
 * with the same builder, states a bill of materials, signs, attaches, reads back and moves a tag. Every service and the registry are
 * 40 ms away for both; each round builds content of its own upon a base image that the builder has already.
 */
export async function benchOverhead(dist: string): Promise<{ rows: readonly Row[]; notes: string[] }> {
  const peers = findPeers()
  const world = await startWorld()
  const { folder } = world.scenario.stack
  const supervisor = new Supervisor(folder, peers.debian.setpriv)
  try {
    const registry = { host: world.proxies.registry.host }
    const buildkit = await startBuildKit({ folder, peers, supervisor }, [registry], registry)
    const site = { world, peers, buildkit, base: await setUp(world) }
    // The base image is in the builder by then, and every program was read from the disk once.
    await runBare(site)
    await runAction(site, dist)
    const bare: number[] = []
    const whole: { ms: number; receipt: Receipt }[] = []
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(await runBare(site))
      whole.push(await runAction(site, dist))
    }
    return told(median(bare), whole)
  } finally {
    await supervisor.stop()
    await stopWorld(world)
  }
}

function told(bare: number, runs: readonly { ms: number; receipt: Receipt }[]) {
  const whole = median(runs.map(({ ms }) => ms))
  const added = (whole - bare) / 1000
  const middle = runs.toSorted((a, b) => a.ms - b.ms)[runs.length >> 1]
  const stages = middle?.receipt.stages.filter(({ ms = 0 }) => ms > 0) ?? []
  const rows: Row[] = [
    {
      case: 'a whole run with everything on',
      waybill: seconds(whole),
      peer: `${seconds(bare)} (docker buildx build --push)`,
      ratio: `${added.toFixed(2)} s added (goal ≤ ${GOAL} s)`,
    },
  ]
  return {
    rows,
    notes: [
      `overhead, the run in the middle by stage: ${stages.map(({ name, ms }) => `${name} ${ms} ms`).join(' · ')}`,
    ],
  }
}

/** A base image in the registry, and a policy by which it may go in once its digest was reviewed. */
async function setUp({ scenario, proxies }: World): Promise<string> {
  const { stack, repository, alice, bob } = scenario
  const { digest } = await pushImage(`${stack.registry.url}/v2/acme/base`, 'base', ['amd64'], 'image')
  stack.registry.storage.open('acme/base').tags.set('1', digest)
  const rules = `base-images:\n  - { match: "${proxies.registry.host}/acme/base", private: true, digest-lock: true }\n`
  const files = { '.github/waybill.yml': policyOf(alice, bob, rules) }
  repository.commit({ message: 'Say what may go in', signer: alice, files })
  return `${proxies.registry.host}/acme/base:1@${digest}`
}

const dockerfileOn = (base: string) => `FROM ${base}\nCOPY hello.txt /\n`

function environmentOf({ buildkit }: Site): Record<string, string> {
  return { PATH: process.env.PATH ?? '', DOCKER_CONFIG: buildkit.dockerConfig }
}

async function runBare(site: Site): Promise<number> {
  const { world, peers, base } = site
  const { folder } = world.scenario.stack
  const context = join(folder, `bare-${randomUUID()}`)
  await mkdir(context)
  await writeFile(join(context, 'Dockerfile'), dockerfileOn(base))
  await writeFile(join(context, 'hello.txt'), `hello ${randomUUID()}\n`)
  const tag = `${world.proxies.registry.host}/acme/bare:latest`
  world.proxies.registry.reset()
  const args = ['buildx', 'build', '--push', '--provenance=false', '-t', tag, context]
  const { code, ms, log } = await runProgram(peers.debian.docker, args, { HOME: folder, ...environmentOf(site) })
  if (code !== 0) throw new Error(`docker buildx build ended with ${code}:\n${log}`)
  return ms
}

async function runAction(site: Site, dist: string): Promise<{ ms: number; receipt: Receipt }> {
  const { world, base } = site
  const { scenario, signingConfigFile, image, proxies } = world
  const { stack, repository, bob } = scenario
  const files = { Dockerfile: dockerfileOn(base), 'hello.txt': `hello ${randomUUID()}\n` }
  repository.commit({ message: 'Greet again', signer: bob, name: 'Bob', email: 'bob@example.com', files })
  await scenario.publish()
  const run = stack.run({ claims: { sha: repository.head() ?? '' } })
  await writeFile(join(run.workspace, 'sbom.spdx.json'), JSON.stringify(SBOM))
  const inputs = inputVariables({
    builder: 'buildx',
    images: image,
    tags: 'latest',
    since: scenario.anchor,
    sbom: 'sbom.spdx.json',
    'source-mode': 'enforce',
    'materials-mode': 'enforce',
    'signing-config': signingConfigFile,
    'trusted-root': stack.trustedRootFile,
  })
  for (const proxy of Object.values(proxies)) proxy.reset()
  const env = { ...run.environment, ...environmentOf(site), ...inputs }
  const { code, ms, log } = await runProgram(process.execPath, [join(dist, 'attest.js')], env, run.workspace)
  if (code !== 0) throw new Error(`attest.js ended with ${code}:\n${log}`)
  return { ms, receipt: await receiptOf(run) }
}

const SBOM = {
  spdxVersion: 'SPDX-2.3',
  dataLicense: 'CC0-1.0',
  SPDXID: 'SPDXRef-DOCUMENT',
  name: 'app',
  documentNamespace: 'https://example.com/spdx/app',
  creationInfo: { created: '2026-01-01T00:00:00Z', creators: ['Tool: example'] },
  packages: [],
}
