import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { jest } from '@jest/globals'
import type { Peer } from '../../tools/peers/process.ts'
import type { PeerStack } from '../../tools/peers/stack.ts'
import type { StepResult } from '../fakes/scenario.ts'
import type { ServiceRequest } from '../fakes/service.ts'
import { type Door, openDoor } from './door.ts'
import { attest, expectedOf, layoutOf, openWorld, pinned, tagIn, verify, type World } from './world.ts'

/** Peers that die, come late or are away for a while, in the middle of a run of the action. */
jest.setTimeout(240_000)

let world: World
let doors: Readonly<Record<'fulcio' | 'rekor' | 'timestamp' | 'registry', Door>>
let signingConfig = ''
beforeAll(async () => {
  world = await openWorld()
  const { stack } = world
  const [fulcio, rekor, timestamp, registry] = await Promise.all([
    openDoor('fulcio door', stack.fulcio.url),
    openDoor('rekor door', stack.rekorV1.url),
    openDoor('timestamp door', new URL(stack.timestamp.url).origin),
    openDoor('registry door', `http://${stack.registries.distribution.host}`),
  ])
  doors = { fulcio, rekor, timestamp, registry }
  signingConfig = await stack.signingConfig('doors.json', {
    fulcio: fulcio.url,
    rekor: { url: rekor.url, version: 1 },
    timestamp: `${timestamp.url}${new URL(stack.timestamp.url).pathname}`,
  })
})
afterAll(async () => {
  for (const door of Object.values(doors ?? {})) await door.close()
  await world?.close()
})
afterEach(() => {
  for (const door of Object.values(doors)) door.before = undefined
})

/** One run that publishes through the doors, into a repository of its own. */
async function run(name: string): Promise<{ result: StepResult; repository: string }> {
  const repository = `${doors.registry.host}/acme/${name}`
  const layout = layoutOf(world, name)
  const inputs = { images: repository, builder: 'layout', layout, tags: 'v1', 'signing-config': signingConfig }
  return { result: await attest(world, inputs), repository }
}

const post = ({ method }: ServiceRequest) => method === 'POST'
const putManifest = ({ method, path }: ServiceRequest) => method === 'PUT' && path.includes('/manifests/')

interface Death {
  readonly peer: (stack: PeerStack) => Peer
  /** The door and the request at which it dies. */
  readonly at: 'fulcio' | 'rekor' | 'timestamp' | 'registry'
  readonly when: (request: ServiceRequest) => boolean
  readonly code: string
  readonly bundles: number
}

/** The second manifest of a run is its first referrer: the image itself is there by then. */
function second(matching: (request: ServiceRequest) => boolean): (request: ServiceRequest) => boolean {
  let seen = 0
  return request => matching(request) && ++seen >= 2
}

const DEATHS: Readonly<Record<string, Death>> = {
  'Fulcio when the certificate is asked for': {
    peer: stack => stack.fulcio.peer,
    at: 'fulcio',
    when: post,
    code: 'sigstore/certificate-unavailable',
    bundles: 0,
  },
  'the certificate log when the certificate is asked for': {
    peer: stack => stack.ctLog.peer,
    at: 'fulcio',
    when: post,
    code: 'sigstore/certificate-unavailable',
    bundles: 0,
  },
  'Rekor when an entry is made': {
    peer: stack => stack.rekorV1.peer,
    at: 'rekor',
    when: post,
    code: 'sigstore/log-unavailable',
    bundles: 0,
  },
  'Trillian when an entry is made': {
    peer: stack => stack.trillian.server,
    at: 'rekor',
    when: post,
    code: 'sigstore/log-unavailable',
    bundles: 0,
  },
  'the timestamp authority when a timestamp is asked for': {
    peer: stack => stack.timestamp.peer,
    at: 'timestamp',
    when: post,
    code: 'sigstore/timestamp-unavailable',
    bundles: 0,
  },
  'the registry when the image is pushed': {
    peer: stack => stack.registries.distribution.peer,
    at: 'registry',
    when: putManifest,
    code: 'registry/unavailable',
    bundles: 0,
  },
  'the registry when the bundles are published': {
    peer: stack => stack.registries.distribution.peer,
    at: 'registry',
    when: second(putManifest),
    code: 'registry/unavailable',
    bundles: 2,
  },
}

test.each(Object.entries(DEATHS))(
  '%s: unknown, no tag, what was signed is kept, and the next run passes',
  async (_, death) => {
    const peer = death.peer(world.stack)
    let killed = false
    doors[death.at].before = async request => {
      if (!killed && death.when(request)) {
        killed = true
        await peer.kill()
      }
      return undefined
    }
    const name = `dead-${Object.values(DEATHS).indexOf(death)}`
    const { result, repository } = await run(name)
    await peer.start()
    expect(killed).toBe(true)
    expect([result.code, result.result.error?.code]).toEqual([2, death.code])
    expect(result.outputs.verdict).toBe('unknown')
    expect(result.summary).toContain(death.code)
    expect(await tagIn('distribution', repository)).toBeUndefined()
    const kept = result.result.attestations.flatMap(({ bundle }) => (bundle === undefined ? [] : [bundle]))
    expect(kept).toHaveLength(death.bundles)
    for (const path of kept) expect(JSON.parse(readFileSync(path, 'utf8'))).toHaveProperty('dsseEnvelope')
    const again = await run(name)
    expect(`${again.result.code} ${again.result.code === 0 ? '' : again.result.log}`).toBe('0 ')
  },
)

test.each(['fulcio', 'rekor', 'timestamp', 'registry'] as const)(
  '503 for ten seconds at the %s is survived',
  async at => {
    const end = Date.now() + 10_000
    doors[at].before = async () => (Date.now() < end ? { status: 503, body: 'no healthy upstream' } : undefined)
    const { result, repository } = await run(`away-${at}`)
    expect(`${result.code} ${result.code === 0 ? '' : result.log}`).toBe('0 ')
    const image = pinned(repository, result.outputs.digest)
    expect((await verify(world, 'cosign3', 'provenance', image, expectedOf(world))).code).toBe(0)
  },
)

test.each(['fulcio', 'rekorV1', 'timestamp'] as const)('a %s that starts late is waited for', async name => {
  const { peer } = world.stack[name]
  await peer.kill()
  const late = sleep(6_000).then(() => peer.start())
  const { result } = await run(`late-${name.toLowerCase()}`)
  await late
  expect(`${result.code} ${result.code === 0 ? '' : result.log}`).toBe('0 ')
})
