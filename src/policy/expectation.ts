import type { CommitId, Digest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { signerText } from './changes.ts'
import type { ExpectedSigner } from './expected.ts'
import type {
  AllowRule,
  Deployer,
  DeployRule,
  DeploySource,
  GateStage,
  Policy,
  Quarantined,
  Requirement,
  Revocation,
  TrustName,
} from './policy.ts'
import { sharedName } from './policy-name.ts'
import { filePath, type GateTarget, matchesTarget, targetText } from './subject.ts'

/** What has to be proved about one image or file, and by whose signature. Made from a deploy rule or from flags, never by default. */
export interface Expectation {
  readonly build: ExpectedSigner
  /** Everything that must hold at the stage: `require`, and `admit` where it runs. */
  readonly require: readonly [Requirement, ...Requirement[]]
  readonly stage: GateStage
  /** Builders whose provenance counts; absent with flags: any but `recorded/v1`. */
  readonly builders?: readonly string[]
  /**
   * What the provenance must say about the verification of commits and materials (13-adversary 41): `enforce`, and no bad verdict;
   * `audit` (`allow-audit`), no bad verdict; `any`, with flags.
   */
  readonly sourceMode: 'enforce' | 'audit' | 'any'
  /** The one root to verify against. */
  readonly trust: TrustName
  /** With flags: `signature` is a statement with this predicate type. */
  readonly predicateType?: string
  /**
   * The built commit, where the caller knows it: a run reads back its own statements. Absent for every gate, which takes
   * the run's own commit from the certificate (13-adversary 28).
   */
  readonly commit?: CommitId
  /** Of the stage. */
  readonly maxAgeSeconds?: number
  /** Of a rule that requires something of the source; never by flags. */
  readonly source?: DeploySource
  /** Of a rule that requires `deploy-verified`; never by flags. */
  readonly deployer?: Deployer
  /** Whose quarantine records count; absent: nobody's. */
  readonly quarantineBy?: ExpectedSigner
  /** Digests that are refused whatever speaks for them. */
  readonly quarantined: readonly Quarantined[]
  /** The policy that judges, as quarantine records and deploy summaries name it. Absent: flags, or the caller did not say. */
  readonly policy?: { readonly uri: string; readonly digest?: Digest }
  /** `ghcr.io/acme/app`, `file:dist/app.tgz`: what a deploy summary must be about. Absent with flags. */
  readonly resource?: string
  /** The registry may have a private address (13-adversary 39). */
  readonly private: boolean
  readonly revoked: readonly Revocation[]
  /** In words, for the verdict and the summary. */
  readonly description: string
}

/** What the caller of a rule knows besides the rule. */
export interface ExpectationOptions {
  /** Default: `deploy`. */
  readonly stage?: GateStage
  /** How results name the policy, `git+https://…#…`, and its SHA-256. */
  readonly policy?: { readonly uri: string; readonly digest?: Digest }
  /** Revocations of the source policy, where it can be reached (13-adversary 12); they only add. */
  readonly revoked?: readonly Revocation[]
}

/**
 * The first deploy rule that matches decides.
 * @param target canonical `host/repository`, without tag and digest (13-adversary 34); or a file by its path, relative to the folder
 * in which the gate was started and with `/`, which rules name as `file:…`.
 * @throws `policy/no-rule` when none matches, or a path leads out of that folder; `policy/denied`
 */
export function expectationFor(
  policy: Policy,
  target: string | { readonly file: string },
  options: ExpectationOptions = {},
): Expectation {
  const found = typeof target === 'string' ? { kind: 'image' as const, reference: target } : fileTarget(target.file)
  return expectationOf(ruleFor(policy, found), targetText(found), policy, options)
}

/**
 * What a rule asks of one image or file.
 * @param resource as deploy summaries name it.
 * @param policy whose revocations and quarantine count.
 */
export function expectationOf(
  rule: AllowRule,
  resource: string,
  policy: Pick<Policy, 'quarantined' | 'revoked'>,
  options: ExpectationOptions = {},
): Expectation {
  const { stage = 'deploy', revoked = [] } = options
  const { build, builders, trust, source, deployer, quarantineBy } = rule
  const require = itemsAt(stage, rule)
  const age = stage === 'run' ? rule.maxAgeAtRunSeconds : rule.maxAgeSeconds
  const deployed = require.includes('deploy-verified') && deployer !== undefined
  if (deployed) requirePolicyName(deployer, options.policy)
  return {
    build,
    require,
    stage,
    builders,
    sourceMode: rule.allowAudit ? 'audit' : 'enforce',
    trust,
    ...(age === undefined ? {} : { maxAgeSeconds: age }),
    ...(source === undefined ? {} : { source }),
    ...(deployer === undefined ? {} : { deployer }),
    ...(quarantineBy === undefined ? {} : { quarantineBy }),
    quarantined: policy.quarantined,
    ...(options.policy === undefined ? {} : { policy: options.policy }),
    resource,
    private: rule.private,
    revoked: [...policy.revoked, ...revoked],
    description: `${require.join(', ')} by ${signerText(build)}${deployed ? `, deployed by ${signerText(deployer.signer)}` : ''} (rule ${matchText(rule)})`,
  }
}

/** What a deploy was judged by has to be comparable with something, else any policy would do (13-adversary 27). */
function requirePolicyName({ policy }: Deployer, own: ExpectationOptions['policy']): void {
  if (policy !== undefined || sharedName(own?.uri) !== undefined || own?.digest !== undefined) return
  throw fail('policy/expectation-unclear', 'Nothing says by which policy a deploy must have been judged', {
    expected: 'deployer: {policy: "git+https://…#…"} in the rule, or a policy whose own place or digest is known',
    found: own?.uri ?? 'a policy without a name',
  })
}

/** Every signer a rule names, so that a caller can load the public keys among them. */
export function ruleSigners(rule: DeployRule): readonly ExpectedSigner[] {
  if (rule.kind === 'deny') return []
  const { build, source, deployer, quarantineBy } = rule
  return [build, source?.signer, deployer?.signer, quarantineBy].filter(signer => signer !== undefined)
}

/** What `require` says holds everywhere, what `admit` says only where it runs. */
function itemsAt(stage: GateStage, { require, admit }: AllowRule): Expectation['require'] {
  return stage === 'run' ? [...require, ...admit] : require
}

function ruleFor(policy: Policy, target: GateTarget): AllowRule {
  const rule = policy.deploy.find(item => item.match.some(pattern => matchesTarget(pattern, target)))
  const name = targetText(target)
  if (rule === undefined)
    throw fail('policy/no-rule', `No deploy rule of the policy matches ${name}`, {
      expected: policy.deploy.length === 0 ? 'a deploy block' : policy.deploy.map(matchText).join('; '),
      found: name,
      remedy: `Add a rule to deploy with match: ["${name}"] and the signer to expect; without a match everything is denied.`,
    })
  if (rule.kind === 'deny')
    throw fail('policy/denied', `The policy denies ${name}: the first rule that matches is ${matchText(rule)}`, {
      expected: 'a rule that allows it, above',
      found: `deny: true for ${matchText(rule)}`,
    })
  return rule
}

function fileTarget(file: string): GateTarget {
  const path = filePath(file)
  if (path !== undefined) return { kind: 'file', path }
  throw fail('policy/no-rule', `No deploy rule can match ${file}, which does not lie below the folder of the gate`, {
    expected: 'a path relative to the folder in which the gate is started, with / between its parts and without ..',
    found: file,
    remedy: 'Start the gate in a folder above the file, and name the file from there.',
  })
}

function matchText({ match }: DeployRule): string {
  return match.map(({ text }) => text).join(', ')
}
