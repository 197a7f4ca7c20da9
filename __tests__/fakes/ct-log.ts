import { sign } from 'node:crypto'
import { extension } from './certificate.ts'
import { octets } from './der.ts'
import { hash256, type KeyPair, spki } from './keys.ts'
import { MerkleTree } from './merkle.ts'

const SCT_LIST = '1.3.6.1.4.1.11129.2.4.2'

/**
 * A certificate transparency log inside the Fulcio double (RFC 6962): it signs SCTs and keeps a tree of precertificates.
 * It has no HTTP interface, since nothing of Waybill speaks to such a log, and does not check who submits.
 */
export class CtLog {
  readonly keys: KeyPair
  /** SHA-256 of the public key. */
  readonly logId: Buffer
  readonly #tree = new MerkleTree()

  constructor(keys: KeyPair) {
    this.keys = keys
    this.logId = hash256(spki(keys.publicKey))
  }

  get size(): number {
    return this.#tree.size
  }

  /** The SCT list extension for a certificate whose to-be-signed part, still without that extension, is `tbs`. */
  logPrecertificate(tbs: Uint8Array, issuerKey: Uint8Array, at: Date): Buffer {
    const length = Buffer.alloc(3)
    length.writeUIntBE(tbs.byteLength, 0, 3)
    const entry = Buffer.concat([uint16(1), hash256(issuerKey), length, tbs, uint16(0)])
    const head = Buffer.concat([Buffer.from([0, 0]), uint64(at.getTime())])
    this.#tree.append(Buffer.concat([head, entry]))
    const signature = sign('sha256', Buffer.concat([head, entry]), this.keys.privateKey)
    const sct = Buffer.concat([
      Buffer.from([0]), // v1
      this.logId,
      uint64(at.getTime()),
      uint16(0), // no extensions
      Buffer.from([4, 3]), // sha256, ecdsa
      uint16(signature.byteLength),
      signature,
    ])
    const list = Buffer.concat([uint16(sct.byteLength), sct])
    return extension(SCT_LIST, octets(Buffer.concat([uint16(list.byteLength), list])))
  }
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
