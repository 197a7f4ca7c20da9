import { sign } from 'node:crypto'
import { json } from '@sigstore/core'
import { signCheckpoint } from './checkpoint.ts'
import { hash256, type KeyPair, p256, spki } from './keys.ts'
import { leafHash, MerkleTree } from './merkle.ts'
import { canonicalEntry } from './rekor-v1-entry.ts'
import { type Service, type ServiceAnswer, type ServiceOptions, type ServiceRequest, startService } from './service.ts'

export interface RekorV1Options extends ServiceOptions {
  readonly clockOffsetMs?: number
}

export interface RekorV1 extends Service {
  readonly keys: KeyPair
  /** SHA-256 of the public key. */
  readonly logId: Buffer
  clockOffsetMs: number
  /** Canonicalized bodies in order of logging. */
  readonly entries: readonly string[]
  /** Appends a leaf nobody asked for, so that the tree grows between two requests. */
  append(body: Uint8Array): void
  /** The last entry as `GET` answers it: of any kind, since what was appended was not checked. */
  last(): object
}

interface Logged {
  readonly body: Buffer
  readonly uuid: string
  readonly index: number
  readonly integratedTime: number
}

/** Sixteen hex digits; a UUID is this and the leaf hash. */
const TREE_ID = '193fbb769ec6d5a9'
/** The public log has frozen shards before the active one: the entry's index is not its place in the tree. */
const SHARD_OFFSET = 100_000

/**
 * Rekor v1: `POST /api/v1/log/entries` (`dsse` 0.0.1 and `hashedrekord` 0.0.1), `GET /api/v1/log/entries/<uuid>` and `?logIndex=`,
 * `GET /api/v1/log` and `/publicKey`.
 *
 * Real: the tree (RFC 6962) and its growth, inclusion proofs, checkpoint, SET, the canonicalized body, 409 with
 * Location for an equivalent entry (same body), envelope signatures checked against the given verifiers.
 * Does not check: that a certificate was valid, or by whom it was issued. Does not have: search, other entry kinds,
 * sharding (only its index offset), attestation storage, rate limits (use `faults`).
 */
export async function startRekorV1(options: RekorV1Options = {}): Promise<RekorV1> {
  const keys = await p256()
  const log = new Log(keys)
  const service = await startService('rekor-v1', request => answer(rekor, log, request), options)
  log.host = service.host
  const rekor: RekorV1 = Object.assign(service, {
    keys,
    logId: log.logId,
    clockOffsetMs: options.clockOffsetMs ?? 0,
    entries: log.bodies,
    append: (body: Uint8Array) => void log.add(Buffer.from(body), Math.floor(Date.now() / 1000)),
    last: () => log.present(log.all.at(-1) as Logged),
  })
  return rekor
}

function answer(rekor: RekorV1, log: Log, request: ServiceRequest): ServiceAnswer {
  if (request.path === '/api/v1/log/entries' && request.method === 'POST') return create(rekor, log, request.body)
  if (request.method !== 'GET') return failure(405, 'method not allowed')
  const uuid = /^\/api\/v1\/log\/entries\/([0-9a-f]+)$/.exec(request.path)?.[1]
  if (uuid !== undefined) return present(log, log.find(uuid))
  if (request.path === '/api/v1/log/entries') {
    return present(log, log.all[Number(request.query.get('logIndex') ?? Number.NaN) - SHARD_OFFSET])
  }
  if (request.path === '/api/v1/log/publicKey') {
    return { status: 200, body: rekor.keys.publicKey.export({ type: 'spki', format: 'pem' }) }
  }
  if (request.path === '/api/v1/log') return { status: 200, body: log.info() }
  return failure(404, `path ${request.path} was not found`)
}

function create(rekor: RekorV1, log: Log, bytes: Buffer): ServiceAnswer {
  let body: Buffer
  try {
    body = Buffer.from(json.canonicalize(canonicalEntry(JSON.parse(bytes.toString()))))
  } catch (error) {
    return failure(400, `error processing entry: ${error instanceof Error ? error.message : String(error)}`)
  }
  const uuid = TREE_ID + leafHash(body).toString('hex')
  const location = `/api/v1/log/entries/${uuid}`
  if (log.find(uuid) !== undefined) {
    const message = `an equivalent entry already exists in the transparency log with UUID ${uuid}`
    return { ...failure(409, message), headers: { location } }
  }
  const logged = log.add(body, Math.floor((Date.now() + rekor.clockOffsetMs) / 1000))
  return { ...present(log, logged), status: 201, headers: { location, etag: uuid } }
}

function present(log: Log, logged: Logged | undefined): ServiceAnswer {
  return logged === undefined ? failure(404, 'entry not found') : { status: 200, body: log.present(logged) }
}

function failure(code: number, message: string): ServiceAnswer {
  return { status: code, body: { code, message } }
}

class Log {
  host = ''
  readonly logId: Buffer
  readonly all: Logged[] = []
  readonly bodies: string[] = []
  readonly #keys: KeyPair
  readonly #tree = new MerkleTree()
  readonly #byLeaf = new Map<string, Logged>()

  constructor(keys: KeyPair) {
    this.#keys = keys
    this.logId = hash256(spki(keys.publicKey))
  }

  add(body: Buffer, integratedTime: number): Logged {
    const leaf = leafHash(body).toString('hex')
    const logged = { body, uuid: TREE_ID + leaf, index: this.#tree.append(body), integratedTime }
    this.all.push(logged)
    this.bodies.push(body.toString())
    this.#byLeaf.set(leaf, logged)
    return logged
  }

  find(uuid: string): Logged | undefined {
    return this.#byLeaf.get(uuid.slice(-64))
  }

  info(): object {
    const rootHash = this.#tree.root().toString('hex')
    return {
      treeID: BigInt(`0x${TREE_ID}`).toString(),
      treeSize: this.#tree.size,
      rootHash,
      signedTreeHead: this.#checkpoint(),
    }
  }

  /** The entry with a proof for the tree as it is now. */
  present({ body, uuid, index, integratedTime }: Logged): object {
    const signed = {
      body: body.toString('base64'),
      integratedTime,
      logID: this.logId.toString('hex'),
      logIndex: index + SHARD_OFFSET,
    }
    const promise = sign('sha256', Buffer.from(json.canonicalize(signed)), this.#keys.privateKey)
    const inclusionProof = {
      checkpoint: this.#checkpoint(),
      hashes: this.#tree.proof(index).map(hash => hash.toString('hex')),
      logIndex: index,
      rootHash: this.#tree.root().toString('hex'),
      treeSize: this.#tree.size,
    }
    return { [uuid]: { ...signed, verification: { inclusionProof, signedEntryTimestamp: promise.toString('base64') } } }
  }

  #checkpoint(): string {
    return signCheckpoint({
      origin: `${this.host} - ${BigInt(`0x${TREE_ID}`)}`,
      size: this.#tree.size,
      root: this.#tree.root(),
      signer: { name: this.host, keyHint: this.logId, key: this.#keys.privateKey },
    })
  }
}
