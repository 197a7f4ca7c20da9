import { decodeBase64 } from '../core/bytes.ts'
import { type Digest, isDigest } from '../core/digest.ts'
import { parseJsonObject } from '../core/json.ts'
import { objectAt, stringAt } from '../core/shape.ts'
import { parseStatement } from '../statements/parse.ts'

const known = new WeakMap<Uint8Array, ReadonlySet<Digest>>()

/** What a bundle that this run signed is about, by the SHA-256 digests of its statement's subjects; empty: about no image. */
export function statedDigests(bundle: Uint8Array): ReadonlySet<Digest> {
  const before = known.get(bundle)
  if (before !== undefined) return before
  const envelope = objectAt(parseJsonObject(bundle, 'bundle').dsseEnvelope, 'dsseEnvelope')
  const { subject } = parseStatement(decodeBase64(stringAt(envelope.payload, 'payload'), 'payload'))
  const digests = new Set(subject.map(({ digest }) => `sha256:${digest.sha256 ?? ''}`).filter(isDigest))
  known.set(bundle, digests)
  return digests
}

/**
 * Whether a bundle lies beside this manifest: one about the image beside those that it names, one about the commit beside all, for
 * there it is found (3-source § 8).
 */
export function liesBeside(bundle: Uint8Array, subject: Digest): boolean {
  const about = statedDigests(bundle)
  return about.size === 0 || about.has(subject)
}
