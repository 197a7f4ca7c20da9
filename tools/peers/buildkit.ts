import { execFile } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { answersOnSocket, type Peer } from './process.ts'
import { LOGIN, type PeerRegistry } from './registries.ts'
import type { Workshop } from './transparency.ts'

const run = promisify(execFile)

export interface BuildKit {
  readonly peer: Peer
  /** `DOCKER_CONFIG` with the buildx plugin, a remote builder in use, and the login of the registry that asks for one. */
  readonly dockerConfig: string
}

/** BuildKit as root with runc and plain files as snapshots: works where no overlay file system does. */
export async function startBuildKit(
  workshop: Workshop,
  registries: readonly Pick<PeerRegistry, 'host'>[],
  guarded: Pick<PeerRegistry, 'host'>,
): Promise<BuildKit> {
  const { folder, peers, supervisor } = workshop
  const socket = join(folder, 'buildkitd.sock')
  const dockerConfig = join(folder, 'docker')
  const config = join(folder, 'buildkitd.toml')
  await mkdir(join(dockerConfig, 'cli-plugins'), { recursive: true })
  await symlink(peers.go.buildx, join(dockerConfig, 'cli-plugins', 'docker-buildx'))
  await writeFile(config, registries.map(({ host }) => `[registry."${host}"]\n  http = true\n`).join('\n'))
  const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64')
  await writeFile(join(dockerConfig, 'config.json'), JSON.stringify({ auths: { [guarded.host]: { auth } } }))
  const env = { ...process.env, DOCKER_CONFIG: dockerConfig }
  const docker = (...args: string[]) => run(peers.debian.docker, args, { env })
  const peer = await supervisor.start({
    name: 'buildkitd',
    command: peers.go.buildkitd,
    args: [
      `--config=${config}`,
      `--root=${join(folder, 'buildkit')}`,
      `--addr=unix://${socket}`,
      '--containerd-worker=false',
      '--oci-worker-snapshotter=native',
      `--oci-worker-binary=${peers.debian.runc}`,
    ],
    // Its lock and sockets lie in the runtime folder otherwise, one for the whole machine.
    env: { XDG_RUNTIME_DIR: folder, TMPDIR: folder },
    ready: answersOnSocket(socket),
  })
  await docker('buildx', 'create', '--name=waybill', '--driver=remote', '--use', `unix://${socket}`)
  await docker('buildx', 'inspect', '--bootstrap')
  return { peer, dockerConfig }
}
