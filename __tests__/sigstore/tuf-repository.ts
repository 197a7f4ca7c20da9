import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from '@sigstore/core'
import { type ServiceAnswer, startService } from '../fakes/service.ts'

export interface TufRepository {
  readonly url: string
  /** The root of trust a client starts with. */
  readonly rootFile: string
  /** A fresh folder for a client's cache. */
  readonly cacheFolder: string
  /** Paths asked for, in order. */
  requests(): string[]
  /** Changes what is served from now on. */
  files: Map<string, Buffer>
  /** Serves new metadata, and another target if one is given. */
  publish(how: Publication): void
  /** Serves nothing any more; what is asked is never answered. */
  hang(): void
  close(): Promise<void>
}

export interface Publication {
  /** Of timestamp, snapshot and targets. Default 1. */
  readonly version?: number
  readonly expired?: boolean
  /** Signed by somebody else. */
  readonly forged?: boolean
  /** Length that the metadata claims, in place of the target's own. */
  readonly length?: number
  readonly bytes?: Uint8Array
  /** Further targets beside the one of the repository, by name. */
  readonly others?: Readonly<Record<string, Uint8Array>>
  /** The root itself goes to this version, signed by the same key. */
  readonly rootVersion?: number
}

const DAY_MS = 24 * 3600_000

/** A small TUF repository (one Ed25519 key for every role, consistent snapshots) that serves one target over HTTP. */
export async function startTufRepository(
  target: { readonly name: string; readonly bytes: Uint8Array },
  options: Publication = {},
): Promise<TufRepository> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-tuf-'))
  const key = generateKeyPairSync('ed25519')
  const files = new Map<string, Buffer>()
  const publish = (how: Publication) => {
    for (const [path, bytes] of metadata(key.publicKey, key.privateKey, target, how)) files.set(path, bytes)
  }
  publish(options)
  const rootFile = join(folder, 'root.json')
  await writeFile(rootFile, files.get('/1.root.json') ?? '')
  let hanging = false
  const service = await startService('tuf', ({ path }): ServiceAnswer | Promise<ServiceAnswer> => {
    if (hanging) return new Promise(() => {})
    const body = files.get(path)
    return body === undefined ? { status: 404, body: 'not found' } : { status: 200, body }
  })
  return {
    url: service.url,
    rootFile,
    cacheFolder: join(folder, 'cache'),
    files,
    publish,
    hang: () => {
      hanging = true
    },
    requests: () => service.log.map(record => record.path),
    close: async () => {
      await service.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function metadata(
  publicKey: KeyObject,
  privateKey: KeyObject,
  { name, bytes: first }: { readonly name: string; readonly bytes: Uint8Array },
  {
    version = 1,
    expired = false,
    forged = false,
    bytes = first,
    length = bytes.byteLength,
    rootVersion = 1,
    others = {},
  }: Publication,
): ReadonlyMap<string, Buffer> {
  const signer = forged ? generateKeyPairSync('ed25519').privateKey : privateKey
  const id = keyId(publicKey)
  const role = { keyids: [id], threshold: 1 }
  const common = { spec_version: '1.0.31', version, expires: inDays(expired ? -1 : 1) }
  const root = signed(id, privateKey, {
    _type: 'root',
    ...common,
    version: rootVersion,
    expires: inDays(1),
    consistent_snapshot: true,
    keys: { [id]: tufKey(publicKey) },
    roles: { root: role, timestamp: role, snapshot: role, targets: role },
  })
  const digest = sha256(bytes)
  const more = Object.entries(others).map(([other, content]) => ({ other, content, sha256: sha256(content) }))
  const targets = Object.fromEntries([
    [name, { length, hashes: { sha256: digest } }],
    ...more.map(({ other, content, sha256 }) => [other, { length: content.byteLength, hashes: { sha256 } }]),
  ])
  return new Map([
    [`/${rootVersion}.root.json`, root],
    ['/timestamp.json', signed(id, signer, { _type: 'timestamp', ...common, meta: { 'snapshot.json': { version } } })],
    [
      `/${version}.snapshot.json`,
      signed(id, signer, { _type: 'snapshot', ...common, meta: { 'targets.json': { version } } }),
    ],
    [`/${version}.targets.json`, signed(id, signer, { _type: 'targets', ...common, targets })],
    [`/targets/${digest}.${name}`, Buffer.from(bytes)],
    ...more.map(({ other, content, sha256 }) => [`/targets/${sha256}.${other}`, Buffer.from(content)] as const),
  ])
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function inDays(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().replace(/\.\d+Z$/, 'Z')
}

function tufKey(key: KeyObject): object {
  const raw = key.export({ format: 'der', type: 'spki' }).subarray(-32)
  return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: raw.toString('hex') } }
}

function keyId(key: KeyObject): string {
  return createHash('sha256')
    .update(json.canonicalize(tufKey(key)))
    .digest('hex')
}

function signed(keyid: string, key: KeyObject, content: object): Buffer {
  const sig = sign(null, Buffer.from(json.canonicalize(content)), key).toString('hex')
  return Buffer.from(JSON.stringify({ signatures: [{ keyid, sig }], signed: content }))
}
