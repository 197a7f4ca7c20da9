import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { jest } from '@jest/globals'
import { findPeers, installPeers } from '../../tools/peers/install.ts'
import { withLock } from '../../tools/peers/lock.ts'
import { freePort, Supervisor } from '../../tools/peers/process.ts'
import { GO_PEERS, type GoPeerName, PYTHON_PEERS } from '../../tools/peers/versions.ts'

/** The ring's own foundations: what it refuses to run with, and what it leaves behind. */
jest.setTimeout(180_000)

const ROOT = join(import.meta.dirname, '..', '..')
const real = findPeers()
const before = { ...process.env }
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-install-'))
})
afterEach(() => {
  process.env = { ...before }
  rmSync(folder, { recursive: true, force: true })
})

const pythonPlaces = (): readonly string[] => PYTHON_PEERS.map(({ name }) => dirname(real.python[name]))

/** A cache with every peer but one, whose place in it is returned. */
function cacheWithout(missing: GoPeerName): string {
  process.env.WAYBILL_PEERS = folder
  for (const { name } of GO_PEERS) {
    if (name !== missing) symlinkSync(real.folders[name], join(folder, basename(real.folders[name])))
  }
  for (const place of pythonPlaces()) symlinkSync(place, join(folder, basename(place)))
  return join(folder, basename(real.folders[missing]))
}

test('a missing peer is named with its version, and nothing is found', () => {
  cacheWithout('cosign2')
  expect(() => findPeers()).toThrow(/^Peers are missing: cosign2 v2\.6\.4\./)
})

test('a program of another version, or another program, is not used under this name', () => {
  const place = cacheWithout('cosign3')
  for (const stale of [real.go.cosign2, real.go.crane]) {
    mkdirSync(place)
    symlinkSync(stale, join(place, 'cosign3'))
    expect(() => findPeers()).toThrow(/^Peers are missing: cosign3 v3\.1\.2\./)
    rmSync(place, { recursive: true })
  }
})

test('a file that is no program at all is not used', () => {
  const place = cacheWithout('crane')
  mkdirSync(place)
  writeFileSync(join(place, 'crane'), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
  expect(() => findPeers()).toThrow(/^Peers are missing: crane /)
})

test('a program from the Python package index is not used when it says another name or version', () => {
  const place = join(folder, basename(dirname(real.python.zizmor)))
  for (const said of ['zizmor 1.0.0', 'another 1.32.0', '']) {
    cacheWithout('crane')
    rmSync(place)
    mkdirSync(place)
    writeFileSync(join(place, 'zizmor'), `#!/bin/sh\necho ${said}\n`, { mode: 0o755 })
    expect(() => findPeers()).toThrow('zizmor 1.32.0')
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
  }
})

test('a stale program is replaced by a built one, and the cache holds nothing else afterwards', async () => {
  const place = cacheWithout('referrers-registry')
  mkdirSync(place)
  copyFileSync(real.go.crane, join(place, 'referrers-registry'))
  const said: string[] = []
  const peers = await installPeers(line => said.push(line))
  expect(said[0]).toBe('Building referrers-registry v0.21.9 …')
  expect(execFileSync('go', ['version', '-m', peers.go['referrers-registry']]).toString()).toContain(
    'waybill.test/peer',
  )
  const places = [...GO_PEERS.map(({ name }) => real.folders[name]), ...pythonPlaces()]
  expect(readdirSync(folder).sort()).toEqual(places.map(place => basename(place)).sort())
  expect(readdirSync(place)).toEqual(['referrers-registry'])
})

test('two installations at once build a peer once', async () => {
  cacheWithout('referrers-registry')
  const said: string[] = []
  await Promise.all([installPeers(line => said.push(line)), installPeers(line => said.push(line))])
  expect(said.filter(line => line.startsWith('Building'))).toHaveLength(1)
})

test('the ring fails, and says why, where there is no go to build what is missing', () => {
  const node = join(ROOT, 'node_modules', 'node', 'bin', 'node')
  const env = { HOME: folder, PATH: '/nonexistent', WAYBILL_PEERS: folder }
  const run = spawnSync(node, [join(ROOT, 'tools', 'peers', 'test.ts')], { env, encoding: 'utf8' })
  expect(run.status).toBe(1)
  expect(run.stderr).toContain('There is no go on PATH')
  expect(run.stdout).not.toContain('passed')
})

test('a lock is waited for, and that of a process that is gone is taken over', async () => {
  const lock = join(folder, 'lock')
  const order: string[] = []
  await Promise.all(
    ['one', 'two'].map(name =>
      withLock(lock, async () => {
        order.push(`${name} begins`)
        await sleep(50)
        order.push(`${name} ends`)
      }),
    ),
  )
  expect(order.map(line => line.split(' ')[1])).toEqual(['begins', 'ends', 'begins', 'ends'])
  const gone = spawnSync('true').pid
  writeFileSync(lock, String(gone))
  expect(await withLock(lock, async () => 'mine')).toBe('mine')
  expect(existsSync(lock)).toBe(false)
})

test('a peer that ends while it starts is an error with its last words', async () => {
  const supervisor = new Supervisor(folder, real.debian.setpriv)
  const args = ['-c', 'echo the disk is full >&2; exit 1']
  const starting = supervisor.start({ name: 'broken', command: '/bin/sh', args, ready: async () => false })
  await expect(starting).rejects.toThrow(/^broken ended:\nthe disk is full$/)
})

test('a supervisor ends what it started, what ignores SIGTERM included, and nothing else', async () => {
  const [own, foreign] = [new Supervisor(folder, real.debian.setpriv), new Supervisor(folder, real.debian.setpriv)]
  const options = {
    command: '/bin/sh',
    args: ['-c', 'trap "" TERM; while :; do sleep 0.1; done'],
    ready: async () => true,
  }
  const mine = await own.start({ ...options, name: 'mine' })
  const other = await foreign.start({ ...options, name: 'other' })
  const [pid = 0, otherPid = 0] = [mine.pid, other.pid]
  await own.stop()
  const between = [pid, otherPid].map(isAlive)
  await foreign.stop()
  expect([...between, isAlive(otherPid)]).toEqual([false, true, false])
})

test('peers die with the process that started them, even when that is killed', async () => {
  const port = await freePort()
  const script = join(dirname(folder), `${basename(folder)}.ts`)
  writeFileSync(
    script,
    `import { accepts, Supervisor } from ${JSON.stringify(join(ROOT, 'tools', 'peers', 'process.ts'))}
const supervisor = new Supervisor(${JSON.stringify(folder)}, ${JSON.stringify(real.debian.setpriv)})
const args = ['registry', 'serve', '--address', '127.0.0.1:${port}']
const peer = await supervisor.start({ name: 'r', command: ${JSON.stringify(real.go.crane)}, args, ready: accepts(${port}) })
console.log(peer.pid)
process.kill(process.pid, 'SIGKILL')
`,
  )
  const run = spawnSync(process.execPath, [script], { encoding: 'utf8' })
  rmSync(script)
  const pid = Number(run.stdout)
  expect([run.signal, pid > 0]).toEqual(['SIGKILL', true])
  for (let tries = 0; tries < 50 && isAlive(pid); tries++) await sleep(20)
  expect(isAlive(pid)).toBe(false)
})

/** A process that ended and waits for its parent's question about it (Z) is dead. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
