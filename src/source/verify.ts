import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import type { CommitFacts, SignatureFact, SignatureScheme, TagFacts, ValidOpenpgp } from '../core/facts.ts'
import { decodePgpArmor, decodeSshArmor } from './armor.ts'
import type { ParsedCommit } from './commit.ts'
import type { Keyring } from './keyring.ts'
import { earliest, type SigningKey } from './openpgp-key.ts'
import { type OpenpgpSignature, parseOpenpgpSignature } from './openpgp-signature.ts'
import { hashName, matchesOpenpgp, WEAK_HASHES } from './openpgp-verify.ts'
import { type SshCertificate, verifySshCertificate } from './ssh-certificate.ts'
import { sshKeyObject } from './ssh-signature.ts'
import { parseSshsig, sshFact, verifySshsig } from './sshsig.ts'
import type { ParsedTag } from './tag.ts'

/** The one question of mathematics that a signature asks, for each kind; everything around it is read and judged here. */
export interface Mathematics {
  readonly openpgp: typeof matchesOpenpgp
  readonly ssh: typeof verifySshsig
}

const OWN: Mathematics = { openpgp: matchesOpenpgp, ssh: verifySshsig }

/** Who answers that question for one object; undefined: Waybill itself. */
export type MathematicsOf = (signed: Pick<ParsedCommit, 'signature' | 'payload'>) => Mathematics | undefined

/** Everything the policy may know about one commit. */
export async function factsOf(
  commit: ParsedCommit,
  keyring: Keyring,
  mathematics: MathematicsOf = () => OWN,
): Promise<CommitFacts> {
  const { id, tree, parents, author, committer, subject, mergetags } = commit
  const facts = {
    id,
    tree,
    parents,
    author,
    committer,
    subject,
    signature: await checkSignature(commit, keyring, mathematics(commit)),
  }
  if (mergetags === undefined) return facts
  return { ...facts, mergetags: await Promise.all(mergetags.map(tag => tagFactsOf(tag, keyring, mathematics(tag)))) }
}

/** Everything the policy may know about one tag object, behind a ref or inside a merge. */
export async function tagFactsOf(tag: ParsedTag, keyring: Keyring, mathematics = OWN): Promise<TagFacts> {
  const { id, object, name, tagger } = tag
  return { id, object, name, tagger, signature: await checkSignature(tag, keyring, mathematics) }
}

/**
 * Checks the signature of a commit or tag by mathematics alone: no dates, no persons, no permission. Those are for the policy.
 * @returns `none`, a valid fact whose every field was checked, a `rejected` fact that says what is wrong, or an `unjudged` one.
 * @throws only what Waybill did not foresee; a bad signature never throws.
 */
export async function checkSignature(
  { signature, payload }: Pick<ParsedCommit, 'signature' | 'payload'>,
  keyring: Keyring,
  mathematics = OWN,
): Promise<SignatureFact> {
  return signature === undefined ? { kind: 'none' } : checkArmored({ ...signature, payload }, keyring, mathematics)
}

/** One armored signature over exactly these bytes. */
export interface Armored {
  readonly scheme: SignatureScheme
  readonly armor: string
  readonly payload: Uint8Array
  /** The purpose an SSH signature must name; `git` unless told. */
  readonly namespace?: string
}

/** As `checkSignature`, for a signature that stands alone. */
export async function checkArmored(
  { scheme, armor, payload, namespace }: Armored,
  keyring: Keyring,
  mathematics = OWN,
): Promise<SignatureFact> {
  const claim: { key?: string } = {}
  try {
    if (scheme === 'openpgp') return await checkOpenpgp(armor, payload, keyring, claim, mathematics)
    if (scheme === 'ssh') return await checkSsh({ armor, payload, namespace }, keyring, claim, mathematics)
    // Its parsers are heavy: most repositories never load them.
    const { checkCms } = await import('./cms-signature.ts')
    return await checkCms(armor, payload, keyring, claim)
  } catch (error) {
    return refused(scheme, asWaybillError(error), claim.key)
  }
}

async function checkOpenpgp(
  armor: string,
  payload: Uint8Array,
  keyring: Keyring,
  claim: { key?: string },
  { openpgp: matches }: Mathematics,
): Promise<SignatureFact> {
  const signature = parseOpenpgpSignature(decodePgpArmor(armor))
  const issuer = signature.issuerFingerprint ?? signature.issuerKeyId
  if (issuer !== undefined) claim.key = issuer
  refuseWeak(signature)
  const keys = keyring.find(signature)
  if (keys.length === 0) throw keyUnknown(issuer)
  for (const key of keys) {
    if (key.keyObject === undefined) throw unsupportedKey(key)
    if (await matches(signature, payload, key)) return openpgpFact(signature, key)
  }
  throw badSignature()
}

function refuseWeak(signature: OpenpgpSignature): void {
  const weak = WEAK_HASHES[signature.hash]
  if (weak !== undefined) {
    throw fail('source/weak-hash', `The OpenPGP signature rests on ${weak}`, {
      expected: 'SHA-256, SHA-384 or SHA-512',
      found: weak,
    })
  }
  if (hashName(signature.hash) === undefined) {
    throw fail('source/signature-unsupported', 'The OpenPGP signature uses a hash that is not judged', {
      found: `hash ${signature.hash}`,
    })
  }
  if (signature.algorithm === 17) {
    throw fail('source/weak-signature', 'The OpenPGP signature is made with DSA', { found: 'DSA' })
  }
}

function openpgpFact(signature: OpenpgpSignature, key: SigningKey): ValidOpenpgp {
  if (key.problem !== undefined) {
    throw fail('source/key-unusable', `The key ${key.fingerprint} may not sign commits: ${key.problem}`, {
      found: key.problem,
    })
  }
  const { created, expiresAfter } = signature
  const ends = expiresAfter === undefined ? undefined : new Date(created.getTime() + expiresAfter * 1000)
  const keyExpires = earliest(key.expires, ends)
  return {
    kind: 'openpgp',
    fingerprint: key.fingerprint,
    primary: key.primary,
    algorithm: key.algorithm,
    bits: key.bits,
    claimedTime: created,
    ...(keyExpires === undefined ? {} : { keyExpires }),
    keyRevoked: key.revoked,
  }
}

async function checkSsh(
  { armor, payload, namespace }: { readonly armor: string; payload: Uint8Array; namespace: string | undefined },
  keyring: Keyring,
  claim: { key?: string },
  { ssh: verifies }: Mathematics,
): Promise<SignatureFact> {
  const sig = parseSshsig(decodeSshArmor(armor), namespace, keyring.sshPublicKey)
  const { fingerprint } = sig.key
  claim.key = fingerprint
  const keyObject = keyring.sshKey(fingerprint, () => sshKeyObject(sig.key))
  if (!(await verifies(sig, payload, keyObject))) throw badSignature()
  if (sig.certificate !== undefined) await checkCertificate(sig.certificate, keyring)
  return sshFact(sig)
}

async function checkCertificate(certificate: SshCertificate, keyring: Keyring): Promise<void> {
  const { authority, fact } = certificate
  const keyObject = keyring.sshKey(authority.fingerprint, () => sshKeyObject(authority))
  if (await verifySshCertificate(certificate, keyObject)) return
  throw fail('source/certificate-forged', 'The SSH certificate was not signed by the authority that it names', {
    expected: `a signature of ${authority.fingerprint} over the certificate`,
    found: `a signature over other bytes, on the certificate ${fact.keyId}`,
  })
}

function refused(scheme: SignatureScheme, error: WaybillError, claimedKey?: string): SignatureFact {
  // An error that is no statement about the signature must not read as one.
  if (error.kind === 'unknown' && scheme !== 'x509') throw error
  return {
    kind: error.kind === 'unknown' ? 'unjudged' : 'rejected',
    scheme,
    code: error.code,
    message: error.message,
    ...(error.expected === undefined ? {} : { expected: error.expected }),
    ...(error.found === undefined ? {} : { found: error.found }),
    remedy: error.remedy,
    ...(claimedKey === undefined ? {} : { claimedKey }),
  }
}

function keyUnknown(issuer: string | undefined): Error {
  return fail('source/key-unknown', 'The OpenPGP signature is by a key that no key file of the policy holds', {
    expected: 'a key of the policy’s key files',
    found: issuer ?? 'a signature that names no key',
    ...(issuer === undefined
      ? {}
      : { remedy: `Add the key in an approved commit: gpg --armor --export ${issuer} > .github/keys/NAME.asc` }),
  })
}

function unsupportedKey(key: SigningKey): Error {
  return fail('source/signature-unsupported', `Signatures by keys of type ${key.algorithm} are not judged`, {
    expected: 'RSA, ECDSA on P-256, P-384 or P-521, Ed25519, Ed448',
    found: key.algorithm,
  })
}

function badSignature(): Error {
  return fail('source/bad-signature', 'The signature does not match the bytes of the object', {
    expected: 'the bytes that were signed',
    found: 'other bytes, or a signature by another key',
  })
}
