import { asWaybillError, fail } from '../core/error.ts'
import { isRefused, type SignatureFact, type ValidSignature } from '../core/facts.ts'
import { parseAuthorizedKey } from '../core/ssh-key.ts'
import type { DetachedChecker } from '../materials/proof/detached.ts'
import { refuseRevoked } from '../policy/material-policy.ts'
import { DEFAULT_MIN_RSA, type Policy } from '../policy/policy.ts'
import { revocableOf } from '../policy/revocation.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import { checkDetached } from '../source/detached.ts'
import { Keyring, loadKeyring } from '../source/keyring.ts'
import type { NamedKey } from './materials-fetch-keys.ts'

/** What one key is held to: when, and by whose revocations. */
export interface KeyTerms {
  readonly policy: Policy
  readonly now: Date
}

/** The port of the materials room, with one key behind it. */
export function detachedChecker(key: NamedKey, terms: KeyTerms): DetachedChecker {
  return {
    check: async ({ kind, signature, content, namespace }) => {
      const named = namespace === undefined ? {} : { namespace }
      const fact = await checkDetached({ scheme: kind, signature, content, ...named }, await keyringOf(key))
      return { by: requireSigned(fact, key, terms) }
    },
  }
}

/**
 * A keyring of exactly this key: of a file with several only the one whose fingerprint the policy names, and its subkeys.
 * @throws `materials/key-unusable`
 */
export async function keyringOf({ key, name }: NamedKey, trust?: () => Promise<TrustRoot>): Promise<Keyring> {
  if (key.kind !== 'openpgp') return new Keyring([], trust === undefined ? {} : { sigstoreTrust: trust })
  const { keys } = await loadKeyring([{ path: key.file, bytes: key.bytes }]).catch((error: unknown) => {
    throw unusable(name, 'a file with OpenPGP public keys', asWaybillError(error).found ?? 'another file', error)
  })
  const { fingerprint } = key
  const own =
    fingerprint === undefined ? keys : keys.filter(one => [one.fingerprint, one.primary].includes(fingerprint))
  if (own.length === 0) throw unusable(name, `the key ${fingerprint} in ${key.file}`, 'other keys')
  const primaries = new Set(own.map(({ primary }) => primary))
  if (primaries.size > 1) throw unusable(name, 'one key', `${primaries.size} keys in ${key.file}`)
  return new Keyring(own)
}

/**
 * Requires that a signature is valid and by this key, and that the key may still be used. Only its maker says when a signature
 * beside a file was made, so dates are judged now, unless a service gave a time (13-adversary 12).
 * @returns who signed, in words.
 * @throws `materials/signature-wrong`, `materials/signature-malformed`, `materials/key-…`, `policy/key-revoked`
 */
export function requireSigned(fact: SignatureFact, key: NamedKey, { policy, now }: KeyTerms): string {
  if (fact.kind === 'none') throw wrong(key, 'no signature')
  if (isRefused(fact)) throw refused(fact, key)
  requireKey(fact, key)
  requireStrong(fact, key)
  if (fact.kind === 'openpgp') requireValid(fact, key, now)
  refuseRevoked(policy, revocableOf(fact), now)
  return fact.kind === 'gitsign'
    ? `${fact.identity} (${fact.issuer})`
    : `the ${fact.kind} key ${fact.fingerprint} (${key.name})`
}

function requireKey(fact: ValidSignature, named: NamedKey): void {
  const { key } = named
  // Its keyring held no other key.
  if (fact.kind === 'openpgp' && key.kind === 'openpgp') return
  if (fact.kind === 'ssh' && key.kind === 'ssh') requireSshKey(fact, key.text, named)
  else if (fact.kind === 'gitsign' && key.kind === 'signer' && key.signer.kind === 'sigstore') {
    const { identity, issuer } = key.signer
    const same = 'exact' in identity ? fact.identity === identity.exact : fact.identity.startsWith(identity.prefix)
    if (!same || fact.issuer !== issuer) throw wrong(named, `a signature by ${fact.identity} (${fact.issuer})`)
  } else throw wrong(named, `a signature of the kind ${fact.kind}`)
}

function requireSshKey(fact: Extract<ValidSignature, { kind: 'ssh' }>, text: string, named: NamedKey): void {
  if (fact.fingerprint !== sshKeyOf(text, named).fingerprint) throw wrong(named, `a signature by ${fact.fingerprint}`)
  // An authority's word about a key is not the policy's.
  if (fact.certificate !== undefined) throw wrong(named, 'a signature with a certificate')
  if (fact.securityKey?.userPresence === false) throw wrong(named, 'a signature by a security key that nobody touched')
}

function sshKeyOf(text: string, { name }: NamedKey) {
  try {
    return parseAuthorizedKey(text)
  } catch (error) {
    throw unusable(name, 'one line of an SSH public key', asWaybillError(error).message, error)
  }
}

function requireStrong({ algorithm, bits }: ValidSignature, { name }: NamedKey): void {
  const isRsa = algorithm.toLowerCase().includes('rsa')
  if (isRsa && bits < DEFAULT_MIN_RSA) throw unusable(name, `RSA with at least ${DEFAULT_MIN_RSA} bits`, `${bits} bits`)
}

function requireValid(fact: Extract<ValidSignature, { kind: 'openpgp' }>, { name }: NamedKey, now: Date): void {
  if (fact.keyRevoked)
    throw fail('materials/key-revoked', `The key ${fact.fingerprint} (${name}) was revoked by its owner`, {
      expected: 'a key in use',
      found: 'a revocation in its own file',
    })
  const end = fact.keyExpires
  if (end !== undefined && end.getTime() <= now.getTime())
    throw fail(
      'materials/key-expired',
      `The key ${fact.fingerprint} (${name}) or its signature ended on ${end.toISOString()}`,
      {
        expected: `a key that is valid at ${now.toISOString()}`,
        found: `ended ${end.toISOString()}`,
      },
    )
}

function refused(fact: Extract<SignatureFact, { kind: 'rejected' | 'unjudged' }>, { name }: NamedKey): Error {
  const code = fact.code === 'source/malformed' ? 'materials/signature-malformed' : 'materials/signature-wrong'
  return fail(code, `The ${fact.scheme} signature is none by the key ${name}: ${fact.message}`, {
    ...(fact.expected === undefined ? {} : { expected: fact.expected }),
    ...(fact.found === undefined ? {} : { found: fact.found }),
    // What could not be looked at is no reason against it.
    ...(fact.kind === 'unjudged' ? { kind: 'unknown' as const } : {}),
  })
}

function wrong({ name }: NamedKey, found: string): Error {
  return fail('materials/signature-wrong', `The signature is none by the key ${name}`, {
    expected: `a signature by ${name}`,
    found,
  })
}

function unusable(name: string, expected: string, found: string, cause?: unknown): Error {
  return fail('materials/key-unusable', `The key ${name} cannot be used to verify a material`, {
    expected,
    found,
    cause,
  })
}
