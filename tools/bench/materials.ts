import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openForger } from '../../__tests__/fakes/forge.ts'
import { inputVariables, policyOf, type Scenario, startScenario } from '../../__tests__/fakes/scenario.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { findCosign } from './cosign.ts'
import { type DelayProxy, startDelayProxy } from './delay-proxy.ts'
import { pushImage } from './image.ts'
import { runProgram } from './program.ts'
import { median, type Row, ratio, seconds } from './table.ts'

/** How far away the registry of the base images is: for each request, and once more for each new connection. */
const DELAY_MS = 40
const ROUNDS = 5
const IMAGES = [0, 1, 2, 3, 4] as const
/** Connection, what the tag means, the list of referrers, the manifest of the bundle, the bundle. */
const SIGNED_ROUND_TRIPS = 5
/** Connection and config: the digest stands in the FROM. */
const PINNED_ROUND_TRIPS = 2

interface World {
  readonly scenario: Scenario
  readonly proxy: DelayProxy
  readonly dist: string
  readonly cosign: string
  readonly digests: readonly string[]
}

interface Measured {
  /** The stage, as the result states it. */
  readonly stage: number
  readonly whole: number
  readonly requests: number
}

/**
 * What the stage `materials` adds to a build upon five base images, each from a repository of its own in a registry that is 40 ms
 * away: signed ones, and ones by a reviewed digest. The action builds with buildah; `cosign verify` asks about the same five,
 * one after the other, as a job without Waybill would.
 */
export async function benchMaterials(dist: string): Promise<{ rows: readonly Row[]; notes: string[] }> {
  const world = await startWorld(dist, await findCosign())
  try {
    const signed = await measure(world, 'signed')
    const pinned = await measure(world, 'pinned')
    return {
      rows: [
        rowOf('5 signed base images: the stage', signed, SIGNED_ROUND_TRIPS, signed.theirs),
        rowOf('5 base images by digest: the stage', pinned, PINNED_ROUND_TRIPS),
      ],
      notes: [
        `materials, signed: ${signed.requests} requests by Waybill, ${signed.peerRequests} by cosign; the whole action ${seconds(signed.whole)}, with materials-mode off ${seconds(signed.off)}`,
        `materials, by digest: ${pinned.requests} requests by Waybill; the whole action ${seconds(pinned.whole)}, with materials-mode off ${seconds(pinned.off)}`,
      ],
    }
  } finally {
    await world.proxy.close()
    await world.scenario.close()
  }
}

type Kind = 'signed' | 'pinned'

interface Compared extends Measured {
  readonly off: number
  readonly theirs: number
  readonly peerRequests: number
}

/** They take turns, so that a busy moment of the machine meets all. */
async function measure(world: World, kind: Kind): Promise<Compared> {
  await commit(world, kind)
  const ours: Measured[] = []
  const off: Measured[] = []
  const theirs: { ms: number; requests: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await runWaybill(world, 'auto'))
    off.push(await runWaybill(world, 'off'))
    if (kind === 'signed') theirs.push(await runCosign(world))
  }
  return {
    stage: median(ours.map(({ stage }) => stage)),
    whole: median(ours.map(({ whole }) => whole)),
    requests: median(ours.map(({ requests }) => requests)),
    off: median(off.map(({ whole }) => whole)),
    theirs: kind === 'signed' ? median(theirs.map(({ ms }) => ms)) : 0,
    peerRequests: kind === 'signed' ? median(theirs.map(({ requests }) => requests)) : 0,
  }
}

function rowOf(name: string, { stage }: Compared, trips: number, theirs?: number): Row {
  return {
    case: name,
    waybill: seconds(stage),
    ...(theirs === undefined
      ? {}
      : { peer: `${seconds(theirs)} (cosign verify, 5 times)`, ratio: ratio(stage, theirs) }),
    limit: `${seconds(trips * DELAY_MS)} (${trips} round trips)`,
    toLimit: ratio(stage, trips * DELAY_MS),
  }
}

async function startWorld(dist: string, cosign: string): Promise<World> {
  const scenario = await startScenario()
  const { stack } = scenario
  const proxy = await startDelayProxy(stack.registry.url, DELAY_MS)
  const digests: string[] = []
  for (const n of IMAGES) {
    const { digest } = await pushImage(`${stack.registry.url}/v2/acme/base-${n}`, `base ${n}`, ['amd64'], 'image')
    stack.registry.storage.open(`acme/base-${n}`).tags.set('1', digest)
    const forger = await openForger(stack, `${stack.registry.host}/acme/base-${n}`)
    await forger.attach(digest, await forger.signature(digest))
    forger.close()
    digests.push(digest)
  }
  return { scenario, proxy, dist, cosign, digests }
}

/** Alice says who is trusted, bob builds upon all five. */
async function commit({ scenario, proxy, digests }: World, kind: Kind): Promise<void> {
  const { repository, stack, alice, bob } = scenario
  const way =
    kind === 'pinned'
      ? 'digest-lock: true'
      : `signers: [{ sigstore: { identity: "${identityOf(scenario)}", issuer: "${stack.oidc.issuer}" } }], trust: { file: root.json }`
  const rules = `base-images:\n  - { match: "${proxy.host}/acme/**", private: true, ${way} }\n`
  const files = {
    '.github/waybill.yml': policyOf(alice, bob, rules),
    '.github/root.json': await readFile(stack.trustedRootFile, 'utf8'),
  }
  repository.commit({ message: 'Say what may go in', signer: alice, files })
  const named = (n: number) => `${proxy.host}/acme/base-${n}:1${kind === 'pinned' ? `@${digests[n]}` : ''}`
  const lines = [
    ...IMAGES.map(n => `FROM ${named(n)} AS base${n}`),
    'FROM scratch',
    ...IMAGES.map(n => `COPY --from=base${n} /hello.txt /hello-${n}.txt`),
  ]
  const Dockerfile = `${lines.join('\n')}\n`
  repository.commit({ message: 'Build', signer: bob, name: 'Bob', email: 'bob@example.com', files: { Dockerfile } })
  await scenario.publish()
}

function identityOf({ stack }: Scenario): string {
  return `${stack.git.url}/acme/app/.github/workflows/release.yml@refs/heads/main`
}

async function runWaybill({ scenario, proxy, dist }: World, mode: 'auto' | 'off'): Promise<Measured> {
  const { stack, repository, image, anchor } = scenario
  const run = stack.run({ claims: { sha: repository.head() ?? '' } })
  const inputs = inputVariables({
    builder: 'buildah',
    images: image,
    since: anchor,
    'materials-mode': mode,
    // For buildah itself, where nothing says what may go in.
    'insecure-registries': proxy.host,
    'signing-config': stack.signingConfigFile,
    'trusted-root': stack.trustedRootFile,
  })
  proxy.reset()
  const env = { ...run.environment, ...inputs }
  const { code, ms, log } = await runProgram(process.execPath, [join(dist, 'attest.js')], env, run.workspace)
  if (code !== 0) throw new Error(`attest.js ended with ${code}:\n${log}`)
  const receipt = JSON.parse(await readFile(run.outputs().result ?? '', 'utf8')) as Receipt
  const stage = receipt.stages.find(({ name }) => name === 'materials')
  if (mode === 'auto' && stage?.state !== 'passed') throw new Error(`the stage ended with ${stage?.state}`)
  // buildah pulls the images by itself, with Waybill and without.
  const requests = proxy.passed.filter(({ agent }) => agent === 'waybill').length
  return { stage: stage?.ms ?? 0, whole: ms, requests }
}

async function runCosign({ scenario, proxy, cosign, digests }: World): Promise<{ ms: number; requests: number }> {
  const { stack } = scenario
  proxy.reset()
  let total = 0
  for (const n of IMAGES) {
    const { code, ms, log } = await runProgram(
      cosign,
      [
        'verify',
        '--allow-http-registry',
        `--trusted-root=${stack.trustedRootFile}`,
        `--certificate-identity=${identityOf(scenario)}`,
        `--certificate-oidc-issuer=${stack.oidc.issuer}`,
        `${proxy.host}/acme/base-${n}@${digests[n]}`,
      ],
      { HOME: stack.folder, PATH: '' },
    )
    if (code !== 0) throw new Error(`cosign verify ended with ${code}:\n${log}`)
    total += ms
  }
  return { ms: total, requests: proxy.passed.length }
}
