import { CATALOGUE } from '../core/catalogue.ts'
import { isCommitId } from '../core/digest.ts'
import { type ErrorCode, WaybillError } from '../core/error.ts'
import type { CertificateSigner, ObservedSigner } from '../core/signer.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import { type ProvenanceClaims, readProvenance } from '../statements/read-provenance.ts'
import { SELF_HOSTED_SUFFIX } from '../statements/runners.ts'
import type { SignedStatement } from '../statements/statement.ts'
import { RECORDED_BUILD_TYPE } from '../statements/uris.ts'
import type { Expectation } from './expectation.ts'
import type { BuiltFrom } from './source-question.ts'

/**
 * Judges the content of a provenance whose signer already matched: it may only say about its run what the certificate
 * proves, it must name the run's own commit, and, for a rule of a policy, come from a builder and a source mode that count.
 */
export function judgeProvenance(
  signed: SignedStatement,
  expectation: Expectation,
  subject: string,
): readonly Finding[] {
  const about: About = (code, message, expected, found) => finding(subject, code, 'reject', message, expected, found)
  let claims: ProvenanceClaims
  try {
    claims = readProvenance(signed.statement.predicate)
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error
    return [about('verify/provenance-unusable', error.message, error.expected ?? 'SLSA provenance v1', error.found)]
  }
  return [
    ...judgeClaims(claims, signed.signer, about),
    ...judgeCommit(claims, signed.signer, expectation, about),
    ...judgeBuilder(claims, expectation, about),
    ...judgeStages(claims, expectation, about),
    ...judgeRunner(claims, signed.signer, expectation, about),
  ]
}

/** The commit and repository that a provenance, judged before, names as what was built; undefined when it names none. */
export function builtFrom({ predicate }: SignedStatement['statement']): BuiltFrom | undefined {
  const { resolvedDependencies } = readProvenance(predicate)
  const [first] = resolvedDependencies
  const commit = first?.digest.gitCommit
  const repository = first?.uri?.replace(/@.*$/, '')
  return isCommitId(commit) && repository !== undefined ? { commit, repository } : undefined
}

/** A note when nothing but the signer's word stands behind the claims. */
export function unbackedNote({ signer }: SignedStatement, subject: string): readonly Finding[] {
  if (hasRun(signer)) return []
  const message = 'What the provenance says about its run rests on the signer’s word alone'
  return [
    finding(subject, 'verify/claims-unbacked', 'note', message, 'a certificate with facts about the run', signer.kind),
  ]
}

type About = (code: ErrorCode, message: string, expected: string, found: string | undefined) => Finding

function finding(
  subject: string,
  code: ErrorCode,
  severity: Finding['severity'],
  message: string,
  expected: string,
  found: string | undefined,
): Finding {
  return {
    code,
    severity,
    subject: printable(subject),
    message: printable(message, 600),
    expected: printable(expected, 600),
    found: printable(found ?? 'nothing', 600),
    remedy: CATALOGUE[code].remedy,
  }
}

/** A certificate that says something about a run: one of .11 to .21. */
function hasRun(signer: ObservedSigner): signer is CertificateSigner {
  return (
    signer.kind === 'certificate' && (signer.ci.sourceRepositoryUri ?? signer.ci.sourceRepositoryDigest) !== undefined
  )
}

/** Each claim that is made must be the certificate's; one the certificate says nothing about cannot be proved by it. */
function judgeClaims(claims: ProvenanceClaims, signer: ObservedSigner, about: About): readonly Finding[] {
  if (!hasRun(signer)) return []
  return pairs(claims, signer).flatMap(([what, claimed, proved]) =>
    claimed === undefined || claimed === proved
      ? []
      : [
          about(
            'verify/claims-mismatch',
            `The provenance claims another ${what} than the certificate`,
            proved ?? 'nothing',
            claimed,
          ),
        ],
  )
}

type Pair = readonly [what: string, claimed: string | undefined, proved: string | undefined]

function pairs(claims: ProvenanceClaims, { ci, san }: CertificateSigner): readonly Pair[] {
  const { workflow, github, resolvedDependencies, invocationId } = claims
  const config = workflow === undefined ? undefined : `${workflow.repository}/${workflow.path}@${workflow.ref}`
  const source = resolvedDependencies[0]?.uri
  const named =
    source?.includes('@') === true
      ? `git+${ci.sourceRepositoryUri}@${ci.sourceRepositoryRef}`
      : `git+${ci.sourceRepositoryUri}`
  return [
    ['repository', workflow?.repository, ci.sourceRepositoryUri],
    ['ref', workflow?.ref, ci.sourceRepositoryRef],
    ['workflow', config, ci.buildConfigUri],
    ['repository id', github?.repository_id, ci.sourceRepositoryIdentifier],
    ['owner id', github?.repository_owner_id, ci.sourceRepositoryOwnerIdentifier],
    ['event', github?.event_name, ci.buildTrigger],
    ['runner', github?.runner_environment, ci.runnerEnvironment],
    ['source', source, named],
    // Builders other than GitHub's own put any name they like into builder.id.
    ['builder', workflow === undefined ? undefined : builderOf(claims.builderId, san.value), san.value],
    ['run', invocationId, ci.runInvocationUri ?? invocationId],
  ]
}

/**
 * 13-adversary 15, 28: the first dependency is the built commit, and it must be the run's own: by the certificate (.13), or the
 * one that the caller knows, of a key as well.
 */
function judgeCommit(
  claims: ProvenanceClaims,
  signer: ObservedSigner,
  { commit }: Expectation,
  about: About,
): readonly Finding[] {
  const own = commit ?? (hasRun(signer) ? signer.ci.sourceRepositoryDigest : undefined)
  if (own === undefined && !hasRun(signer)) return []
  const built = claims.resolvedDependencies[0]?.digest.gitCommit
  // A recorded build claims no commit; whether that is enough is judged by its builder, and told once.
  if (built === undefined && isRecorded(claims)) return []
  if (built !== undefined && built === own) return []
  const want = own ?? 'a commit in the certificate'
  return [
    about('verify/commit-not-of-run', 'The provenance names another commit than the run that signed it', want, built),
  ]
}

export function isRecorded({ buildType }: ProvenanceClaims): boolean {
  return buildType === RECORDED_BUILD_TYPE
}

/** 13-adversary 15: a digest that was only recorded came from nowhere, unless the rule names that builder. */
function judgeBuilder(claims: ProvenanceClaims, { builders }: Expectation, about: About): readonly Finding[] {
  const builder = claims.waybill?.builder
  if (builders === undefined) {
    if (!isRecorded(claims)) return []
    return [about('verify/builder-not-allowed', 'The image was recorded, not built', 'a build', claims.buildType)]
  }
  const drives = builder === 'buildx' || builder === 'buildah'
  // A recorded build cannot call itself buildx.
  if (builder !== undefined && builders.includes(builder) && !(drives && isRecorded(claims))) return []
  const found = builder ?? `no recorded builder (build type ${claims.buildType})`
  return [
    about(
      'verify/builder-not-allowed',
      'The provenance does not come from a builder that counts',
      builders.join(' or '),
      found,
    ),
  ]
}

/**
 * 13-adversary 41: an audit looks green to others, so mode and verdict stand in the provenance and are judged here. `allow-audit`
 * forgives the mode, never a verdict that says that something was found bad or could not be checked.
 */
function judgeStages({ waybill }: ProvenanceClaims, { sourceMode }: Expectation, about: About): readonly Finding[] {
  if (sourceMode === 'any') return []
  const { source, materials } = waybill ?? {}
  const enforced = source?.mode === 'enforce' && source.verdict === 'passed'
  const audited = source !== undefined && GOOD.includes(source.verdict)
  const sourceOk = sourceMode === 'enforce' ? enforced : audited
  return [
    ...(sourceOk
      ? []
      : [
          about(
            'verify/source-not-enforced',
            'The build did not insist on verified commits',
            sourceMode === 'enforce' ? 'mode enforce, verdict passed' : 'verdict passed or not-asked',
            stageText(source),
          ),
        ]),
    ...(materials === undefined || materialsOk(materials, sourceMode)
      ? []
      : [
          about(
            'verify/materials-not-enforced',
            'The build did not insist on verified materials',
            'mode enforce and verdict passed, or verdict not-asked',
            stageText(materials),
          ),
        ]),
  ]
}

const GOOD: readonly string[] = ['passed', 'not-asked']

interface RecordedStage {
  readonly mode: string
  readonly verdict: string
}

/** Materials that nobody asked about claim nothing; ones that passed without insisting look like more than they are. */
function materialsOk({ mode, verdict }: RecordedStage, sourceMode: Expectation['sourceMode']): boolean {
  if (!GOOD.includes(verdict)) return false
  return verdict === 'not-asked' || mode === 'enforce' || sourceMode === 'audit'
}

function stageText(stage: RecordedStage | undefined): string | undefined {
  return stage === undefined ? undefined : `mode ${stage.mode}, verdict ${stage.verdict}`
}

/**
 * `builder.id` is the certificate's identity, or that with the one mark behind it. Compared with the identity, never cut at a
 * `#`: the ref that ends an identity may hold one, so a branch `main#self-hosted` carries no mark and takes none away.
 */
function builderOf(builderId: string, identity: string): string {
  return builderId === `${identity}${SELF_HOSTED_SUFFIX}` ? identity : builderId
}

/**
 * 13-adversary 40: the certificate describes the job that signed (.11, judged with the signer); the provenance says where the
 * parts were built. One part on another machine is enough, and so is the mark or the list alone.
 */
function judgeRunner(
  { builderId, waybill }: ProvenanceClaims,
  signer: ObservedSigner,
  { build }: Expectation,
  about: About,
): readonly Finding[] {
  if (build.kind !== 'github' || build.runner !== 'github-hosted') return []
  const identity = signer.kind === 'certificate' ? signer.san.value : undefined
  const marked = builderId !== identity && builderId.endsWith(SELF_HOSTED_SUFFIX)
  const runners = waybill?.buildRunners
  if (!marked && runners === undefined) return []
  return [
    about(
      'verify/runner-mismatch',
      'A build that the run signed for was on a self-hosted runner',
      build.runner,
      runnersText(runners ?? {}),
    ),
  ]
}

function runnersText(runners: Readonly<Record<string, string>>): string {
  const text = Object.entries(runners).map(([platform, label]) => `${platform} on ${label}`)
  return text.length === 0 ? 'self-hosted' : text.join(', ')
}
