import type { CommitId } from '../core/digest.ts'
import { fail, WaybillError } from '../core/error.ts'
import { parseBuildSigner } from './build-signer.ts'
import { signerText } from './changes.ts'
import { isSourceRequirement } from './deploy-source.ts'
import type { ExpectedKey, ExpectedSigner } from './expected.ts'
import { REQUIREMENTS } from './keys.ts'
import { matches } from './match.ts'
import type { DeployRule, DeploySource, Policy, Requirement, Revocation, TrustName } from './policy.ts'
import type { Field } from './read.ts'
import type { YamlNode } from './yaml.ts'

/** What has to be proved about one image, and by whose signature. Made from a deploy rule or from flags, never by default. */
export interface Expectation {
  readonly build: ExpectedSigner
  readonly require: readonly [Requirement, ...Requirement[]]
  /** Builders whose provenance counts; absent with flags: any but `recorded/v1`. */
  readonly builders?: readonly string[]
  /** What the provenance must say about the verification of its commits; `any` with flags and with `allow-audit`. */
  readonly sourceMode: 'enforce' | 'any'
  /** The one root to verify against. */
  readonly trust: TrustName
  /** With flags: `signature` is a statement with this predicate type. */
  readonly predicateType?: string
  /**
   * The built commit, where the caller knows it: a run reads back its own statements. Absent for every gate, which takes
   * the run's own commit from the certificate (13-adversary 28).
   */
  readonly commit?: CommitId
  readonly maxAgeSeconds?: number
  /** Of a rule that requires something of the source; never by flags. */
  readonly source?: DeploySource
  readonly revoked: readonly Revocation[]
  /** In words, for the verdict and the summary. */
  readonly description: string
}

/** Flags of `waybill verify` and inputs of the verify action, as given; an empty text counts as absent. */
export interface ExpectationFlags {
  readonly certificateIdentity?: string
  readonly certificateOidcIssuer?: string
  readonly repository?: string
  readonly repositoryId?: string
  readonly signer?: string
  readonly caller?: string
  readonly sourceRef?: string | readonly string[]
  /** Public key file: its name, and what `keyFingerprint` says of it. */
  readonly key?: { readonly file: string; readonly fingerprint: string }
  /** Default: `signature`. */
  readonly require?: readonly string[]
  readonly predicateType?: string
  /** Path of a trusted root file; default: the public instance. */
  readonly trustedRoot?: string
}

/**
 * The first deploy rule that matches decides.
 * @param reference canonical `host/repository`, without tag and digest (13-adversary 34).
 * @throws `policy/no-rule` when none matches, `policy/denied`
 */
export function expectationFor(policy: Policy, reference: string): Expectation {
  const rule = policy.deploy.find(item => item.match.some(pattern => matches(pattern, reference)))
  if (rule === undefined)
    throw fail('policy/no-rule', `No deploy rule of the policy matches ${reference}`, {
      expected: policy.deploy.length === 0 ? 'a deploy block' : policy.deploy.map(matchText).join('; '),
      found: reference,
      remedy: `Add a rule to deploy with match: ["${reference}"] and the signer to expect; without a match an image is denied.`,
    })
  if (rule.kind === 'deny')
    throw fail('policy/denied', `The policy denies ${reference}: the first rule that matches is ${matchText(rule)}`, {
      expected: 'a rule that allows it, above',
      found: `deny: true for ${matchText(rule)}`,
    })
  return {
    build: rule.build,
    require: rule.require,
    builders: rule.builders,
    sourceMode: rule.allowAudit ? 'any' : 'enforce',
    trust: rule.trust,
    ...(rule.maxAgeSeconds === undefined ? {} : { maxAgeSeconds: rule.maxAgeSeconds }),
    ...(rule.source === undefined ? {} : { source: rule.source }),
    revoked: policy.revoked,
    description: `${rule.require.join(', ')} by ${signerText(rule.build)} (rule ${matchText(rule)})`,
  }
}

function matchText({ match }: DeployRule): string {
  return match.map(({ text }) => text).join(', ')
}

/**
 * One way of naming a signer, complete: an identity with its issuer, a GitHub workflow with repository, id and ref, or a key.
 * @throws `policy/no-expectation` when none is given, `policy/expectation-unclear` for anything halfway or contradictory,
 * `policy/unsupported` for a `require` item that this version does not judge.
 */
export function expectationFromFlags(flags: ExpectationFlags): Expectation {
  const build = signerFromFlags(flags)
  const require = requirementsFrom(flags.require ?? [])
  return {
    build,
    require,
    sourceMode: 'any',
    trust: given(flags.trustedRoot) ? { file: flags.trustedRoot } : 'public-good',
    ...(given(flags.predicateType) ? { predicateType: flags.predicateType } : {}),
    revoked: [],
    description: `${require.join(', ')} by ${signerText(build)}`,
  }
}

function given(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}

const GITHUB_FLAGS = ['repository', 'repository-id', 'signer', 'source-ref'] as const

function signerFromFlags(flags: ExpectationFlags): ExpectedSigner {
  const { certificateIdentity, certificateOidcIssuer, key } = flags
  const github = githubFlags(flags)
  const ways = [certificateIdentity, github.size > 0 ? 'github' : '', key?.file].filter(given).length
  if (ways === 0 && !given(certificateOidcIssuer)) throw noExpectation()
  if (ways > 1) throw unclear('Flags name more than one signer', 'an identity, a GitHub workflow, or a key')
  if (key !== undefined) return keyFromFlags(key, certificateOidcIssuer)
  if (github.size > 0) return githubFromFlags(github, certificateOidcIssuer)
  if (!given(certificateIdentity)) throw unclear('--certificate-identity is missing', 'identity and issuer together')
  if (!given(certificateOidcIssuer))
    throw unclear('--certificate-oidc-issuer is missing', 'identity and issuer together')
  return parsed(
    'sigstore',
    new Map([
      ['identity', certificateIdentity],
      ['issuer', certificateOidcIssuer],
    ]),
  )
}

function keyFromFlags(key: NonNullable<ExpectationFlags['key']>, issuer: string | undefined): ExpectedKey {
  if (given(issuer)) throw unclear('--certificate-oidc-issuer does not go with --key', 'a key has no issuer')
  if (!/^[0-9a-f]{64}$/.test(key.fingerprint))
    throw unclear(`${key.file} has no usable fingerprint`, 'a PEM public key')
  return { kind: 'key', file: key.file, fingerprint: key.fingerprint }
}

type FlagTexts = ReadonlyMap<string, string | readonly string[]>

function githubFlags({ repository, repositoryId, signer, caller, sourceRef }: ExpectationFlags): FlagTexts {
  const all = { repository, 'repository-id': repositoryId, signer, caller, 'source-ref': sourceRef }
  return new Map(
    Object.entries(all).flatMap(([name, value]) => (value === undefined || value.length === 0 ? [] : [[name, value]])),
  )
}

/** 13-adversary 28: repository id and a ref are mandatory, since a shared workflow has the same identity for every caller. */
function githubFromFlags(flags: FlagTexts, issuer: string | undefined): ExpectedSigner {
  const missing = GITHUB_FLAGS.filter(name => !flags.has(name))
  if (missing.length > 0)
    throw unclear(
      `${missing.map(name => `--${name}`).join(', ')} missing`,
      '--repository, --repository-id, --signer and --source-ref together; "any" for id or ref, if any will do',
    )
  return parsed('github', given(issuer) ? new Map([...flags, ['issuer', issuer]]) : flags)
}

/** Through the policy's own parser, so that a flag can say nothing that a rule could not. */
function parsed(kind: 'sigstore' | 'github', texts: FlagTexts): ExpectedSigner {
  const text = (value: string): YamlNode => ({ kind: 'text', at: 'flags', text: value, plain: false })
  const entries = [...texts].map(([key, value]) => ({
    key,
    at: 'flags',
    value: typeof value === 'string' ? text(value) : { kind: 'list' as const, at: 'flags', items: value.map(text) },
  }))
  const field: Field = { node: { kind: 'map', at: 'flags', entries }, name: '' }
  try {
    return parseBuildSigner({ path: 'flags', files: new Map() }, kind, field)
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error
    throw unclear(error.message.replace(/^flags:flags: /, '--'), error.expected ?? 'see waybill --help', error.found)
  }
}

function requirementsFrom(words: readonly string[]): readonly [Requirement, ...Requirement[]] {
  const list = words.map(word => {
    const known = REQUIREMENTS.judged.find(item => item === word)
    if (known !== undefined && isSourceRequirement(known)) throw needsPolicy(known)
    if (known !== undefined) return known
    const later = (REQUIREMENTS.later as readonly string[]).includes(word)
    throw fail('policy/unsupported', `${later ? 'This version does not judge' : 'There is no requirement'} ${word}`, {
      expected: `one or more of: ${REQUIREMENTS.judged.join(', ')}`,
      found: word,
      remedy: 'Leave it out of --require, or use a version of Waybill that judges it. It is never ignored.',
    })
  })
  const [first = 'signature', ...more] = new Set(list)
  return [first, ...more]
}

/** Some policy having passed from some anchor proves nothing, and no flag names them. */
function needsPolicy(word: string): Error {
  return fail(
    'policy/expectation-unclear',
    `Flags do not say by which policy and from which anchor ${word} must hold`,
    {
      expected: 'a policy with a deploy rule that has source: {policy, anchor, exceptions}',
      found: `--require ${word}`,
      remedy: `Put the rule into a policy file and name it with --policy FILE, or leave ${word} out.`,
    },
  )
}

function noExpectation(): Error {
  return fail('policy/no-expectation', 'Nothing says who is expected to have signed')
}

function unclear(sentence: string, expected: string, found?: string): Error {
  return fail('policy/expectation-unclear', sentence, { expected, ...(found === undefined ? {} : { found }) })
}
