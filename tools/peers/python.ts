import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PythonPeer } from './versions.ts'

/** Where a program from the Python package index lies: one file, which needs no Python to run. */
export function pythonProgramOf(place: string, { name }: PythonPeer): string {
  return join(place, name)
}

/** True when the program says of itself that it is this one: a stale or foreign binary is never used. */
export function isPythonPeerInstalled(place: string, peer: PythonPeer): boolean {
  const program = pythonProgramOf(place, peer)
  if (!existsSync(program)) return false
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8', env: {} })
  return status === 0 && stdout.trim() === `${peer.name} ${peer.version}`
}

/**
 * Unpacks the wheel whose hash `versions.ts` names into an environment of its own, keeps the program, and removes the rest.
 * @param install installs a package of the distribution: Debian has what makes such an environment in one of its own.
 * @throws with the last words of what failed.
 */
export function buildPythonPeer(peer: PythonPeer, place: string, install: (name: string) => void): void {
  const work = join(place, 'environment')
  mkdirSync(place, { recursive: true })
  try {
    if (run('python3', ['-m', 'venv', work]).status !== 0) {
      install('python3-venv')
      rmSync(work, { recursive: true, force: true })
      succeed('python3', ['-m', 'venv', work])
    }
    const wanted = join(work, 'wanted.txt')
    writeFileSync(
      wanted,
      `${peer.name}==${peer.version} ${peer.sha256.map(hash => `--hash=sha256:${hash}`).join(' ')}\n`,
    )
    const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes']
    succeed(join(work, 'bin', 'python'), ['-m', 'pip', 'install', ...options, '--requirement', wanted])
    copyFileSync(join(work, 'bin', peer.name), pythonProgramOf(place, peer))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function succeed(program: string, args: readonly string[]): void {
  const { status, error, stdout, stderr } = run(program, args)
  if (status === 0) return
  const words = error?.message ?? `${stdout}${stderr}`
  throw new Error(`${program} ${args.join(' ')} failed:\n${words.trimEnd().split('\n').slice(-20).join('\n')}`)
}

function run(program: string, args: readonly string[]) {
  return spawnSync(program, [...args], { encoding: 'utf8', maxBuffer: 1 << 26 })
}
