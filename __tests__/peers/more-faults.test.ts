import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { jest } from '@jest/globals'
import { type Peer, Supervisor } from '../../tools/peers/process.ts'
import { startRegistries } from '../../tools/peers/registries.ts'
import { writeLayout } from '../fakes/layout.ts'
import type { Inputs, StepResult } from '../fakes/scenario.ts'
import { type Door, openDoor } from './door.ts'
import { attest, expectedOf, layoutOf, openWorld, pinned, repositoryIn, tagIn, verify, type World } from './world.ts'

/** Faults below the peers: a full disk, a builder that dies while it builds, what stands behind a log. */
jest.setTimeout(240_000)

const run = promisify(execFile)

let world: World
beforeAll(async () => {
  world = await openWorld()
  world.repository.commit({
    message: 'Pause while building',
    signer: world.alice,
    files: {
      'slow/busybox': readFileSync(world.stack.peers.debian.busybox),
      'slow/Dockerfile': `FROM scratch
ARG PAUSE
COPY --chmod=755 busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox sleep $PAUSE"]
`,
    },
  })
  await world.publish()
})
afterAll(async () => {
  await world?.close()
})

/** A run that could not tell: no tag, no bundle, and the summary says why. */
async function expectUnknown(result: StepResult, repository: string, code: string): Promise<void> {
  expect([result.code, result.result.error?.code]).toEqual([2, code])
  expect(result.outputs.verdict).toBe('unknown')
  expect(result.summary).toContain(code)
  expect(await tagIn('distribution', repository)).toBeUndefined()
  expect(result.result.attestations.filter(({ bundle }) => bundle !== undefined)).toEqual([])
}

function expectPassed(result: StepResult): void {
  expect(`${result.code} ${result.code === 0 ? '' : result.log}`).toBe('0 ')
}

test('the disk of the registry is full: unknown, nothing signed, and with more room the next run passes', async () => {
  const { stack } = world
  const folder = join(stack.folder, 'full')
  const disk = join(folder, 'registry-distribution')
  await mkdir(disk, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'waybill-full', disk])
  const supervisor = new Supervisor(folder, stack.peers.debian.setpriv)
  try {
    const { distribution } = await startRegistries({ folder, peers: stack.peers, supervisor })
    const repository = `${distribution.host}/acme/full`
    const content = randomBytes(500_000).toString('hex')
    const { folder: layout } = writeLayout(join(stack.folder, 'layout-full'), { content })
    const inputs = { images: repository, builder: 'layout', layout, tags: 'v1' }
    const result = await attest(world, inputs)
    await expectUnknown(result, repository, 'registry/unavailable')
    expect(result.result.attestations).toEqual([])
    expect(readFileSync(distribution.peer.logFile, 'utf8')).toContain('no space left on device')
    await run('mount', ['-o', 'remount,size=16m', disk])
    const again = await attest(world, inputs)
    expectPassed(again)
    expect(await tagIn('distribution', repository)).toBe(again.outputs.digest)
  } finally {
    await supervisor.stop()
    await run('umount', [disk])
  }
})

/** Kills this peer when an entry is to be made in a log. @returns what happened, once it runs again. */
async function attestWhileDying(name: string, log: Door, version: 1 | 2, peer: Peer) {
  const config = await world.stack.signingConfig(`${name}.json`, { rekor: { url: log.url, version } })
  const repository = repositoryIn(world, 'distribution', name)
  const layout = layoutOf(world, name)
  const inputs: Inputs = { images: repository, builder: 'layout', layout, tags: 'v1', 'signing-config': config }
  let killed = false
  log.before = async ({ method }) => {
    if (!killed && method === 'POST') {
      killed = true
      await peer.kill()
    }
    return undefined
  }
  const result = await attest(world, inputs)
  await peer.start()
  expect(killed).toBe(true)
  return { result, repository, again: () => attest(world, inputs) }
}

test('Rekor v2 dies when an entry is made: unknown, no tag, and the next run passes', async () => {
  const { rekorV2 } = world.stack
  const door = await openDoor('rekor v2 door', rekorV2.url)
  try {
    const { result, repository, again } = await attestWhileDying('dead-rekor-v2', door, 2, rekorV2.peer)
    await expectUnknown(result, repository, 'sigstore/log-unavailable')
    const next = await again()
    expectPassed(next)
    const image = pinned(repository, next.outputs.digest)
    expect((await verify(world, 'cosign3', 'provenance', image, expectedOf(world))).code).toBe(0)
  } finally {
    await door.close()
  }
})

/** Processes of this machine, those in containers included, with exactly these arguments. */
function processesWith(args: readonly string[]): number[] {
  const wanted = `${args.join('\0')}\0`
  const commandOf = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    } catch {
      return '' // It ended in the meantime.
    }
  }
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && commandOf(name) === wanted)
    .map(Number)
}

/** What a killed BuildKit leaves mounted, innermost first. */
function mountsBelow(folder: string): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
  return points.filter(point => point.startsWith(`${folder}/`)).reverse()
}

/** By the registry's word: it knows a repository once a manifest is in it. */
async function repositoryExists(repository: string): Promise<boolean> {
  const [host, ...path] = repository.split('/')
  return (await fetch(`http://${host}/v2/${path.join('/')}/tags/list`)).status !== 404
}

test('BuildKit dies while it builds: unknown, nothing pushed, and the next run passes', async () => {
  const { buildkit, folder } = world.stack
  const repository = repositoryIn(world, 'distribution', 'dead-buildkit')
  const inputs = { images: repository, builder: 'buildx', context: 'slow', tags: 'v1' }
  // A length of its own, by which the step is found among all processes.
  const pause = String(1_000_000 + process.pid)
  const step = () => processesWith(['/bin/busybox', 'sleep', pause])
  const running = attest(world, { ...inputs, 'build-args': `PAUSE=${pause}` })
  let steps = 0
  try {
    const deadline = Date.now() + 60_000
    while (steps === 0 && Date.now() < deadline) {
      await sleep(50)
      steps = step().length
    }
  } finally {
    await buildkit.peer.kill()
    for (const pid of step()) process.kill(pid, 'SIGKILL')
    await running
    for (const point of mountsBelow(folder)) await run('umount', [point])
    await buildkit.peer.start()
  }
  expect(steps).toBe(1)
  const result = await running
  await expectUnknown(result, repository, 'build/failed')
  expect(await repositoryExists(repository)).toBe(false)
  expectPassed(await attest(world, { ...inputs, 'build-args': 'PAUSE=0' }))
  expect(step()).toEqual([])
})

test.each(['signer', 'database'] as const)(
  "Trillian's %s dies when an entry is made: unknown, no tag, and the next run passes",
  async part => {
    const { trillian, rekorV1 } = world.stack
    const door = await openDoor('rekor door', rekorV1.url)
    try {
      const { result, repository, again } = await attestWhileDying(`dead-${part}`, door, 1, trillian[part])
      await expectUnknown(result, repository, 'sigstore/log-unavailable')
      expectPassed(await again())
    } finally {
      await door.close()
    }
  },
)

test('a registry that starts late is waited for', async () => {
  const { peer } = world.stack.registries.distribution
  const repository = repositoryIn(world, 'distribution', 'late-registry')
  await peer.kill()
  const late = sleep(6_000).then(() => peer.start())
  const result = await attest(world, {
    images: repository,
    builder: 'layout',
    layout: layoutOf(world, 'late'),
    tags: 'v1',
  })
  await late
  expectPassed(result)
  expect(await tagIn('distribution', repository)).toBe(result.outputs.digest)
})
