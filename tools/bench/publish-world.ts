import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Run } from '../../__tests__/fakes/runner.ts'
import { inputVariables, REPOSITORY, type Scenario, startScenario } from '../../__tests__/fakes/scenario.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { type CosignWorld, findCosign, signAndAttest } from './cosign.ts'
import { type DelayProxy, type Passed, startDelayProxy } from './delay-proxy.ts'
import { pushImage } from './image.ts'
import { runProgram } from './program.ts'

/** How far away every service is: for each request, and once more for each new connection. */
export const DELAY_MS = 40

export interface World {
  readonly scenario: Scenario
  readonly proxies: Readonly<Record<'registry' | 'fulcio' | 'rekor' | 'timestamp', DelayProxy>>
  readonly signingConfigFile: string
  /** `host/acme/app` behind the delay. */
  readonly image: string
  readonly cosign: CosignWorld
}

export interface Measured {
  /** The whole process. */
  readonly ms: number
  readonly receipt: Receipt
  readonly requests: Requests
}

export interface Requests {
  readonly connections: Readonly<Record<string, number>>
  readonly counts: Readonly<Record<string, number>>
  /** Of the registry, from the first bundle blob to the last manifest. */
  readonly upload: number
  readonly lines: readonly string[]
}

export interface Kind {
  readonly name: string
  readonly platforms: readonly string[]
  readonly as: 'image' | 'index'
}

export async function startWorld(): Promise<World> {
  const file = await findCosign()
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

export async function stopWorld({ scenario, proxies }: World): Promise<void> {
  await Promise.all(Object.values(proxies).map(proxy => proxy.close()))
  await scenario.close()
}

export function push({ scenario }: World, seed: string, { name, platforms, as }: Kind) {
  return pushImage(`${scenario.stack.registry.url}/v2/${REPOSITORY}`, `${name}-${seed}`, platforms, as)
}

export async function runWaybill(world: World, dist: string, digest: string): Promise<Measured> {
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
  return { ms, receipt: await receiptOf(run), requests: counted(world) }
}

export async function runCosign(
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

export async function receiptOf(run: Pick<Run, 'outputs'>): Promise<Receipt> {
  return JSON.parse(await readFile(run.outputs().result ?? '', 'utf8')) as Receipt
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
