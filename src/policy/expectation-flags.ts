import { fail, WaybillError } from '../core/error.ts'
import { parseBuildSigner } from './build-signer.ts'
import { signerText } from './changes.ts'
import type { Expectation } from './expectation.ts'
import { type ExpectedKey, type ExpectedSigner, GITHUB_ISSUER } from './expected.ts'
import { REQUIREMENTS } from './keys.ts'
import type { GateStage, Requirement } from './policy.ts'
import type { Field } from './read.ts'
import { isSourceRequirement } from './requirements.ts'
import { isVerdictType } from './statement-kind.ts'
import type { YamlNode } from './yaml.ts'

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
  /** Narrows `signature`; without `signature` among the requirements it would say nothing. */
  readonly predicateType?: string
  /** Only a policy says what must hold where an image runs; `run` is refused. */
  readonly stage?: GateStage
  /** Path of a trusted root file; default: the public instance. */
  readonly trustedRoot?: string
}

/**
 * One way of naming a signer, complete: an identity with its issuer, a GitHub workflow with repository, id and ref, or a key.
 * @throws `policy/no-expectation` when none is given, `policy/expectation-unclear` for anything halfway or contradictory,
 * `policy/unsupported` for a `require` item that this version does not judge.
 */
export function expectationFromFlags(flags: ExpectationFlags): Expectation {
  const build = signerFromFlags(flags)
  const require = requirementsFrom(flags.require ?? [])
  if (flags.stage === 'run') throw needsPolicy('what must hold where it runs', '--stage run')
  return {
    build,
    require,
    stage: 'deploy',
    sourceMode: 'any',
    trust: given(flags.trustedRoot) ? { file: flags.trustedRoot } : 'public-good',
    ...predicateTypeFrom(flags.predicateType, require),
    quarantined: [],
    private: false,
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

/** A type is a URI, and it narrows `signature` alone: the others have their own. */
function predicateTypeFrom(type: string | undefined, require: Expectation['require']): { predicateType?: string } {
  if (!given(type)) return {}
  if (!/^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(type))
    throw unclear('--predicate-type is not a URI', 'for instance https://spdx.dev/Document', type)
  if (isVerdictType(type))
    throw unclear('--predicate-type names a kind of verdict', 'a statement about what was signed', type)
  if (!require.includes('signature'))
    throw unclear('--predicate-type says what a signature is', '--require signature beside it', require.join(', '))
  return { predicateType: type }
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
  if (!given(issuer) || issuer === GITHUB_ISSUER) return parsed('github', flags)
  const server = serverOf(issuer)
  return parsed('github', new Map([...flags, ['issuer', issuer], ...(server === undefined ? [] : [server])]))
}

/**
 * The server whose Actions have this issuer: `https://HOST/_services/token` of an own GitHub Enterprise Server, and
 * `https://token.actions.NAME.ghe.com` of an enterprise with data residency. Others vouch for repositories of github.com.
 * docs.github.com, "OpenID Connect reference", § Customizing the issuer value.
 */
function serverOf(issuer: string): readonly ['server', string] | undefined {
  const [, own] = /^(https:\/\/[a-z0-9.-]+(?::[0-9]+)?)\/_services\/token$/.exec(issuer) ?? []
  const [, name] = /^https:\/\/token\.actions\.([a-z0-9-]+\.ghe\.com)$/.exec(issuer) ?? []
  if (own !== undefined) return ['server', own]
  return name === undefined ? undefined : ['server', `https://${name}`]
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
    if (known !== undefined && isSourceRequirement(known))
      throw needsPolicy(`by which policy and from which anchor ${known} must hold`, `--require ${known}`, SOURCE_RULE)
    if (known === 'deploy-verified')
      throw needsPolicy(`who deploys, and to which environment, for ${known}`, `--require ${known}`, DEPLOYER_RULE)
    if (known !== undefined) return known
    throw fail('policy/unsupported', `There is no requirement ${word}`, {
      expected: `one or more of: ${REQUIREMENTS.judged.join(', ')}`,
      found: word,
      remedy: 'Leave it out of --require, or use a version of Waybill that judges it. It is never ignored.',
    })
  })
  const [first = 'signature', ...more] = new Set(list)
  return [first, ...more]
}

const SOURCE_RULE = 'source: {policy, anchor, exceptions}'
const DEPLOYER_RULE = 'deployer: {github: {…, environment}}'

/** Some policy having passed from some anchor proves nothing, nor does somebody's word for some environment; no flag names them. */
function needsPolicy(what: string, found: string, rule = 'admit: […]'): Error {
  return fail('policy/expectation-unclear', `Flags do not say ${what}`, {
    expected: `a policy with a deploy rule that has ${rule}`,
    found,
    remedy: `Put the rule into a policy file and name it with --policy FILE, or leave ${found} out.`,
  })
}

function noExpectation(): Error {
  return fail('policy/no-expectation', 'Nothing says who is expected to have signed')
}

function unclear(sentence: string, expected: string, found?: string): Error {
  return fail('policy/expectation-unclear', sentence, { expected, ...(found === undefined ? {} : { found }) })
}
