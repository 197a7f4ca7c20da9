import { dirname, join } from 'node:path'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { childEnvironment, type Environment } from '../io/environment.ts'
import { exists, hashFile } from '../io/files.ts'
import { findTool } from '../io/process.ts'
import { BuildahBuilder } from './buildah.ts'
import type { BuildahHost } from './buildah-store.ts'
import type { Builder, BuildWorld, ToolRecord } from './builder.ts'
import { BuildxBuilder, type BuildxHost, dockerEnvironment } from './buildx.ts'
import { readInspect } from './buildx-inspect.ts'
import { dockerConfigFolder } from './credentials.ts'
import { ask, recordTool, toolRecord } from './tools.ts'

export type BuilderHost = BuildxHost | BuildahHost

/**
 * Finds the program that will build: for `auto` buildx if it answers, else buildah.
 * @throws `build/no-builder` naming both, or `build/builder-unavailable` for one that was asked for by name.
 */
export async function detectBuilder(wanted: 'auto' | 'buildx' | 'buildah', env: Environment): Promise<BuilderHost> {
  const buildx = wanted === 'buildah' ? absent('not asked for') : await findBuildx(env)
  if ('kind' in buildx) return buildx
  const buildah = wanted === 'buildx' ? absent('not asked for') : await findBuildah(env)
  if ('kind' in buildah) return buildah
  if (wanted === 'auto')
    throw fail('build/no-builder', 'No builder answers: neither docker buildx nor buildah', {
      expected: 'docker buildx or buildah on PATH',
      found: `docker buildx: ${buildx.absent}; buildah: ${buildah.absent}`,
    })
  throw fail('build/builder-unavailable', `The builder ${wanted} does not answer`, {
    expected: wanted,
    found: wanted === 'buildx' ? buildx.absent : buildah.absent,
    remedy:
      wanted === 'buildx'
        ? 'Add a step `uses: docker/setup-buildx-action@v3` before this one, or set `builder: auto`.'
        : 'Install it in an earlier step (sudo apt-get install --yes buildah), or set `builder: auto`.',
  })
}

export function openBuilder(host: BuilderHost, world: BuildWorld, secrets: readonly string[]): Builder {
  return host.kind === 'buildx' ? new BuildxBuilder(host, world, secrets) : new BuildahBuilder(host, world, secrets)
}

interface Absent {
  readonly absent: string
}

function absent(why: string): Absent {
  return { absent: why }
}

async function findBuildx(env: Environment): Promise<BuildxHost | Absent> {
  const docker = findTool('docker', env.PATH ?? '')
  if (docker === undefined) return absent('no docker on PATH')
  const child = dockerEnvironment(env)
  // Each takes as long as starting a large program: none waits for another.
  const hashed = pluginFile(env, docker).then(hashFile)
  hashed.catch(() => {}) // told where it is waited for
  const [version, state] = await Promise.all([
    ask(docker, ['buildx', 'version'], child),
    ask(docker, ['buildx', 'inspect'], child),
  ])
  if (version === undefined) return absent('docker has no buildx plugin')
  if (state === undefined) return absent('docker buildx inspect ended with an error')
  const builder = readInspect(state)
  if (!builder.answers) return absent('the selected buildx builder does not answer')
  const tools: ToolRecord[] = [toolRecord('buildx', version, await hashed)]
  for (const buildkit of builder.buildkit) tools.push({ name: 'buildkit', version: printable(buildkit, 120) })
  return { kind: 'buildx', docker, driver: builder.driver, nodes: builder.nodes, tools }
}

async function findBuildah(env: Environment): Promise<BuildahHost | Absent> {
  const buildah = findTool('buildah', env.PATH ?? '')
  if (buildah === undefined) return absent('no buildah on PATH')
  const version = await ask(buildah, ['--version'], childEnvironment(env))
  if (version === undefined) return absent('buildah --version ended with an error')
  return { kind: 'buildah', buildah, tools: [await recordTool('buildah', buildah, version)] }
}

/** Where docker looks for the plugin, in its order; the docker program itself when it is found nowhere. */
async function pluginFile(env: Environment, docker: string): Promise<string> {
  const own = dockerConfigFolder(env)
  const folders = [
    ...(own === undefined ? [] : [join(own, 'cli-plugins')]),
    '/usr/local/lib/docker/cli-plugins',
    '/usr/local/libexec/docker/cli-plugins',
    '/usr/lib/docker/cli-plugins',
    '/usr/libexec/docker/cli-plugins',
    join(dirname(docker), 'cli-plugins'),
  ]
  for (const folder of folders) {
    const file = join(folder, 'docker-buildx')
    if (await exists(file)) return file
  }
  return docker
}
