import { createHash, sign } from 'node:crypto'
import { ed25519 } from '../fakes/keys.ts'
import { type Service, startService } from '../fakes/service.ts'

export interface TufMirror extends Service {
  /** What its clients must have from elsewhere. */
  readonly root: Buffer
}

/** A TUF repository of one target, signed by one key in all roles, as an own Sigstore instance would have with more keys. */
export async function startTufMirror(target: string, content: Buffer): Promise<TufMirror> {
  const { publicKey, privateKey } = await ed25519()
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: raw.toString('hex') } }
  const keyid = hashOf(canonical(key))
  const metadata = (type: string, body: object): Buffer => {
    const expires = new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z')
    const signed = { _type: type, spec_version: '1.0.31', version: 1, expires, ...body }
    const sig = sign(null, canonical(signed), privateKey).toString('hex')
    return Buffer.from(JSON.stringify({ signatures: [{ keyid, sig }], signed }))
  }
  const role = { keyids: [keyid], threshold: 1 }
  const root = metadata('root', {
    consistent_snapshot: false,
    keys: { [keyid]: key },
    roles: { root: role, targets: role, snapshot: role, timestamp: role },
  })
  const targets = metadata('targets', { targets: { [target]: descriptor(content) } })
  const snapshot = metadata('snapshot', { meta: { 'targets.json': { version: 1, ...descriptor(targets) } } })
  const timestamp = metadata('timestamp', { meta: { 'snapshot.json': { version: 1, ...descriptor(snapshot) } } })
  const files: Readonly<Record<string, Buffer>> = {
    '/root.json': root,
    '/targets.json': targets,
    '/snapshot.json': snapshot,
    '/timestamp.json': timestamp,
    [`/targets${target === '' ? '' : `/${target}`}`]: content,
  }
  const service = await startService('tuf', ({ path }) => {
    const body = files[path]
    return body === undefined ? { status: 404 } : { status: 200, body }
  })
  return Object.assign(service, { root })
}

function descriptor(bytes: Buffer): object {
  return { length: bytes.length, hashes: { sha256: hashOf(bytes) } }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Canonical JSON for values as above: no text that would need an escape. */
function canonical(value: unknown): Buffer {
  const sorted = (_: string, part: unknown): unknown =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part
  return Buffer.from(JSON.stringify(value, sorted))
}
