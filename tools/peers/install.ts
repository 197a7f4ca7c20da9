import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { accessSync, constants, cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { withLock } from './lock.ts'
import { buildPythonPeer, isPythonPeerInstalled, pythonProgramOf } from './python.ts'
import {
  DEBIAN_PEERS,
  type DebianPeerName,
  GO_PEERS,
  type GoPeer,
  type GoPeerName,
  PYTHON_PEERS,
  type PythonPeer,
  type PythonPeerName,
} from './versions.ts'

/** Where every peer lies: absolute paths of programs, and the folder of each Go peer. */
export interface Peers {
  readonly go: Readonly<Record<GoPeerName, string>>
  readonly folders: Readonly<Record<GoPeerName, string>>
  readonly python: Readonly<Record<PythonPeerName, string>>
  readonly debian: Readonly<Record<DebianPeerName, string>>
}

/** Where the distribution keeps servers, besides the caller's PATH. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Outside the checkout, so that every checkout of the machine shares it. */
export function peersFolder(): string {
  return process.env.WAYBILL_PEERS ?? join(homedir(), '.cache', 'waybill', 'peers')
}

/**
 * Installs what is missing and @returns where everything is. A program whose build information names another version
 * than `versions.ts` is built anew, never used.
 * @throws when something cannot be installed, with what to do about it.
 */
export async function installPeers(say: (line: string) => void = () => {}): Promise<Peers> {
  installDebianPeers(say)
  const folder = peersFolder()
  mkdirSync(folder, { recursive: true })
  for (const peer of GO_PEERS) {
    const installed = (place: string): boolean => isInstalled(place, peer)
    await installPeer(placeOf(folder, peer), { title: `${peer.name} ${peer.version}`, installed, say }, place =>
      build(peer, place),
    )
  }
  for (const peer of PYTHON_PEERS) {
    const installed = (place: string): boolean => isPythonPeerInstalled(place, peer)
    await installPeer(pythonPlaceOf(folder, peer), { title: `${peer.name} ${peer.version}`, installed, say }, place =>
      buildPythonPeer(peer, place, name => apt(['install', '-y', '-qq', '--no-install-recommends', name])),
    )
  }
  return findPeers()
}

/** What `installPeers` left. @throws when a peer is missing or of another version: the ring fails, it never skips. */
export function findPeers(): Peers {
  const folder = peersFolder()
  const missing = [
    ...GO_PEERS.filter(peer => !isInstalled(placeOf(folder, peer), peer)).map(peer => `${peer.name} ${peer.version}`),
    ...PYTHON_PEERS.filter(peer => !isPythonPeerInstalled(pythonPlaceOf(folder, peer), peer)).map(
      peer => `${peer.name} ${peer.version}`,
    ),
    ...debianPeers()
      .filter(([name]) => findProgram(name) === undefined)
      .map(([name]) => name),
  ]
  if (missing.length > 0) throw new Error(`Peers are missing: ${missing.join(', ')}. Run npm run test:peers.`)
  return {
    go: record(GO_PEERS.map(peer => [peer.name, programOf(placeOf(folder, peer), peer)])),
    folders: record(GO_PEERS.map(peer => [peer.name, placeOf(folder, peer)])),
    python: record(PYTHON_PEERS.map(peer => [peer.name, pythonProgramOf(pythonPlaceOf(folder, peer), peer)])),
    debian: record(debianPeers().map(([name]) => [name, findProgram(name) ?? ''])),
  }
}

function record<Name extends string>(entries: readonly (readonly [Name, string])[]): Record<Name, string> {
  return Object.fromEntries(entries) as Record<Name, string>
}

function debianPeers(): [DebianPeerName, string][] {
  return Object.entries(DEBIAN_PEERS) as [DebianPeerName, string][]
}

function placeOf(folder: string, peer: GoPeer): string {
  return join(folder, `${peer.name}-${peer.version.slice(1)}`)
}

function programOf(place: string, peer: GoPeer): string {
  return join(place, peer.name)
}

function pythonPlaceOf(folder: string, { name, version }: PythonPeer): string {
  return join(folder, `${name}-${version}`)
}

interface Wanted {
  readonly title: string
  installed(place: string): boolean
  say(line: string): void
}

async function installPeer(
  place: string,
  { title, installed, say }: Wanted,
  make: (place: string) => void,
): Promise<void> {
  if (installed(place)) return
  await withLock(`${place}.lock`, async () => {
    // Another run may have built it while this one waited.
    if (installed(place)) return
    say(`Building ${title} …`)
    const started = performance.now()
    const fresh = `${place}.${process.pid}-${randomUUID()}`
    try {
      make(fresh)
      if (!installed(fresh)) throw new Error(`What was built is something else than ${title}`)
      replace(fresh, place)
    } finally {
      rmSync(fresh, { recursive: true, force: true })
    }
    say(`  ${Math.round((performance.now() - started) / 1000)} s`)
  })
}

/** A rename within one folder: whoever looks sees the old program, none, or the new one, and never half of it. */
function replace(fresh: string, place: string): void {
  const old = `${place}.${randomUUID()}.old`
  if (existsSync(place)) renameSync(place, old)
  renameSync(fresh, place)
  rmSync(old, { recursive: true, force: true })
}

function build(peer: GoPeer, place: string): void {
  mkdirSync(place, { recursive: true })
  const program = programOf(place, peer)
  const work = join(place, 'module')
  mkdirSync(work)
  if (peer.wrapped === undefined) {
    go(place, ['install', `${peer.main}@${peer.version}`], { GOBIN: work })
    renameSync(join(work, programName(peer.main)), program)
  } else {
    go(work, ['mod', 'init', 'waybill.test/peer'])
    for (const replacement of peer.replace ?? []) go(work, ['mod', 'edit', `-replace=${replacement}`])
    if (peer.wrapped === true) go(work, ['get', '-tool', `${peer.main}@${peer.version}`])
    else {
      cpSync(join(import.meta.dirname, peer.wrapped.source), join(work, 'main.go'))
      go(work, ['get', `${peer.module}/...@${peer.version}`])
    }
    const environment = peer.static === true ? { CGO_ENABLED: '0' } : {}
    go(work, ['build', '-mod=mod', ...linkerFlags(peer), '-o', program, peer.main], environment)
  }
  for (const [name, path] of Object.entries(peer.files ?? {})) {
    const module = JSON.parse(go(work, ['mod', 'download', '-json', `${peer.module}@${peer.version}`])) as {
      Dir: string
    }
    cpSync(join(module.Dir, path), join(place, name))
  }
  rmSync(work, { recursive: true, force: true })
}

function linkerFlags({ stamps }: GoPeer): readonly string[] {
  if (stamps === undefined) return []
  const flags = Object.entries(stamps).map(([name, text]) => `-X ${name}=${text}`)
  return [`-ldflags=${flags.join(' ')}`]
}

/** `go install` names a program after the last part of its path that is not a major version. */
function programName(main: string): string {
  const parts = main.split('/').filter(part => !/^v\d+$/.test(part))
  return parts.at(-1) ?? main
}

/** True when the program says of itself that it is this one: a stale or foreign binary is never used. */
function isInstalled(place: string, peer: GoPeer): boolean {
  const program = programOf(place, peer)
  if (![program, ...Object.keys(peer.files ?? {}).map(name => join(place, name))].every(existsSync)) return false
  const { status, stdout } = runGo(place, ['version', '-m', program])
  const lines = stdout.split('\n').map(line => line.trim().split(/\s+/))
  const main = lines.some(([kind, path]) => kind === 'path' && path === peer.main)
  const version = lines.some(
    ([kind, path, found]) => (kind === 'mod' || kind === 'dep') && path === peer.module && found === peer.version,
  )
  const stamped = linkerFlags(peer).every(flag => stdout.includes(flag.replace(/^(-ldflags=)(.*)$/, '$1"$2"')))
  return status === 0 && main && version && stamped
}

/** @returns what it printed. @throws with its last words when it fails. */
function go(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const run = runGo(cwd, args, env)
  if (run.status !== 0) throw new Error(`go ${args.join(' ')} failed:\n${lastLines(`${run.stdout}${run.stderr}`)}`)
  return run.stdout
}

function runGo(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const run = spawnSync('go', args, {
    cwd,
    env: { ...process.env, GOFLAGS: '-buildvcs=false', GOWORK: 'off', ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (run.error !== undefined && 'code' in run.error && run.error.code === 'ENOENT') {
    throw new Error('There is no go on PATH. The peers are built from source: install Go 1.26 or newer.')
  }
  return run
}

function installDebianPeers(say: (line: string) => void): void {
  const missing = debianPeers().filter(([name]) => findProgram(name) === undefined)
  if (missing.length === 0) return
  const packages = [...new Set(missing.map(([, name]) => name))]
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`
  if (findProgram('apt-get') === undefined || process.getuid?.() !== 0) {
    throw new Error(`Missing: ${missing.map(([name]) => name).join(', ')}. Install them as root: ${command}`)
  }
  say(`Installing ${packages.join(' ')} …`)
  apt(['update', '-qq'])
  apt(['install', '-y', '-qq', '--no-install-recommends', ...packages])
}

function apt(args: readonly string[]): void {
  // A package's own service is not to be started: run level 1 tells invoke-rc.d so.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const run = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], { env, encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`apt-get ${args.join(' ')} failed:\n${lastLines(`${run.stdout}${run.stderr}`)}`)
}

function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS]
  return folders.map(folder => join(folder, name)).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

export function lastLines(text: string, count = 20): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
