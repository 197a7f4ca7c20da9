import type { ExpectedGithub, ExpectedSigner, ExpectedSigstore } from '../policy/expected.ts'
import type { TrustName } from '../policy/policy.ts'
import { belowPrefix } from './below-prefix.ts'
import { wholeText } from './re2.ts'
import { notExpressible } from './refused.ts'

/** Where Kyverno takes an instance's keys from: a TUF repository, or a `trusted_root.json` besides the public one. */
export interface KyvernoTrust {
  /** Text of a `trusted_root.json`. Kyverno asks a TUF repository all the same, the public one unless `tuf` names another. */
  readonly trustedRoot?: string
  /** URL of a TUF repository with the target `trusted_root.json`, and the bytes of its root. */
  readonly tuf?: { readonly mirror: string; readonly root: Uint8Array }
}

/** `spec.attestors[].cosign` of an ImageValidatingPolicy. */
export type KyvernoCosign = Readonly<Record<string, unknown>>

/**
 * One signer as Kyverno 1.19 compares it: subject and issuer of the certificate and nothing else. It takes
 * `additionalExtensions` and never reads them, so what a certificate says besides has to be asked of the signed content.
 * @throws `policy/not-expressible` for a key, a workflow at any ref, and a trust root that is not at hand.
 */
export function cosignOf(
  signer: ExpectedSigner,
  trust: TrustName,
  known: ReadonlyMap<string, KyvernoTrust>,
): KyvernoCosign {
  return { keyless: { identities: [identityOf(signer)] }, ...trustOf(trust, known) }
}

interface Identity {
  readonly subject?: string
  readonly subjectRegExp?: string
  readonly issuer: string
}

function identityOf(signer: ExpectedSigner): Identity {
  if (signer.kind === 'github') return githubIdentity(signer)
  if (signer.kind === 'sigstore') return sigstoreIdentity(signer)
  throw notExpressible(
    'For Kyverno only signers with a certificate can be written down',
    'a signer by github or sigstore',
    `the key ${signer.file}`,
    'Name the signer by github or sigstore in the deploy rule, or generate for policy-controller.',
  )
}

function githubIdentity({ signer, server, issuer }: ExpectedGithub): Identity {
  const workflow = `${server}/${signer.path}@`
  // A call by commit is the only one whose subject names the commit; calls by ref are refused, which is stricter.
  if ('commit' in signer.at) return { subject: `${workflow}${signer.at.commit}`, issuer }
  if ('any' in signer.at)
    throw notExpressible(
      'A workflow at any ref is no signer that a cluster could check',
      'a ref or a commit',
      signer.text,
      `Name its ref: ${signer.path}@refs/heads/main.`,
    )
  const { ref } = signer.at
  if (ref.tokens.every(token => typeof token === 'string')) return { subject: `${workflow}${ref.text}`, issuer }
  // A path that a policy names holds no star.
  return { subjectRegExp: wholeText([workflow + ref.text]), issuer }
}

function sigstoreIdentity({ identity, issuer }: ExpectedSigstore): Identity {
  if ('exact' in identity) return { subject: identity.exact, issuer }
  return { subjectRegExp: belowPrefix(identity.prefix), issuer }
}

function trustOf(trust: TrustName, known: ReadonlyMap<string, KyvernoTrust>): KyvernoCosign {
  if (trust === 'public-good') return {}
  if (trust === 'github')
    throw notExpressible(
      'Kyverno reads bundles of GitHub’s own instance only when it is told to ignore logs',
      'trust: public-good, or a trust root file with a log',
      'trust: github',
      'Sign with the public instance and write trust: public-good, or generate for policy-controller.',
    )
  const found = known.get(trust.file)
  if (found === undefined)
    throw notExpressible(
      'A rule has an own trust root, and Kyverno was given none for it',
      'the trusted_root.json itself, or the TUF repository that serves it',
      trust.file,
      'Give the trust root to the generator.',
    )
  const { trustedRoot, tuf } = found
  return {
    ...(tuf === undefined
      ? {}
      : { tuf: { mirror: tuf.mirror, root: { data: Buffer.from(tuf.root).toString('base64') } } }),
    ...(trustedRoot === undefined ? {} : { trustedRoot: { value: trustedRoot } }),
  }
}
