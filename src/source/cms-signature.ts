import { type ErrorCode, fail, WaybillError } from '../core/error.ts'
import type { TrustedTime, ValidGitsign, ValidX509 } from '../core/facts.ts'
import { isIssuedBy, type TrustRoot, timeOfToken } from '../sigstore/verify/message.ts'
import { decodeCmsArmor } from './armor.ts'
import { type CmsSignature, parseCms } from './cms.ts'
import { describeKey, isAbout, isSignedBySigner } from './cms-verify.ts'
import { verifyGitsign } from './gitsign.ts'
import type { Keyring } from './keyring.ts'
import { type Certificate, readCertificate } from './x509.ts'
import { type Chain, chainTo } from './x509-chain.ts'

// One door to everything that needs the heavy parsers, so that they are one file of the bundle.
export { readRoots } from './x509-roots.ts'

/**
 * Checks a `SIGNED MESSAGE`: mathematics first, then whose authority stands behind the certificate. A leaf that Fulcio's
 * extensions mark asks for the trust root once a run; when no authority of it issued the leaf, the roots of the policy
 * decide, as for any other.
 * @param claim is told the fingerprint of the certificate as soon as it is read.
 * @throws `source/…` and `sigstore/…` that say what is wrong; those of kind unknown could not be checked.
 */
export async function checkCms(
  armor: string,
  payload: Uint8Array,
  keyring: Keyring,
  claim: { key?: string },
): Promise<ValidX509 | ValidGitsign> {
  const cms = parseCms(decodeCmsArmor(armor), der => keyring.certificate(der, readCertificate))
  const { signer, certificates } = cms
  claim.key = signer.fingerprint
  describeKey(signer.key)
  if (!isAbout(cms, payload)) throw badSignature('a signature over other bytes') // gitsign 1/5
  if (!(await isSignedBySigner(cms))) throw badSignature('a signature by another key') // gitsign 2/5
  if (!signer.looksLikeFulcio) return x509Fact(cms, chainTo(keyring.x509Roots, signer, certificates), keyring)
  const trust = await trustOf(keyring, () => hasChain(keyring, cms))
  if (trust !== undefined && isIssuedBy(trust, signer.der)) return verifyGitsign(cms, trust)
  return x509Fact(cms, chainTo(keyring.x509Roots, signer, certificates), keyring)
}

/** @throws `source/trust-root-missing` (unknown) when none is to be had and the policy's roots do not know the leaf either. */
async function trustOf(keyring: Keyring, isKnownElsewhere: () => boolean): Promise<TrustRoot | undefined> {
  const { sigstoreTrust } = keyring
  if (sigstoreTrust === undefined) {
    if (isKnownElsewhere()) return undefined
    throw fail('source/trust-root-missing', 'The signature is by a certificate of Fulcio, and no trust root is at hand')
  }
  try {
    return await sigstoreTrust()
  } catch (error) {
    // Whatever is wrong with the trust root, it is no statement about this signature.
    if (error instanceof WaybillError) throw asUnknown(error)
    throw error
  }
}

function asUnknown(error: WaybillError): WaybillError {
  const { code, message, expected, found, remedy } = error
  return fail(code satisfies ErrorCode, message, {
    kind: 'unknown',
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    remedy,
    cause: error,
  })
}

function hasChain(keyring: Keyring, { signer, certificates }: CmsSignature): boolean {
  try {
    chainTo(keyring.x509Roots, signer, certificates)
    return true
  } catch (error) {
    if (error instanceof WaybillError) return false
    throw error
  }
}

async function x509Fact(cms: CmsSignature, chain: Chain, keyring: Keyring): Promise<ValidX509> {
  const [leaf] = chain
  const root = chain.at(-1) ?? leaf
  const trustedTime = await timestampOf(cms, keyring)
  return {
    kind: 'x509',
    fingerprint: leaf.fingerprint,
    root: root.fingerprint,
    chain: chain.map(({ serial, fingerprint }) => ({ serial, fingerprint })),
    emails: leaf.emails,
    ...describeKey(leaf.key),
    notBefore: limit(chain, ({ notBefore }) => notBefore, Math.max),
    notAfter: limit(chain, ({ notAfter }) => notAfter, Math.min),
    ...(trustedTime === undefined ? {} : { trustedTime }),
  }
}

function limit(chain: Chain, date: (one: Certificate) => Date, pick: (...times: number[]) => number): Date {
  return new Date(pick(...chain.map(one => date(one).getTime())))
}

/**
 * A token of somebody whom the trust root does not name gives no time, and neither does one without a trust root: then the
 * certificate's dates are judged now, which is never milder.
 */
async function timestampOf({ timestamp, signature }: CmsSignature, keyring: Keyring): Promise<TrustedTime | undefined> {
  if (timestamp === undefined || keyring.sigstoreTrust === undefined) return undefined
  const trust = await keyring.sigstoreTrust().catch(error => {
    if (error instanceof WaybillError) return undefined
    throw error
  })
  const time = trust === undefined ? undefined : timeOfToken(timestamp, signature, trust)
  return time === undefined ? undefined : { time, from: 'timestamp' }
}

function badSignature(found: string): WaybillError {
  return fail('source/bad-signature', 'The signature does not match the bytes of the commit', {
    expected: 'the bytes that were signed',
    found,
  })
}
