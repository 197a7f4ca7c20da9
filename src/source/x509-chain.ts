import { equalBytes } from '../core/bytes.ts'
import { fail, type WaybillError } from '../core/error.ts'
import type { Certificate } from './x509.ts'

/** From the leaf to the root, both included. */
export type Chain = readonly [Certificate, ...Certificate[]]

/** Certificates between leaf and root; real authorities have one or two. */
const INTERMEDIATES = 6
/** Signatures checked for one leaf: enough for every honest set, few enough for a hostile one. */
const ATTEMPTS = 100
/**
 * What an authority may have meant a certificate for, when it says so: e-mail protection (what gpgsm's users have), code
 * signing (what gitsign asks for), or anything. gpgsm makes and accepts signatures with certificates for TLS clients and
 * servers as well [run]; those lie on machines that log in or answer, and were not given out for signing, so they refuse.
 */
const PURPOSES = ['1.3.6.1.5.5.7.3.4', '1.3.6.1.5.5.7.3.3', '2.5.29.37.0']

/**
 * Finds a way from the leaf to one of the roots and checks every certificate on it (RFC 5280 § 6.1): names, signatures,
 * authority, key usage, path lengths, purposes, critical extensions. Not the dates: those are for the policy and its clock.
 * Of several ways the first that holds is taken. Roots are trusted for being named by the policy; their own signature
 * says nothing.
 * @param others certificates that came with the signature, in any order; whoever made the commit chose them.
 * @throws `source/certificate-untrusted`, `source/weak-hash`
 */
export function chainTo(roots: readonly Certificate[], leaf: Certificate, others: readonly Certificate[]): Chain {
  const search = new Search(roots, others)
  const found = search.from([leaf])
  if (found !== undefined) return found
  throw search.problem ?? untrusted(search.deepest, roots.length)
}

class Search {
  /** Why a way that did reach a root does not hold. */
  problem: WaybillError | undefined
  /** The last certificate of the longest way, whose issuer was not found. */
  deepest: Certificate | undefined
  #longest = 0
  #attempts = 0
  readonly #roots: readonly Certificate[]
  readonly #others: readonly Certificate[]

  constructor(roots: readonly Certificate[], others: readonly Certificate[]) {
    this.#roots = roots
    this.#others = others.filter(other => !roots.some(root => root.fingerprint === other.fingerprint))
  }

  from(path: Chain): Chain | undefined {
    const last = path.at(-1) ?? path[0]
    if (path.length > this.#longest) {
      this.#longest = path.length
      this.deepest = last
    }
    for (const root of this.#issuersOf(last, this.#roots)) {
      const whole: Chain = [...path, root]
      const problem = problemOf(whole)
      if (problem === undefined) return whole
      this.problem ??= problem
    }
    if (path.length > INTERMEDIATES) return undefined
    for (const issuer of this.#issuersOf(last, this.#others)) {
      if (path.some(({ fingerprint }) => fingerprint === issuer.fingerprint)) continue
      const found = this.from([...path, issuer])
      if (found !== undefined) return found
    }
    return undefined
  }

  #issuersOf(certificate: Certificate, candidates: readonly Certificate[]): readonly Certificate[] {
    return candidates.filter(candidate => {
      if (!equalBytes(candidate.subject, certificate.issuer) || this.#attempts >= ATTEMPTS) return false
      this.#attempts++
      return certificate.isSignedBy(candidate.key)
    })
  }
}

function problemOf(chain: Chain): WaybillError | undefined {
  const [leaf, ...authorities] = chain
  const below = chain.slice(0, -1)
  if (below.some(({ signatureHash }) => signatureHash === 'weak')) return weakHash()
  const problem =
    leafProblem(leaf) ??
    first(authorities, (authority, at) => authorityProblem(authority, chain.slice(1, at + 1))) ??
    first(below, purposeProblem) ??
    first(chain, extensionProblem) ??
    first(below, algorithmProblem)
  return problem === undefined ? undefined : refused(problem)
}

function first<T>(list: readonly T[], problem: (item: T, at: number) => string | undefined): string | undefined {
  for (const [at, item] of list.entries()) {
    const found = problem(item, at)
    if (found !== undefined) return found
  }
  return undefined
}

function leafProblem({ isAuthority, usage }: Certificate): string | undefined {
  if (isAuthority) return 'the signer’s certificate is an authority’s own'
  if (usage !== undefined && !usage.signs) return 'the signer’s certificate is not for signatures (its key usage)'
  return undefined
}

/** @param below authorities between this one and the leaf. */
function authorityProblem(authority: Certificate, below: readonly Certificate[]): string | undefined {
  const { isAuthority, usage, pathLength, serial } = authority
  if (!isAuthority) return `the issuing certificate ${serial} is not an authority’s (basicConstraints)`
  if (usage !== undefined && !usage.certifies)
    return `the issuing certificate ${serial} is not for certificates (key usage)`
  const counted = below.filter(({ subject, issuer }) => !equalBytes(subject, issuer)).length
  if (pathLength !== undefined && counted > pathLength)
    return `the authority ${serial} allows ${pathLength} authorities below it, not ${counted}`
  return undefined
}

function purposeProblem({ purposes, serial }: Certificate): string | undefined {
  if (purposes === undefined || purposes.some(purpose => PURPOSES.includes(purpose))) return undefined
  return `certificate ${serial} is neither for e-mail protection nor for code signing (extended key usage)`
}

function extensionProblem({ notUnderstood: [oid], serial }: Certificate): string | undefined {
  return oid === undefined
    ? undefined
    : `certificate ${serial} has the extension ${oid}, which limits it in a way that is not judged`
}

function algorithmProblem({ signatureHash, serial }: Certificate): string | undefined {
  return signatureHash === undefined
    ? `certificate ${serial} is signed with an algorithm that is not judged`
    : undefined
}

function refused(found: string): WaybillError {
  return fail('source/certificate-untrusted', `The certificate chain does not hold: ${found}`, {
    expected: 'a chain for signing, by RFC 5280',
    found,
    remedy:
      'Have the authority issue a certificate for signing (key usage digitalSignature, purpose e-mail protection).',
  })
}

function weakHash(): WaybillError {
  return fail('source/weak-hash', 'A certificate of the chain is signed over MD5 or SHA-1', {
    expected: 'SHA-256, SHA-384 or SHA-512',
    found: 'MD5 or SHA-1',
    remedy: 'Have the authority issue the certificate again with SHA-256, and sign: git commit --amend --no-edit -S',
  })
}

function untrusted(last: Certificate | undefined, roots: number): WaybillError {
  const issuer = last?.issuerText ?? 'nobody'
  return fail('source/certificate-untrusted', 'The certificate chain leads to no root that the policy names', {
    expected:
      roots === 0 ? 'a root certificate named by the policy; it names none' : `one of ${roots} root certificates`,
    found: `no certificate of the issuer ${issuer}`,
    remedy:
      'If you trust this authority, add its root certificate in an approved commit: ' +
      'signers: [{ x509: { san: ADDRESS, roots: keys/ROOTS.pem } }]; an intermediate certificate must come with the signature (gpgsm: include-certs -2).',
  })
}
