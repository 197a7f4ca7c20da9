import { utf8 } from '../../src/core/bytes.ts'
import { type Digest, sha256 } from '../../src/core/digest.ts'
import { WaybillError } from '../../src/core/error.ts'
import { HttpClient } from '../../src/io/http.ts'
import type { RetryClock } from '../../src/io/retry.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { ANONYMOUS, type Credential, type CredentialSource } from '../../src/registry/credentials.ts'
import { type Descriptor, OCI_INDEX, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import type { Repository } from '../../src/registry/reference.ts'
import type { TransportOptions } from '../../src/registry/transport.ts'

/** The code of the error that `work` ends with; a test that expects a failure must not pass without one. */
export async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  return (await errorOf(work)).code
}

export async function errorOf(work: Promise<unknown> | (() => unknown)): Promise<WaybillError> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (error instanceof WaybillError) return error
    throw error
  }
  throw new Error('expected an error, got none')
}

/** Real time passes quickly: sleeps are cut to a few milliseconds, and recorded. */
export function quickClock(): RetryClock & { slept: number[] } {
  const slept: number[] = []
  return {
    slept,
    now: () => Date.now(),
    random: Math.random,
    sleep: ms => {
      slept.push(ms)
      return new Promise(resolve => setTimeout(resolve, Math.min(ms, 5)))
    },
  }
}

export function always(credential: Credential): CredentialSource {
  return { find: () => Promise.resolve(credential) }
}

export const ALICE = always({ kind: 'password', username: 'alice', password: 'alice-password' })
export const BOB = always({ kind: 'password', username: 'bob', password: 'bob-password' })

const opened: { close(): void | Promise<void> }[] = []

/** Closed by `closeAll`, which each test file calls after each test. */
export function keep<T extends { close(): void | Promise<void> }>(thing: T): T {
  opened.push(thing)
  return thing
}

export async function closeAll(): Promise<void> {
  for (const thing of opened.splice(0).reverse()) await thing.close()
}

export interface Connection {
  readonly client: RegistryClient
  readonly http: HttpClient
  readonly repository: Repository
}

export function connect(host: string, options: Partial<TransportOptions> = {}, repository = 'acme/app'): Connection {
  const http = options.http ?? keep(new HttpClient())
  const client = new RegistryClient({ credentials: ANONYMOUS, clock: quickClock(), ...options, http })
  return { client, http, repository: { host, repository } }
}

export interface TestImage {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  readonly config: Digest
}

/** Pushes a tiny image; `seed` makes its digest its own. */
export async function pushImage(connection: Connection, seed: string, platform = 'linux/amd64'): Promise<TestImage> {
  const { client, repository } = connection
  const [os, architecture, variant] = platform.split('/')
  const config = utf8(JSON.stringify({ os, architecture, variant, rootfs: { type: 'layers', diff_ids: [] }, seed }))
  const layer = utf8(`layer of ${seed}`)
  await client.putBlob(repository, config)
  await client.putBlob(repository, layer)
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(config), size: config.byteLength },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: sha256(layer), size: layer.byteLength }],
  }
  const bytes = utf8(JSON.stringify(manifest))
  await client.putManifest(repository, sha256(bytes), OCI_MANIFEST, bytes)
  const descriptor = { mediaType: OCI_MANIFEST, digest: sha256(bytes), size: bytes.byteLength }
  return { descriptor, bytes, config: sha256(config) }
}

/** Pushes an index over the given entries. */
export async function pushIndex(connection: Connection, manifests: readonly object[]): Promise<TestImage> {
  const bytes = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }))
  await connection.client.putManifest(connection.repository, sha256(bytes), OCI_INDEX, bytes)
  const descriptor = { mediaType: OCI_INDEX, digest: sha256(bytes), size: bytes.byteLength }
  return { descriptor, bytes, config: sha256('') }
}
