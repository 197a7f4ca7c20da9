import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { json } from '@sigstore/core'
import { signCheckpoint } from './checkpoint.ts'
import { ed25519, hash256, type KeyPair, spki } from './keys.ts'
import { leafHash, MerkleTree } from './merkle.ts'
import { verifyDigest } from './p256.ts'
import { type Service, type ServiceAnswer, type ServiceOptions, type ServiceRequest, startService } from './service.ts'

export interface RekorV2 extends Service {
  readonly keys: KeyPair
  /** Signed-note key id of the origin and the Ed25519 key, not truncated: SHA-256(origin ‖ 0x0a ‖ 0x01 ‖ key). */
  readonly logId: Buffer
  /** Canonicalized bodies in order of logging. */
  readonly entries: readonly string[]
  /** Appends a leaf nobody asked for, so that the tree grows between two requests. */
  append(body: Uint8Array): void
  /** The last entry as its answer would be; of any kind, since what was appended was not checked. */
  last(): object
}

/** Verifiers take the origin from the host name of `baseUrl`, without its port (sigstore-go). Keys tell logs apart. */
const ORIGIN = '127.0.0.1'

interface Log {
  readonly tree: MerkleTree
  readonly bodies: string[]
  /** Index by hex leaf hash. */
  readonly known: Map<string, number>
}

/**
 * Rekor v2 (rekor-tiles): `POST /api/v2/log/entries` with `hashedRekordRequestV002`, and `GET /checkpoint`.
 *
 * Real: the signature is verified over the digest with the certificate or public key, body, tree, proof and Ed25519 checkpoint
 * verify, a duplicate is refused (409, `x-log-index`), a `dsseRequestV002` is refused as rekor-tiles 2.3 does.
 * Does not check: that the certificate was valid, or by whom it was issued. Does not have: tiles, witnesses, batching
 * (a real log answers after its next checkpoint, seconds later: use `faults` with `delayMs`), keys other than P-256.
 */
export async function startRekorV2(options: ServiceOptions = {}): Promise<RekorV2> {
  const keys = await ed25519()
  const log: Log = { tree: new MerkleTree(), bodies: [], known: new Map() }
  const service = await startService('rekor-v2', request => answer(rekor, log, request), options)
  const raw = spki(keys.publicKey).subarray(-32)
  const rekor: RekorV2 = Object.assign(service, {
    keys,
    logId: hash256(ORIGIN, Buffer.from([0x0a, 0x01]), raw),
    entries: log.bodies,
    append: (body: Uint8Array) => void add(log, Buffer.from(body)),
    last: () => present(rekor, log, Buffer.from(log.bodies.at(-1) ?? ''), log.bodies.length - 1),
  })
  return rekor
}

function answer(rekor: RekorV2, log: Log, request: ServiceRequest): ServiceAnswer {
  if (request.method === 'GET' && request.path === '/checkpoint') {
    return { status: 200, body: checkpoint(rekor, log) }
  }
  if (request.method !== 'POST' || request.path !== '/api/v2/log/entries') return failure(404, 5, 'Not Found')
  const body = canonicalBody(request.body)
  if (typeof body === 'string') return failure(400, 3, body)
  const duplicate = log.known.get(leafHash(body).toString('hex'))
  if (duplicate !== undefined) {
    return { ...failure(409, 6, 'an equivalent entry already exists'), headers: { 'x-log-index': String(duplicate) } }
  }
  return { status: 201, body: present(rekor, log, body, add(log, body)) }
}

function failure(status: number, code: number, message: string): ServiceAnswer {
  return { status, body: { code, message, details: [] } }
}

function add(log: Log, body: Buffer): number {
  const index = log.tree.append(body)
  log.bodies.push(body.toString())
  log.known.set(leafHash(body).toString('hex'), index)
  return index
}

/** The `hashedrekord` 0.0.2 entry to log, or a sentence saying what is wrong. */
function canonicalBody(bytes: Buffer): Buffer | string {
  try {
    const request = JSON.parse(bytes.toString()).hashedRekordRequestV002
    if (request === undefined) return 'invalid type, must be hashedrekord'
    const { digest, signature } = request
    const { content, verifier } = signature
    if (verifier.keyDetails !== 'PKIX_ECDSA_P256_SHA_256') return 'invalid hashedrekord request: keyDetails'
    const { key, canonical } = readVerifier(verifier)
    const verified = verifyDigest(key, Buffer.from(digest, 'base64'), Buffer.from(content, 'base64'))
    if (!verified) return 'invalid hashedrekord request: the signature does not verify'
    const spec = {
      data: { algorithm: 'SHA2_256', digest },
      signature: { content, verifier: { keyDetails: verifier.keyDetails, ...canonical } },
    }
    const entry = { apiVersion: '0.0.2', kind: 'hashedrekord', spec: { hashedRekordV002: spec } }
    return Buffer.from(json.canonicalize(entry))
  } catch {
    return 'invalid hashedrekord request'
  }
}

interface Verifier {
  readonly x509Certificate?: { readonly rawBytes: string }
  readonly publicKey?: { readonly rawBytes: string }
}

/** Exactly one of the two, as the protocol's `oneof` says. @throws for anything else. */
function readVerifier({ x509Certificate, publicKey }: Verifier): { key: KeyObject; canonical: Verifier } {
  if (x509Certificate !== undefined && publicKey === undefined) {
    const { rawBytes } = x509Certificate
    const key = new X509Certificate(Buffer.from(rawBytes, 'base64')).publicKey
    return { key, canonical: { x509Certificate: { rawBytes } } }
  }
  const rawBytes = x509Certificate === undefined ? (publicKey?.rawBytes ?? '') : ''
  const key = createPublicKey({ key: Buffer.from(rawBytes, 'base64'), type: 'spki', format: 'der' })
  return { key, canonical: { publicKey: { rawBytes } } }
}

/** A `TransparencyLogEntry` in the JSON of protocol buffers; 64-bit numbers are strings. */
function present(rekor: RekorV2, log: Log, body: Buffer, index: number): object {
  return {
    logIndex: String(index),
    logId: { keyId: rekor.logId.toString('base64') },
    kindVersion: kindOf(body),
    integratedTime: '0',
    inclusionPromise: null,
    inclusionProof: {
      logIndex: String(index),
      rootHash: log.tree.root().toString('base64'),
      treeSize: String(log.tree.size),
      hashes: log.tree.proof(index).map(hash => hash.toString('base64')),
      checkpoint: { envelope: checkpoint(rekor, log) },
    },
    canonicalizedBody: body.toString('base64'),
  }
}

function checkpoint(rekor: RekorV2, log: Log): string {
  return signCheckpoint({
    origin: ORIGIN,
    size: log.tree.size,
    root: log.tree.root(),
    signer: { name: ORIGIN, keyHint: rekor.logId, key: rekor.keys.privateKey },
  })
}

function kindOf(body: Buffer): object {
  const { kind, apiVersion } = JSON.parse(body.toString())
  return { kind, version: apiVersion }
}
