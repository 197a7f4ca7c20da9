import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { promisify } from 'node:util'
import { answersOnSocket, type Peer } from './process.ts'
import type { Workshop } from './transparency.ts'

export interface Dockerd {
  readonly peer: Peer
  /** `DOCKER_HOST` */
  readonly address: string
}

/** Bit and name of the capability that machines without the right to raise limits have not. Source: linux/capability.h. */
const RESOURCE = { bit: 24n, name: 'CAP_SYS_RESOURCE' }

/** A Docker daemon as root, plain files as layers, no bridge and no firewall rules: containers use the machine's network. */
export async function startDockerd({ folder, peers, supervisor }: Workshop): Promise<Dockerd> {
  const own = join(folder, 'dockerd')
  const socket = join(own, 'docker.sock')
  await mkdir(own, { recursive: true })
  const runtime = await writeRuntime(own, peers.debian.runc)
  const peer = await supervisor.start({
    name: 'dockerd',
    command: peers.debian.dockerd,
    args: [
      `--data-root=${join(own, 'data')}`,
      `--exec-root=${join(own, 'exec')}`,
      `--host=unix://${socket}`,
      `--pidfile=${join(own, 'pid')}`,
      '--storage-driver=vfs',
      '--iptables=false',
      '--ip6tables=false',
      '--bridge=none',
      `--add-runtime=here=${runtime}`,
      '--default-runtime=here',
    ],
    // It starts containerd and docker-proxy by name, and they lie beside it or in the system's folders.
    env: { PATH: `${programFolders(peers.debian.dockerd)}:${process.env.PATH ?? ''}` },
    ready: answersOnSocket(socket),
  })
  return { peer, address: `unix://${socket}` }
}

/** A daemon that ended, killed or not, leaves its network namespace mounted below its folder, which can then not be removed. */
export async function releaseMounts(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map(line => line.split(' ')[1] ?? '')
  for (const place of mounts.filter(mounted => mounted.startsWith(folder + sep)).reverse())
    await promisify(execFile)('umount', ['--lazy', '--', place])
}

function programFolders(dockerd: string): string {
  const folder = dirname(dockerd)
  return `${folder}:${join(folder, '..', 'bin')}:${join(folder, '..', 'sbin')}`
}

/**
 * A privileged container asks for every capability, and the kernel refuses the whole container where this machine has not one of
 * them. There the runtime is asked for the others.
 */
async function writeRuntime(folder: string, runc: string): Promise<string> {
  const path = join(folder, 'runtime')
  const missing = (await hasResource()) ? '' : RESOURCE.name
  await writeFile(
    path,
    `#!/bin/sh
before=
file=
for argument in "$@"; do
  case "$before" in --bundle | -b) file=$argument/config.json ;; --process | -p) file=$argument ;; esac
  before=$argument
done
if [ -n "${missing}" ] && [ -n "$file" ] && [ -f "$file" ]; then sed -i 's/"${RESOURCE.name}",//g; s/,"${RESOURCE.name}"//g' "$file"; fi
exec ${runc} "$@"
`,
  )
  await chmod(path, 0o755)
  return path
}

async function hasResource(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8')
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  return ((BigInt(`0x${bounding}`) >> RESOURCE.bit) & 1n) === 1n
}
