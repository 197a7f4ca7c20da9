import { createHash, createVerify, type Hash, type KeyObject, type Verify, X509Certificate } from 'node:crypto'
import { type Digest, hexOf } from '../../core/digest.ts'
import { fail, WaybillError } from '../../core/error.ts'
import type { BundleParts, HashName } from '../bundle.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'
import { observedSigner } from './certificate.ts'
import type { SignedContent } from './content.ts'
import { type KeyMaterial, keyFingerprint, readKey, verifies } from './keys.ts'
import { prehashedCheck } from './prehashed.ts'

/** A file that may have been signed. */
export interface Artifact {
  /** SHA-256 of the file. */
  readonly digest: Digest
  /**
   * The file's bytes, or a way to read them from the first on, in pieces of any size; asked at most once. Without it only ECDSA
   * signatures over SHA-256 can be checked, and whether the file is a signed document of another kind cannot be seen.
   */
  readonly content?: Uint8Array | (() => AsyncIterable<Uint8Array>)
}

type Message = Extract<BundleParts['content'], { readonly form: 'message' }>

/**
 * Reads an artefact once, for exactly this signature: never more of it is in memory than a piece, but for Ed25519, which signs no
 * digest, at most `SIGSTORE_LIMITS.wholeArtifactBytes`.
 * @throws `sigstore/artifact-mismatch`, `sigstore/artifact-ambiguous`, `sigstore/artifact-changed`, `sigstore/artifact-needed`,
 * `sigstore/certificate-malformed`, `sigstore/key-unknown` (a key given that is none)
 */
export async function readArtifact(
  artifact: Artifact,
  message: Message,
  { signer, signature }: Pick<BundleParts, 'signer' | 'signature'>,
  given: readonly KeyMaterial[],
): Promise<SignedContent> {
  const keys = candidates(signer, given)
  if (message.algorithm === 'sha256') requireDigest(message, hexOf(artifact.digest))
  const { content } = artifact
  if (content === undefined) return byDigest(artifact, message, keys, signature)
  const pieces = content instanceof Uint8Array ? [content] : content()
  const read = await readPieces(pieces, message.algorithm, keys, signature).catch(unreadable)
  if (read.hashes.get('sha256') !== hexOf(artifact.digest)) throw changed(artifact.digest, read.hashes.get('sha256'))
  requireDigest(message, read.hashes.get(message.algorithm))
  refuseSignedDocument(read.beginning)
  return {
    hash: algorithm => read.hashes.get(algorithm),
    signedBy: key => read.signers.has(keyFingerprint(key)),
  }
}

/** Keys that can have made the signature: the leaf's, or those that the caller gave. */
function candidates(signer: BundleParts['signer'], given: readonly KeyMaterial[]): readonly KeyObject[] {
  if ('hint' in signer) return given.slice(0, SIGSTORE_LIMITS.keys).map(readKey)
  observedSigner(signer.certificate)
  return [new X509Certificate(signer.certificate).publicKey]
}

/** The bundle's digest is signed by nobody; one that differs was written for another file, or by somebody who tries things. */
function requireDigest({ digest }: Message, found: string | undefined): void {
  if (digest.toString('hex') === found) return
  throw fail('sigstore/artifact-mismatch', 'The bundle is about another file', {
    expected: digest.toString('hex'),
    found: found ?? 'no digest of this algorithm',
  })
}

async function byDigest(
  artifact: Artifact,
  { algorithm }: Message,
  keys: readonly KeyObject[],
  signature: Buffer,
): Promise<SignedContent> {
  if (algorithm !== 'sha256') throw needed(`a signature over ${algorithm}`)
  const hex = hexOf(artifact.digest)
  const check = await prehashedCheck()
  const answers = keys.map(key => ({ key, answer: check(key, Buffer.from(hex, 'hex'), signature) }))
  const signers = new Set(answers.flatMap(({ key, answer }) => (answer === true ? [keyFingerprint(key)] : [])))
  const other = answers.find(({ answer }) => answer === undefined)
  if (signers.size === 0 && other !== undefined) throw needed(`a key of type ${other.key.asymmetricKeyType}`)
  return {
    hash: asked => (asked === 'sha256' ? hex : undefined),
    signedBy: key => signers.has(keyFingerprint(key)),
  }
}

interface Read {
  readonly hashes: ReadonlyMap<HashName, string>
  /** Fingerprints of the keys that made the signature. */
  readonly signers: ReadonlySet<string>
  readonly beginning: Buffer
}

const BEGINNING = 16

async function readPieces(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  algorithm: HashName,
  keys: readonly KeyObject[],
  signature: Buffer,
): Promise<Read> {
  const hashes = new Map<HashName, Hash>(
    [...new Set<HashName>(['sha256', algorithm])].map(name => [name, createHash(name)]),
  )
  const checks = keys.map(key => checkFor(key, algorithm))
  let beginning = Buffer.alloc(0)
  for await (const piece of pieces) {
    for (const hash of hashes.values()) hash.update(piece)
    for (const check of checks) check.update(piece)
    if (beginning.byteLength < BEGINNING) beginning = Buffer.concat([beginning, piece.subarray(0, BEGINNING)])
  }
  const answers = checks.map(check => ({ key: check.key, answer: check.verify(signature) }))
  const signed = answers.filter(({ answer }) => answer === true)
  const other = answers.find(({ answer }) => answer === undefined)
  if (signed.length === 0 && other !== undefined) throw tooLarge(other.key)
  return {
    hashes: new Map([...hashes].map(([name, hash]) => [name, hash.digest('hex')])),
    signers: new Set(signed.map(({ key }) => keyFingerprint(key))),
    beginning,
  }
}

interface Check {
  readonly key: KeyObject
  update(piece: Uint8Array): void
  /** Undefined: the file is too large for this key. */
  verify(signature: Buffer): boolean | undefined
}

function checkFor(key: KeyObject, algorithm: HashName): Check {
  if (key.asymmetricKeyType !== 'ec' && key.asymmetricKeyType !== 'rsa') return wholeCheck(key)
  const check: Verify = createVerify(algorithm)
  return {
    key,
    update: piece => void check.update(piece),
    verify: signature => attempt(() => check.verify(key, signature)),
  }
}

/** Holds the file; one that is too large is let go, for another of several keys may be of a kind that does not need it. */
function wholeCheck(key: KeyObject): Check {
  const pieces: Uint8Array[] = []
  let bytes = 0
  return {
    key,
    update: piece => {
      bytes += piece.byteLength
      if (bytes <= SIGSTORE_LIMITS.wholeArtifactBytes) pieces.push(Uint8Array.from(piece))
      else pieces.length = 0
    },
    verify: signature =>
      bytes > SIGSTORE_LIMITS.wholeArtifactBytes ? undefined : verifies(key, Buffer.concat(pieces), signature),
  }
}

function attempt(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}

/**
 * 13-adversary 22: the bytes under somebody's signature of an attestation, or of a commit, are a file as well. Whoever presents them as
 * one would turn what that person said once into a signature of a file that he never saw.
 */
function refuseSignedDocument(beginning: Buffer): void {
  const found = ['DSSEv1 ', 'SSHSIG'].find(magic => beginning.subarray(0, magic.length).toString('latin1') === magic)
  if (found === undefined) return
  throw fail('sigstore/artifact-ambiguous', 'The file is itself what another kind of signature is made over', {
    expected: 'a file',
    found: `bytes that begin with ${found.trim()}`,
  })
}

function needed(what: string): WaybillError {
  return fail('sigstore/artifact-needed', 'This signature cannot be checked with the digest of the file alone', {
    expected: 'the file, or an ECDSA signature over SHA-256',
    found: what,
  })
}

/** What does not come from here comes from whoever reads the file: that says nothing against the bundle. */
function unreadable(error: unknown): never {
  if (error instanceof WaybillError) throw error
  throw fail('core/file-unreadable', 'The signed file cannot be read', {
    kind: 'unknown',
    found: error instanceof Error ? error.message : 'an error',
    cause: error,
  })
}

function tooLarge(key: KeyObject): WaybillError {
  return fail('sigstore/artifact-needed', 'The file is too large for a signature that is not made over a digest', {
    expected: `at most ${SIGSTORE_LIMITS.wholeArtifactBytes} bytes`,
    found: `a key of type ${key.asymmetricKeyType}`,
    remedy: 'Have the file signed with an ECDSA key, or have an attestation about its digest signed.',
  })
}

function changed(expected: Digest, found: string | undefined): WaybillError {
  return fail('sigstore/artifact-changed', 'The file is not the one that was hashed before', {
    expected,
    found: `sha256:${found ?? ''}`,
  })
}
