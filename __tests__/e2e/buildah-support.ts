import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BuildWorld } from '../../src/build/builder.ts'
import { detectBuilder, openBuilder } from '../../src/build/detect.ts'
import { RegistryLayouts } from '../../src/build/registry-layouts.ts'
import type { BuildRequest } from '../../src/build/request.ts'
import { WorkflowLog } from '../../src/github/commands.ts'
import { HttpClient } from '../../src/io/http.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { ANONYMOUS } from '../../src/registry/credentials.ts'
import { request, temporaryFolder, tree } from '../build/support.ts'
import { type EmbeddedRegistry, startRegistry } from '../fakes/registry/registry.ts'

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync) ?? ''
const EPOCH = 1_700_000_000

/** A registry, and real buildah beside it. */
export interface BuildahStage {
  readonly registry: EmbeddedRegistry
  readonly client: RegistryClient
  bench(over?: Partial<BuildWorld>): Bench
  build(
    over: Partial<BuildRequest>,
    world: BuildWorld,
    secrets?: readonly string[],
  ): ReturnType<ReturnType<typeof openBuilder>['build']>
  close(): Promise<void>
}

export interface Bench {
  readonly world: BuildWorld
  readonly log: () => string
}

export async function buildahStage(): Promise<BuildahStage> {
  const registry = await startRegistry()
  const http = new HttpClient()
  const client = new RegistryClient({ http, credentials: ANONYMOUS })
  return {
    registry,
    client,
    bench: over => bench(registry, client, over),
    build: async (over, world, secrets = []) => {
      const host = await detectBuilder('buildah', world.env)
      return openBuilder(host, world, secrets).build(
        request({ images: [`${registry.host}/acme/app`], sourceDateEpoch: EPOCH, ...over }),
      )
    },
    close: async () => {
      http.close()
      await registry.close()
    },
  }
}

function bench(registry: EmbeddedRegistry, client: RegistryClient, over: Partial<BuildWorld> = {}): Bench {
  const chunks: Uint8Array[] = []
  const log = new WorkflowLog(
    chunk => chunks.push(chunk),
    () => 'stop-token-of-this-test',
  )
  const output = log.guard()
  return {
    world: {
      env: { PATH: process.env.PATH, HOME: temporaryFolder() },
      folder: temporaryFolder(),
      output,
      layouts: new RegistryLayouts(client),
      logins: [],
      insecureRegistries: [registry.host],
      ...over,
    },
    log: () => {
      output.close()
      return Buffer.concat(chunks).toString('utf8')
    },
  }
}

/** A tree whose Dockerfile can run commands without any base image. */
export function busyboxTree(lines: readonly string[], files: Readonly<Record<string, string>> = {}): string {
  const folder = tree({ Dockerfile: ['FROM scratch', 'COPY busybox /bin/busybox', ...lines, ''].join('\n'), ...files })
  copyFileSync(BUSYBOX, join(folder, 'busybox'))
  return folder
}

export const sh = (command: string): string => `RUN ["/bin/busybox", "sh", "-c", ${JSON.stringify(command)}]`
