import { createHash } from 'node:crypto'
import type { TransparencyLogEntry } from '@sigstore/bundle'
import { decodeBase64, equalBytes } from '../../core/bytes.ts'
import type { TrustRoot } from '../trust/root.ts'
import { verifies } from './keys.ts'

type Log = TrustRoot['material']['tlogs'][number]
type Proof = NonNullable<TransparencyLogEntry['inclusionProof']>

/**
 * That an entry is in the log it names: by the log's signed promise (Rekor v1), by a proof that ends in a root which the log signed,
 * or by both, and whatever is there must hold. The library checks the same for the kinds it knows; this also ties the proof's own
 * numbers to the signed ones.
 *
 *     promise     signature over {"body", "integratedTime", "logID", "logIndex"} as canonical JSON
 *     checkpoint  origin \n size \n root \n [more lines \n] \n — name base64(hint(4) ‖ signature) \n …
 *     proof       RFC 9162 § 2.1.3.2 over SHA-256(0x00 ‖ body)
 *
 * Source: C2SP tlog-checkpoint and signed-note, rekor SET. Lines of witnesses, whose keys no trust root holds yet, are passed over;
 * one line must be of this very log.
 * @throws an Error that says what is wrong; the caller gives it its code.
 */
export function requireInclusion(entry: TransparencyLogEntry, log: Log): void {
  const { inclusionPromise, inclusionProof } = entry
  if (inclusionPromise === undefined && inclusionProof === undefined)
    throw new Error('nothing says that it is in the log')
  if (
    inclusionPromise !== undefined &&
    !verifies(log.publicKey, promised(entry), inclusionPromise.signedEntryTimestamp)
  )
    throw new Error('the promise of inclusion is not the log’s')
  if (inclusionProof !== undefined) requireProof(entry.canonicalizedBody, inclusionProof, log)
}

/** The keys stand in the order that RFC 8785 asks for; base64 and hex need no escapes. */
function promised({ canonicalizedBody, integratedTime, logId, logIndex }: TransparencyLogEntry): Buffer {
  return Buffer.from(
    JSON.stringify({
      body: canonicalizedBody.toString('base64'),
      integratedTime: Number(integratedTime),
      logID: logId.keyId.toString('hex'),
      logIndex: Number(logIndex),
    }),
  )
}

function requireProof(body: Buffer, proof: Proof, log: Log): void {
  const { size, root } = signedHead(proof.checkpoint?.envelope ?? '', log)
  if (BigInt(proof.treeSize) !== size || !equalBytes(proof.rootHash, root))
    throw new Error('the proof is for another state of the log than the signed one')
  const leaf = hash([0], body)
  const computed = rootFrom(leaf, BigInt(proof.logIndex), size, proof.hashes)
  if (computed === undefined || !equalBytes(computed, root))
    throw new Error('the proof does not lead to the signed root')
}

/** Size and root of a checkpoint that this log signed. */
function signedHead(checkpoint: string, log: Log): { readonly size: bigint; readonly root: Uint8Array } {
  const [note = '', signatures, ...more] = checkpoint.split('\n\n')
  if (signatures === undefined || more.length > 0 || !signatures.endsWith('\n'))
    throw new Error('the checkpoint is no signed note')
  const signed = Buffer.from(`${note}\n`)
  const lines = signatures.slice(0, -1).split('\n').map(readLine)
  const hint = log.logID.subarray(0, 4)
  // The key decides; the name only tells this log's line from another's, and a URL may hold more than the name.
  const own = lines.filter(line => equalBytes(line.hint, hint) && log.baseURL.includes(line.name))
  if (!own.some(line => verifies(log.publicKey, signed, line.signature)))
    throw new Error('the checkpoint is not signed by the log')
  const [origin = '', size = '', root = ''] = note.split('\n')
  if (origin === '' || !/^(0|[1-9]\d{0,18})$/.test(size)) throw new Error('the checkpoint names no log or no size')
  const bytes = decodeBase64(root, 'root of the checkpoint')
  if (bytes.byteLength !== 32) throw new Error('the checkpoint has no root')
  return { size: BigInt(size), root: bytes }
}

function readLine(line: string): { readonly name: string; readonly hint: Uint8Array; readonly signature: Uint8Array } {
  const [, name, text] = /^\u2014 (\S+) (\S+)$/.exec(line) ?? []
  if (name === undefined || text === undefined) throw new Error('a signature line of the checkpoint is malformed')
  const bytes = decodeBase64(text, 'signature of the checkpoint')
  if (bytes.byteLength < 5) throw new Error('a signature line of the checkpoint is too short')
  return { name, hint: bytes.subarray(0, 4), signature: bytes.subarray(4) }
}

/** The root that an audit path leads to; undefined when the path is of the wrong length for this place. */
function rootFrom(leaf: Buffer, index: bigint, size: bigint, path: readonly Buffer[]): Buffer | undefined {
  if (index >= size) return undefined
  let [place, last, node] = [index, size - 1n, leaf]
  for (const sibling of path) {
    if (last === 0n) return undefined
    if ((place & 1n) === 1n || place === last) {
      node = hash([1], sibling, node)
      while ((place & 1n) === 0n && place !== 0n) [place, last] = [place >> 1n, last >> 1n]
    } else node = hash([1], node, sibling)
    ;[place, last] = [place >> 1n, last >> 1n]
  }
  return last === 0n ? node : undefined
}

function hash(prefix: readonly number[], ...parts: readonly Uint8Array[]): Buffer {
  const sha = createHash('sha256').update(Uint8Array.from(prefix))
  for (const part of parts) sha.update(part)
  return sha.digest()
}
