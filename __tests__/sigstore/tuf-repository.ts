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
  close(): Promise<void>
}

const DAY_MS = 24 * 3600_000

/** A small TUF repository (one Ed25519 key for every role, consistent snapshots) that serves one target over HTTP. */
export async function startTufRepository(
  target: { readonly name: string; readonly bytes: Uint8Array },
  options: { readonly expired?: boolean; readonly forged?: boolean } = {},
): Promise<TufRepository> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-tuf-'))
  const key = generateKeyPairSync('ed25519')
  const liar = generateKeyPairSync('ed25519')
  const signer = options.forged ? liar.privateKey : key.privateKey
  const expires = new Date(Date.now() + (options.expired ? -DAY_MS : DAY_MS)).toISOString().replace(/\.\d+Z$/, 'Z')
  const id = keyId(key.publicKey)
  const role = { keyids: [id], threshold: 1 }
  const common = { spec_version: '1.0.31', version: 1 }
  const root = signed(id, key.privateKey, {
    _type: 'root',
    ...common,
    expires: new Date(Date.now() + DAY_MS).toISOString().replace(/\.\d+Z$/, 'Z'),
    consistent_snapshot: true,
    keys: { [id]: tufKey(key.publicKey) },
    roles: { root: role, timestamp: role, snapshot: role, targets: role },
  })
  const digest = createHash('sha256').update(target.bytes).digest('hex')
  const listed = { [target.name]: { length: target.bytes.byteLength, hashes: { sha256: digest } } }
  const targets = signed(id, signer, { _type: 'targets', ...common, expires, targets: listed })
  const meta = { 'targets.json': { version: 1 } }
  const snapshot = signed(id, signer, { _type: 'snapshot', ...common, expires, meta })
  const timestamp = signed(id, signer, {
    _type: 'timestamp',
    ...common,
    expires,
    meta: { 'snapshot.json': { version: 1 } },
  })
  const files = new Map<string, Buffer>([
    ['/1.root.json', root],
    ['/timestamp.json', timestamp],
    ['/1.snapshot.json', snapshot],
    ['/1.targets.json', targets],
    [`/targets/${digest}.${target.name}`, Buffer.from(target.bytes)],
  ])
  const rootFile = join(folder, 'root.json')
  await writeFile(rootFile, root)
  const service = await startService('tuf', ({ path }): ServiceAnswer => {
    const body = files.get(path)
    return body === undefined ? { status: 404, body: 'not found' } : { status: 200, body }
  })
  return {
    url: service.url,
    rootFile,
    cacheFolder: join(folder, 'cache'),
    files,
    requests: () => service.log.map(record => record.path),
    close: async () => {
      await service.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
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
