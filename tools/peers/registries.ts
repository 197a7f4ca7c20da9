import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { answers, onFreePorts, type Peer } from './process.ts'
import type { Workshop } from './transparency.ts'

export interface PeerRegistry {
  /** `127.0.0.1:<port>` */
  readonly host: string
  readonly peer: Peer
}

/** Login of the Debian registry, the only one that asks for one. */
export const LOGIN = { username: 'alice', password: 'wonderland' } as const
/** bcrypt of that password, as `htpasswd -nbB` prints it. */
const HTPASSWD = 'alice:$2y$05$eKb3ZdWFAw5Dpz2TbSerKei12SyhejSghePy8q2b8EsGZBnQgxNke\n'

export const REGISTRIES = ['crane', 'referrers', 'distribution', 'debian'] as const
export type RegistryName = (typeof REGISTRIES)[number]

/**
 * `crane`: go-containerregistry without the referrers API. `referrers`: the same with it. `distribution`: 3.1, ETags,
 * no referrers API, on disk. `debian`: 2.8 behind basic authentication.
 */
export async function startRegistries(workshop: Workshop): Promise<Record<RegistryName, PeerRegistry>> {
  const started = await Promise.all(REGISTRIES.map(name => startRegistry(workshop, name)))
  return Object.fromEntries(REGISTRIES.map((name, at) => [name, started[at]])) as Record<RegistryName, PeerRegistry>
}

async function startRegistry(workshop: Workshop, name: RegistryName): Promise<PeerRegistry> {
  return onFreePorts(1, async ([port = 0]) => {
    const host = `127.0.0.1:${port}`
    const { command, args } = await commandOf(workshop, name, host)
    const peer = await workshop.supervisor.start({
      name: `registry-${name}`,
      command,
      args,
      ready: answers(`http://${host}/v2/`),
    })
    return { host, peer }
  })
}

async function commandOf(
  workshop: Workshop,
  name: RegistryName,
  host: string,
): Promise<{ command: string; args: readonly string[] }> {
  const { go, debian } = workshop.peers
  if (name === 'crane') return { command: go.crane, args: ['registry', 'serve', '--address', host] }
  if (name === 'referrers') return { command: go['referrers-registry'], args: [host] }
  const config = await writeConfig(workshop.folder, name, host)
  return { command: name === 'debian' ? debian['docker-registry'] : go.distribution, args: ['serve', config] }
}

async function writeConfig(folder: string, name: RegistryName, host: string): Promise<string> {
  const storage = join(folder, `registry-${name}`)
  const passwords = join(folder, 'htpasswd')
  await mkdir(storage, { recursive: true })
  await writeFile(passwords, HTPASSWD)
  const path = join(folder, `registry-${name}.yml`)
  await writeFile(
    path,
    stringify({
      version: 0.1,
      log: { level: 'warn' },
      storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
      http: { addr: host },
      ...(name === 'debian' ? { auth: { htpasswd: { realm: 'waybill', path: passwords } } } : {}),
    }),
  )
  return path
}
