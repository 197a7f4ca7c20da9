import type { Digest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { signerText } from './changes.ts'
import { type Expectation, type ExpectationOptions, expectationOf } from './expectation.ts'
import type { ExpectedSigner } from './expected.ts'
import { imageName } from './image-name.ts'
import { matches } from './match.ts'
import type { BaseImageRule, DeniedBase, SignedBase, WaybillBase } from './material-rules.ts'
import type { Policy } from './policy.ts'

/** A rule that says how an image may be trusted. */
export type TrustedBase = Exclude<BaseImageRule, DeniedBase>

/** What the caller of a rule knows besides the rule. */
export interface BaseContext extends Pick<ExpectationOptions, 'policy' | 'revoked'> {
  /** Canonical reference of the image. */
  readonly canonical: string
  /** The policy that the rule is of: its revocations and its quarantine count for base images, too. */
  readonly law: Pick<Policy, 'revoked' | 'quarantined'>
}

/**
 * The first rule of `base-images` that matches decides. To be asked before any request (13-adversary 39).
 * @param canonical `host/repository`, with or without tag and digest, in the one spelling of 13-adversary 34.
 * @throws `policy/no-rule` when none matches, when the policy has no such block, or for another spelling; `policy/denied`
 */
export function baseImageRule(policy: Policy, canonical: string): TrustedBase {
  const rules = policy.baseImages ?? []
  const name = imageName(canonical)
  if (name === undefined) throw misspelt(canonical)
  const rule = rules.find(({ match }) => match.some(pattern => matches(pattern, name)))
  if (rule === undefined)
    throw fail('policy/no-rule', `No base-images rule of the policy matches ${name}`, {
      expected: rules.length === 0 ? 'a base-images block' : rules.map(matchText).join('; '),
      found: name,
      remedy: `Add to base-images of the policy a rule for it, for example: - {match: "${name}", digest-lock: true}`,
    })
  if (rule.kind === 'deny')
    throw fail(
      'policy/denied',
      `The policy denies ${name}: the first base-images rule that matches is ${matchText(rule)}`,
      {
        expected: 'a rule that allows it, above',
        found: `deny: true for ${matchText(rule)}`,
      },
    )
  return rule
}

function misspelt(canonical: string): Error {
  return fail('policy/no-rule', 'No base-images rule can match a reference that is not in its canonical form', {
    expected: 'host/repository in lower case, without default port, with docker.io/library/ for official images',
    found: canonical,
    remedy: 'Write the reference in its canonical form, for example docker.io/library/alpine:3.22',
  })
}

/**
 * What has to be proved about an image under a rule; any one of them is enough.
 * For `signers` a statement about the image by each of them; for `waybill` the chain of a deploy rule.
 */
export function baseExpectations(
  rule: SignedBase | WaybillBase,
  context: BaseContext,
): readonly [Expectation, ...Expectation[]] {
  const resource = imageName(context.canonical)
  if (resource === undefined) throw misspelt(context.canonical)
  const { law, canonical: _canonical, ...options } = context
  if (rule.kind === 'waybill') return [expectationOf(rule.chain, resource, law, options)]
  const [first, ...more] = rule.signers
  const signedBy = (signer: ExpectedSigner) => signatureBy(signer, rule, resource, context)
  return [signedBy(first), ...more.map(signedBy)]
}

function signatureBy(build: ExpectedSigner, rule: SignedBase, resource: string, context: BaseContext): Expectation {
  const { law, policy, revoked = [] } = context
  const { predicate, maxAgeSeconds } = rule
  return {
    build,
    require: ['signature'],
    stage: 'deploy',
    // Only a provenance has one, and none is asked for: who wants its chain judged writes `waybill`.
    sourceMode: 'any',
    trust: rule.trust,
    ...(predicate === undefined ? {} : { predicateType: predicate }),
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    quarantined: law.quarantined,
    ...(policy === undefined ? {} : { policy }),
    resource,
    private: rule.private,
    revoked: [...law.revoked, ...revoked],
    description: `${predicate === undefined ? 'signature' : `a statement of ${predicate}`} by ${signerText(build)} (base-images rule ${matchText(rule)})`,
  }
}

/** Every signer that a rule names, so that a caller can load the public keys among them. */
export function baseSigners(rule: BaseImageRule): readonly ExpectedSigner[] {
  if (rule.kind === 'signers') return rule.signers
  if (rule.kind !== 'waybill') return []
  const { build, source, quarantineBy } = rule.chain
  return [build, source?.signer, quarantineBy].filter(signer => signer !== undefined)
}

/**
 * For what needs no statement, `docker` and `digest-lock`: a digest in quarantine is refused there, too (13-adversary 31).
 * @param name for the message.
 * @throws `verify/quarantined`
 */
export function refuseQuarantined(
  { quarantined }: Pick<Policy, 'quarantined'>,
  name: string,
  digests: readonly Digest[],
): void {
  const listed = quarantined.find(({ digest }) => digests.includes(digest))
  if (listed === undefined) return
  throw fail('verify/quarantined', `The policy has ${listed.digest} of ${name} in quarantine: ${listed.reason}`, {
    expected: 'a digest that is not in quarantined',
    found: `in quarantine since ${listed.since.toISOString()}`,
  })
}

function matchText({ match }: BaseImageRule): string {
  return match.map(({ text }) => text).join(', ')
}
