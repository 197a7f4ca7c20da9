import { type Digest, hexOf, sha256 } from '../../core/digest.ts'
import { fail, WaybillError } from '../../core/error.ts'
import type { CertificateSigner } from '../../core/signer.ts'
import { mintVerified, type Verified } from '../../core/verified.ts'
import { parseForeignStatement } from '../../statements/parse.ts'
import {
  IN_TOTO_PAYLOAD_TYPE,
  MESSAGE_SIGNATURE,
  SIMPLE_SIGNING,
  type SignedStatement,
  type Statement,
} from '../../statements/statement.ts'
import { type BundleParts, parseBundle, partsOf } from '../bundle.ts'
import type { TrustRoot } from '../trust/root.ts'
import { type Artifact, readArtifact } from './artifact.ts'
import {
  type Evidence,
  earliest,
  logOf,
  requireEntries,
  requireKnownServices,
  requireSignature,
  requireTimes,
  requireValidAt,
  type Signer,
  signerOf,
} from './checks.ts'
import { contentOf } from './content.ts'
import type { KeyMaterial } from './keys.ts'
import { type LegacySignature, readLegacy } from './legacy.ts'
import { runLibrary } from './library.ts'
import { checkLoggedBody, type LoggedSignature, preAuthEncoding } from './log-entry.ts'
import { evidenceOf, type MessageSignature } from './message.ts'
import { needUnder } from './need.ts'
import { readSimpleSigning } from './simple-signing.ts'
import type { ClaimedTime } from './times.ts'

/** How many independent witnesses a bundle must have. Everything present is verified, also beyond these numbers. */
export interface VerificationNeed {
  /** Distinct transparency logs; default 1, 0 for instances that use none. */
  readonly logs?: number
  /** Distinct services that give a trusted time; default and least 1. */
  readonly timestamps?: number
  /** Certificate log promises; default 1, 0 for certificate authorities without a certificate log. */
  readonly scts?: number
  /** Public keys that may have signed; without any, only certificates count. */
  readonly keys?: readonly KeyMaterial[]
}

/**
 * Verifies one bundle offline against one trust root: says what was signed, by whom and when. It never judges whether
 * that signer was the right one, nor whether a subject is the artifact in hand: `policy/` does.
 * @throws `sigstore/…` naming the first thing that is wrong, `sigstore/bundle-unsupported` for the signature of a file;
 * `statements/…` when the verified payload is no statement.
 */
export function verifyBundle(
  bytes: Uint8Array,
  trust: TrustRoot,
  need: VerificationNeed = {},
): Verified<SignedStatement> {
  return known(() => verifyStatement(bytes, partsOf(parseBundle(bytes)), trust, need))
}

/**
 * Verifies one bundle beside a file: a statement as `verifyBundle` does, whose subjects are the caller's to compare, or a signature
 * over the file's own bytes, which becomes a statement of form `message` about exactly this file (13-adversary 22).
 * @throws as `verifyBundle`; `sigstore/artifact-…` for a file that is another, changed while it was read, is itself a signed document, or
 * would have to be there as a whole.
 */
export async function verifyArtifact(
  bytes: Uint8Array,
  artifact: Artifact,
  trust: TrustRoot,
  need: VerificationNeed = {},
): Promise<Verified<SignedStatement>> {
  const parts = known(() => partsOf(parseBundle(bytes)))
  const { content } = parts
  if (content.form === 'dsse') return known(() => verifyStatement(bytes, parts, trust, need))
  const signed = await readArtifact(artifact, content, parts, need.keys ?? []).catch(malformed)
  return known(() => {
    const evidence = { ...parts, signed }
    const proof = prove(evidence, trust, need, { signed })
    const statement = madeAbout(artifact.digest, MESSAGE_SIGNATURE)
    return mintVerified({
      statement,
      form: 'message',
      ...factsOf(evidence, trust, proof),
      bundle: sha256(bytes),
      payload: artifact.digest,
    })
  })
}

/**
 * Verifies what cosign ≤ 2 writes beside an image: `.sig` becomes a statement of form `simple-signing` about the digest in its
 * payload, `.att` the statement in its envelope. `bundle` of the result is the digest of the payload's bytes, since there is none.
 * A signature by a key needs a trusted time as well: a key that leaked last week must not make signatures of last year.
 * @throws as `verifyBundle`; `sigstore/legacy-malformed` for annotations or a payload of another shape.
 */
export function verifyLegacy(
  legacy: LegacySignature,
  trust: TrustRoot,
  need: VerificationNeed = {},
): Verified<SignedStatement> {
  return known(() => {
    const { evidence, envelope } = readLegacy(legacy)
    const about =
      envelope === undefined
        ? undefined
        : { payload: contentOf(envelope.payload), envelopeText: contentOf(legacy.payload) }
    if (envelope !== undefined) requireInTotoEnvelope(envelope.payloadType)
    const facts = factsOf(evidence, trust, prove(evidence, trust, need, { signed: evidence.signed, ...about }))
    const bundle = sha256(legacy.payload)
    if (envelope !== undefined)
      return mintVerified({
        statement: parseForeignStatement(envelope.payload),
        ...facts,
        bundle,
        payload: sha256(envelope.payload),
      })
    const statement = madeAbout(readSimpleSigning(legacy.payload), SIMPLE_SIGNING)
    return mintVerified({ statement, form: 'simple-signing', ...facts, bundle, payload: bundle })
  })
}

/** A verified signature over bytes that are not a statement. */
export interface SignedMessage {
  readonly signer: CertificateSigner
  /** The earliest of the times that services gave. */
  readonly signedAt: Date
  readonly timeSource: ClaimedTime['source']
}

/**
 * Verifies a signature over any bytes by a certificate of this trust root, logged as a plain signature (`hashedrekord`).
 * The bytes say nothing about their purpose: only callers that know what they are may ask.
 * @throws `sigstore/…` naming the first thing that is wrong.
 */
export function verifyMessage(message: MessageSignature, trust: TrustRoot): Verified<SignedMessage> {
  return known(() => {
    const evidence = evidenceOf(message)
    const { signer, times } = prove(evidence, trust, needUnder(trust), { signed: evidence.signed })
    if (signer.observed.kind !== 'certificate') throw new Error('a message is signed with a certificate')
    const signedAt = earliest(times)
    const first = times.find(({ time }) => time.getTime() === signedAt.getTime()) ?? times[0]
    return mintVerified({ signer: signer.observed, signedAt, timeSource: first.source })
  })
}

function known<T>(verify: () => T): T {
  try {
    return verify()
  } catch (error) {
    return malformed(error)
  }
}

function malformed(error: unknown): never {
  if (error instanceof WaybillError) throw error
  throw fail('sigstore/bundle-malformed', 'The bundle cannot be verified: a part of it has an unexpected structure', {
    cause: error,
  })
}

interface Proof {
  readonly signer: Signer
  readonly times: readonly [ClaimedTime, ...ClaimedTime[]]
}

/** Everything about a signature but what the signed bytes mean. */
function prove(
  parts: Evidence,
  trust: TrustRoot,
  need: VerificationNeed,
  logged: Omit<LoggedSignature, 'signature' | 'publicKey'>,
): Proof {
  const wanted = { logs: need.logs ?? 1, timestamps: Math.max(1, need.timestamps ?? 1), scts: need.scts ?? 1 }
  requireKnownServices(parts, trust, wanted.logs) // 1/7 every log is one of the root's
  const times = requireTimes(parts, wanted.timestamps) // 2/7 enough services gave a time
  const signer = signerOf(parts, need.keys ?? [], wanted.scts) // 3/7 one strict leaf, or a given key
  requireValidAt(signer, times) // 4/7 valid at every claimed time
  requireSignature(parts, signer) // 5/7 this key signed exactly these bytes
  runLibrary(parts, trust, signer.found, wanted) // 6/7 chain, certificate log, timestamps
  const about = { ...logged, signature: parts.signature, publicKey: signer.publicKey }
  requireEntries(parts, trust, times, ({ kindVersion, canonicalizedBody }) => {
    checkLoggedBody(kindVersion, canonicalizedBody, about) // 7/7 logged: exactly this, by exactly this key
  })
  return { signer, times }
}

function verifyStatement(
  bytes: Uint8Array,
  parts: BundleParts,
  trust: TrustRoot,
  need: VerificationNeed,
): Verified<SignedStatement> {
  const { content } = parts
  if (content.form !== 'dsse') {
    throw fail('sigstore/bundle-unsupported', 'The bundle signs a file directly, not an attestation', {
      expected: 'a DSSE envelope',
      found: 'a message signature',
    })
  }
  requireInTotoEnvelope(content.payloadType)
  const evidence = { ...parts, signed: contentOf(preAuthEncoding(content)) }
  const proof = prove(evidence, trust, need, { signed: evidence.signed, payload: contentOf(content.payload) })
  const statement = parseForeignStatement(content.payload)
  return mintVerified({
    statement,
    ...factsOf(evidence, trust, proof),
    bundle: sha256(bytes),
    payload: sha256(content.payload),
  })
}

/** Another payload type would let a document signed for another purpose pass as an attestation. */
function requireInTotoEnvelope(payloadType: string): void {
  if (payloadType === IN_TOTO_PAYLOAD_TYPE) return
  throw fail('sigstore/payload-type', 'The envelope does not carry an in-toto statement', {
    expected: IN_TOTO_PAYLOAD_TYPE,
    found: payloadType || 'no payload type',
  })
}

/** What a signature without a statement says: this digest, nothing about it. */
function madeAbout(digest: Digest, predicateType: string): Statement {
  return { subject: [{ digest: { sha256: hexOf(digest) } }], predicateType, predicate: {} }
}

function factsOf(
  { entries }: Evidence,
  trust: TrustRoot,
  { signer, times }: Proof,
): Pick<SignedStatement, 'signer' | 'signedAt' | 'timeSources' | 'log'> {
  const [entry] = entries
  const url = entry === undefined ? undefined : logOf(trust, entry.logId.keyId)?.baseURL
  return {
    signer: signer.observed,
    signedAt: earliest(times),
    timeSources: [...new Set(times.map(({ source }) => source))],
    ...(entry === undefined || url === undefined ? {} : { log: { url, index: entry.logIndex } }),
  }
}
