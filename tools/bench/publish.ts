import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inputVariables, REPOSITORY, type Scenario, startScenario } from '../../__tests__/fakes/scenario.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { type CosignWorld, findCosign, signAndAttest } from './cosign.ts'
import { type DelayProxy, type Passed, startDelayProxy } from './delay-proxy.ts'
import { pushImage } from './image.ts'
import { runProgram } from './program.ts'
import { median, type Row, ratio, seconds } from './table.ts'

/** How far away every service is: for each request, and once more for each new connection. */
const DELAY_MS = 40
const ROUNDS = 5
/** What must follow one another for one image: manifest, config, log, bundle, manifest of the bundle. */
const SERIAL_ROUND_TRIPS = 5
const PLATFORMS = ['amd64', 'arm64', 'ppc64le', 's390x'] as const

interface World {
  readonly scenario: Scenario
  readonly proxies: Readonly<Record<'registry' | 'fulcio' | 'rekor' | 'timestamp', DelayProxy>>
  readonly signingConfigFile: string
  /** `host/acme/app` behind the delay. */
  readonly image: string
  readonly cosign: CosignWorld
}

interface Measured {
  /** The whole process. */
  readonly ms: number
  readonly receipt: Receipt
  readonly requests: Requests
}

interface Requests {
  readonly connections: Readonly<Record<string, number>>
  readonly counts: Readonly<Record<string, number>>
  /** Of the registry, from the first bundle blob to the last manifest. */
  readonly upload: number
  readonly lines: readonly string[]
}

/**
 * Signature and provenance for an image that is in the registry already: the action with `builder: none` against
 * `cosign sign` and `cosign attest`, each run against an image of its own, taking turns.
 */
export async function benchPublish(dist: string, verbose: boolean): Promise<{ rows: readonly Row[]; notes: string[] }> {
  const file = await findCosign()
  const world = await startWorld(file)
  try {
    const one = await comparePublish(world, dist, { name: 'image', platforms: ['amd64'], as: 'image' })
    const four = await comparePublish(world, dist, { name: 'four', platforms: PLATFORMS, as: 'index' })
    const indexOfOne = await measureWaybill(world, dist, { name: 'one', platforms: ['amd64'], as: 'index' })
    const growth = (four.comparable / indexOfOne - 1) * 100
    const rows: Row[] = [
      rowOf('sign + publish an image', one.comparable, one, 'goal ≤ 0.25'),
      rowOf('the same with preflight and source', one.withoutReadBack, one),
      rowOf('the same with reading back: the whole process', one.whole, one),
      rowOf('sign + publish an index of 4 platforms', four.comparable, four, 'goal ≤ 0.25'),
      {
        case: 'sign + publish an index, 1 → 4 platforms (goal < 10 %)',
        waybill: `${seconds(indexOfOne)} → ${seconds(four.comparable)}: ${percent(growth)}`,
      },
    ]
    return { rows, notes: [...notesOf('image', one, verbose), ...notesOf('index of 4 platforms', four, verbose)] }
  } finally {
    await stopWorld(world)
  }
}

/** Medians in milliseconds. */
interface Compared {
  /** What cosign does too: the whole process less the stages it has no part of. */
  readonly comparable: number
  readonly withoutReadBack: number
  readonly whole: number
  readonly theirs: number
  /** The round in the middle. */
  readonly waybill: Measured
  readonly peer: Requests
}

/**
 * cosign asks for no write access beforehand, judges no commits and does not read back what it pushed, and no input of
 * ours turns those stages off: their time is taken from that of the whole process. Connections to the services are
 * opened during the preflight, which is why the row with everything stands beside it.
 */
const NOT_ASKED_OF_COSIGN = ['preflight', 'source', 'self-verify']

interface Kind {
  readonly name: string
  readonly platforms: readonly string[]
  readonly as: 'image' | 'index'
}

async function measureWaybill(world: World, dist: string, kind: Kind): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const measured = await runWaybill(world, dist, (await push(world, `${round}-waybill`, kind)).digest)
    times.push(less(measured, NOT_ASKED_OF_COSIGN))
  }
  return median(times)
}

async function comparePublish(world: World, dist: string, kind: Kind): Promise<Compared> {
  const ours: Measured[] = []
  const theirs: { ms: number; requests: Requests }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await runWaybill(world, dist, (await push(world, `${round}-waybill`, kind)).digest))
    theirs.push(await runCosign(world, await push(world, `${round}-cosign`, kind)))
  }
  const comparable = (measured: Measured) => less(measured, NOT_ASKED_OF_COSIGN)
  const waybill = ours.toSorted((a, b) => comparable(a) - comparable(b))[ROUNDS >> 1]
  const peer = theirs.at(-1)
  if (waybill === undefined || peer === undefined) throw new Error('nothing was measured')
  return {
    comparable: median(ours.map(comparable)),
    withoutReadBack: median(ours.map(measured => less(measured, ['self-verify']))),
    whole: median(ours.map(({ ms }) => ms)),
    theirs: median(theirs.map(({ ms }) => ms)),
    waybill,
    peer: peer.requests,
  }
}

function less({ ms, receipt }: Measured, stages: readonly string[]): number {
  return stages.reduce((rest, name) => rest - stageMs(receipt, name), ms)
}

function stageMs(receipt: Receipt, name: string): number {
  return receipt.stages.find(stage => stage.name === name)?.ms ?? 0
}

function rowOf(name: string, ours: number, { theirs }: Compared, goal?: string): Row {
  return {
    case: name,
    waybill: seconds(ours),
    peer: `${seconds(theirs)} (cosign sign + attest)`,
    ratio: goal === undefined ? ratio(ours, theirs) : `${ratio(ours, theirs)} (${goal})`,
    limit: `${seconds(SERIAL_ROUND_TRIPS * DELAY_MS)} (${SERIAL_ROUND_TRIPS} round trips)`,
    toLimit: ratio(ours, SERIAL_ROUND_TRIPS * DELAY_MS),
  }
}

function percent(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(0)} %`
}

function notesOf(name: string, { waybill, peer }: Compared, verbose: boolean): string[] {
  const { receipt, requests } = waybill
  const stages = receipt.stages
    .filter(stage => stage.state !== 'not-reached' && stage.state !== 'not-asked')
    .map(stage => `${stage.name} ${stage.ms} ms, ${receipt.requests?.[stage.name] ?? 0} requests`)
  return [
    `${name}, Waybill by stage: ${stages.join(' · ')}`,
    `${name}, Waybill by service: ${services(requests)}; registry, first bundle blob to last manifest: ${requests.upload}`,
    `${name}, cosign by service: ${services(peer)}; registry, first bundle blob to last manifest: ${peer.upload}`,
    ...(verbose ? requests.lines.map(line => `    ${line}`) : []),
  ]
}

function services({ counts, connections }: Requests): string {
  return Object.entries(counts)
    .map(([service, count]) => `${service} ${count} over ${connections[service]} connections`)
    .join(', ')
}

async function startWorld(file: string): Promise<World> {
  const scenario = await startScenario()
  const { stack } = scenario
  const behind = (target: { url: string }) => startDelayProxy(target.url, DELAY_MS)
  const proxies = {
    registry: await behind(stack.registry),
    fulcio: await behind(stack.fulcio),
    rekor: await behind(stack.rekorV1),
    timestamp: await behind(stack.timestamp),
  }
  const far = [
    [stack.fulcio.url, proxies.fulcio.url],
    [stack.rekorV1.url, proxies.rekor.url],
    [stack.timestamp.url, proxies.timestamp.url],
  ] as const
  const config = await readFile(stack.signingConfigFile, 'utf8')
  const signingConfigFile = join(stack.folder, 'far_signing_config.json')
  await writeFile(
    signingConfigFile,
    far.reduce((text, [from, to]) => text.replaceAll(from, to), config),
  )
  const folder = join(stack.folder, 'cosign')
  await mkdir(folder)
  const cosign = { file, folder, trustedRootFile: stack.trustedRootFile, signingConfigFile }
  return { scenario, proxies, signingConfigFile, image: `${proxies.registry.host}/${REPOSITORY}`, cosign }
}

async function stopWorld({ scenario, proxies }: World): Promise<void> {
  await Promise.all(Object.values(proxies).map(proxy => proxy.close()))
  await scenario.close()
}

function push({ scenario }: World, seed: string, { name, platforms, as }: Kind) {
  return pushImage(`${scenario.stack.registry.url}/v2/${REPOSITORY}`, `${name}-${seed}`, platforms, as)
}

async function runWaybill(world: World, dist: string, digest: string): Promise<Measured> {
  const { scenario, signingConfigFile, image } = world
  const { stack } = scenario
  const run = stack.run({ claims: { sha: scenario.repository.head() ?? '' } })
  const inputs = inputVariables({
    builder: 'none',
    digest,
    images: image,
    since: scenario.anchor,
    'signing-config': signingConfigFile,
    'trusted-root': stack.trustedRootFile,
  })
  forget(world)
  const { code, ms, log } = await runProgram(process.execPath, [join(dist, 'attest.js')], {
    ...run.environment,
    ...inputs,
  })
  if (code !== 0) throw new Error(`attest.js ended with ${code}:\n${log}`)
  const receipt = JSON.parse(await readFile(run.outputs().result ?? '', 'utf8')) as Receipt
  return { ms, receipt, requests: counted(world) }
}

async function runCosign(
  world: World,
  pushed: { digest: string; children: readonly string[] },
): Promise<{ ms: number; requests: Requests }> {
  const named = (digest: string) => `${world.image}@${digest}`
  const identityToken = await world.scenario.stack.oidc.mint({ sha: world.scenario.repository.head() ?? '' })
  forget(world)
  const ms = await signAndAttest(world.cosign, {
    image: named(pushed.digest),
    recursive: pushed.children.length > 0,
    attested: [pushed.digest, ...pushed.children].map(named),
    identityToken,
  })
  return { ms, requests: counted(world) }
}

function forget({ proxies }: World): void {
  for (const proxy of Object.values(proxies)) proxy.reset()
}

function counted({ proxies }: World): Requests {
  const entries = Object.entries(proxies)
  const registry = proxies.registry.passed
  const first = registry.findIndex(request => isBundleUpload(request, registry))
  const last = registry.findLastIndex(({ method, path }) => method === 'PUT' && path.includes('/manifests/'))
  return {
    connections: Object.fromEntries(entries.map(([name, proxy]) => [name, proxy.connections()])),
    counts: Object.fromEntries(entries.map(([name, proxy]) => [name, proxy.passed.length])),
    upload: last - first + 1,
    lines: registry.map(({ method, path, connection }) => `#${connection} ${method} ${path}`),
  }
}

const EMPTY_CONFIG = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'

/** The beginning of an upload that ended with a blob of our own: not a probe, not the empty config. */
function isBundleUpload({ method, path, location }: Passed, all: readonly Passed[]): boolean {
  if (method !== 'POST' || !path.includes('/blobs/uploads/')) return false
  const session = location === undefined ? undefined : new URL(location, 'http://registry').pathname
  const end = all.find(request => request.method === 'PUT' && request.path.split('?')[0] === session)
  const digest = new URLSearchParams((end?.path ?? path).split('?')[1]).get('digest')
  return digest !== null && digest !== EMPTY_CONFIG
}
