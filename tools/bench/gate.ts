import { join } from 'node:path'
import { type Forger, openForger } from '../../__tests__/fakes/forge.ts'
import { REPOSITORY, type Scenario, startScenario } from '../../__tests__/fakes/scenario.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { findCosign } from './cosign.ts'
import { type DelayProxy, type Passed, startDelayProxy } from './delay-proxy.ts'
import { pushImage } from './image.ts'
import { runProgram } from './program.ts'
import { median, type Row, ratio, seconds } from './table.ts'

/** How far away the registry is: for each request, and once more for each new connection. */
const DELAY_MS = 40
const ROUNDS = 5
const MANY = 100
/** What must follow one another for one image: connection, manifest with lists, manifests of the bundles, bundles. */
const SERIAL_ROUND_TRIPS = 4

interface World {
  readonly scenario: Scenario
  readonly proxy: DelayProxy
  readonly dist: string
  readonly cosign: string
  /** `host/acme/app@sha256:…` behind the delay, each with a signature and a provenance. */
  readonly images: readonly string[]
}

interface Measured {
  /** The whole process, or the sum of all. */
  readonly ms: number
  readonly passed: readonly Passed[]
  readonly connections: number
}

/**
 * Signature and provenance of images in a registry that is 40 ms away: one `waybill verify image` for all of them, against
 * `cosign verify` and `cosign verify-attestation` one after the other for each.
 */
export async function benchGate(dist: string, verbose: boolean): Promise<{ rows: readonly Row[]; notes: string[] }> {
  const cosign = await findCosign()
  const world = await startWorld(dist, cosign)
  try {
    const [first = ''] = world.images
    const one = await compare(world, [first], ROUNDS)
    const many = await compare(world, world.images, 1)
    return {
      rows: [rowOf('gate, 1 image', one, 'goal ≤ 0.4'), rowOf(`gate, ${MANY} images`, many, 'goal ≤ 0.05')],
      notes: [...notesOf('1 image', one, 1, verbose), ...notesOf(`${MANY} images`, many, MANY, false)],
    }
  } finally {
    await world.proxy.close()
    await world.scenario.close()
  }
}

interface Compared {
  /** Medians in milliseconds. */
  readonly ours: number
  readonly theirs: number
  readonly waybill: Measured
  readonly peer: Measured
}

/** They take turns, so that a busy moment of the machine meets both. */
async function compare(world: World, images: readonly string[], rounds: number): Promise<Compared> {
  const ours: Measured[] = []
  const theirs: Measured[] = []
  for (let round = 0; round < rounds; round++) {
    ours.push(await runWaybill(world, images))
    theirs.push(await runCosign(world, images))
  }
  const [waybill] = ours.toSorted((a, b) => a.ms - b.ms).slice(rounds >> 1)
  const peer = theirs.at(-1)
  if (waybill === undefined || peer === undefined) throw new Error('nothing was measured')
  return { ours: median(ours.map(({ ms }) => ms)), theirs: median(theirs.map(({ ms }) => ms)), waybill, peer }
}

function rowOf(name: string, { ours, theirs }: Compared, goal: string): Row {
  return {
    case: name,
    waybill: seconds(ours),
    peer: `${seconds(theirs)} (cosign verify + verify-attestation)`,
    ratio: `${ratio(ours, theirs)} (${goal})`,
    limit: `${seconds(SERIAL_ROUND_TRIPS * DELAY_MS)} (${SERIAL_ROUND_TRIPS} round trips)`,
    toLimit: ratio(ours, SERIAL_ROUND_TRIPS * DELAY_MS),
  }
}

function notesOf(name: string, { waybill, peer }: Compared, subjects: number, verbose: boolean): string[] {
  const told = ({ passed, connections }: Measured): string =>
    `${(passed.length / subjects).toFixed(1)} requests a subject over ${connections} connections altogether`
  return [
    `gate, ${name}: Waybill ${told(waybill)}; cosign ${told(peer)}`,
    ...(verbose ? waybill.passed.map(({ method, path, connection }) => `    #${connection} ${method} ${path}`) : []),
  ]
}

async function startWorld(dist: string, cosign: string): Promise<World> {
  const scenario = await startScenario()
  const proxy = await startDelayProxy(scenario.stack.registry.url, DELAY_MS)
  const forger = await openForger(scenario.stack, scenario.image)
  try {
    const digests: string[] = []
    for (let n = 0; n < MANY; n++) digests.push(await signedImage(scenario, forger, n))
    const images = digests.map(digest => `${proxy.host}/${REPOSITORY}@${digest}`)
    return { scenario, proxy, dist, cosign, images }
  } finally {
    forger.close()
  }
}

/** A small image with a signature and a provenance attached, as a run of the project attaches them. */
async function signedImage({ stack }: Scenario, forger: Forger, n: number): Promise<string> {
  const { digest } = await pushImage(`${stack.registry.url}/v2/${REPOSITORY}`, `gate ${n}`, ['amd64'], 'image')
  await forger.attach(digest, await forger.signature(digest), await forger.provenance(digest))
  return digest
}

async function runWaybill({ scenario, proxy, dist }: World, images: readonly string[]): Promise<Measured> {
  proxy.reset()
  const args = ['verify', 'image', ...images, ...scenario.expected, '--require', 'signature,provenance', '--json']
  const { code, ms, log } = await runProgram(process.execPath, [join(dist, 'cli.js'), ...args], {
    PATH: process.env.PATH ?? '',
    HOME: scenario.stack.folder,
  })
  if (code !== 0) throw new Error(`waybill verify image ended with ${code}:\n${log}`)
  const { subjects } = JSON.parse(log) as Receipt
  if (subjects.length !== images.length) throw new Error(`${subjects.length} of ${images.length} images were judged`)
  return { ms, passed: [...proxy.passed], connections: proxy.connections() }
}

async function runCosign({ scenario, proxy, cosign }: World, images: readonly string[]): Promise<Measured> {
  proxy.reset()
  let total = 0
  for (const image of images)
    for (const command of [['verify'], ['verify-attestation', '--type=slsaprovenance1']]) {
      const args = [...command, ...cosignFlags(scenario), image]
      const { code, ms, log } = await runProgram(cosign, args, { HOME: scenario.stack.folder, PATH: '' })
      if (code !== 0) throw new Error(`cosign ${command[0]} ended with ${code}:\n${log}`)
      total += ms
    }
  return { ms: total, passed: [...proxy.passed], connections: proxy.connections() }
}

function cosignFlags({ stack }: Scenario): readonly string[] {
  return [
    '--allow-http-registry',
    `--trusted-root=${stack.trustedRootFile}`,
    `--certificate-identity=${stack.git.url}/acme/app/.github/workflows/release.yml@refs/heads/main`,
    `--certificate-oidc-issuer=${stack.oidc.issuer}`,
  ]
}
