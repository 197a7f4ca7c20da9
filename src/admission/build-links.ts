import type { ExpectedGithub } from '../policy/expected.ts'
import { type AllowRule, DEFAULT_BUILDERS, type Requirement } from '../policy/policy.ts'
import { isClaimRequirement } from '../policy/requirements.ts'
import { PROVENANCE_PREDICATE } from '../statements/statement.ts'
import { RECORDED_BUILD_TYPE } from '../statements/uris.ts'
import type { AdmissionAll, AdmissionCondition, AdmissionLink } from './link.ts'
import { notExpressible } from './refused.ts'
import {
  equal,
  identityPattern,
  noPullRequest,
  refuseCommits,
  runConditions,
  startedWorkflow,
} from './signer-conditions.ts'

const DEFINITION = 'buildDefinition'
const WORKFLOW = [DEFINITION, 'externalParameters', 'workflow'] as const
const GITHUB = [DEFINITION, 'internalParameters', 'github'] as const
const WAYBILL = [DEFINITION, 'internalParameters', 'waybill'] as const
const SELF_HOSTED = '#self-hosted'
const BUILDER_ID = ['runDetails', 'builder', 'id'] as const

/**
 * `provenance`: by the build's signer, whose run is told by the provenance itself, from a builder that counts, after verified
 * commits. What the other items of the rule say about provenance stands here too.
 * @param items everything the rule asks for where images run.
 * @throws `policy/not-expressible`
 */
export function provenanceLink(rule: AllowRule, items: readonly Requirement[]): AdmissionLink {
  const { build } = rule
  return {
    item: 'provenance',
    signer: build,
    predicateTypes: [PROVENANCE_PREDICATE],
    conditions: [
      ...(build.kind === 'github' ? githubConditions(build) : []),
      ...(build.kind === 'sigstore' ? [noPullRequest([...GITHUB, 'event_name'])] : []),
      ...builderConditions(rule, items),
      ...stageConditions(rule, items),
      ...(items.includes('closed-world') ? closedConditions() : []),
    ],
  }
}

function githubConditions(build: ExpectedGithub): readonly AdmissionCondition[] {
  refuseCommits(build)
  refuseEnvironment(build)
  const { server, repository } = build
  return [
    equal([...WORKFLOW, 'repository'], `${server}/${repository}`),
    ...workflowConditions(build),
    ...runConditions(build, {
      repositoryId: [...GITHUB, 'repository_id'],
      event: [...GITHUB, 'event_name'],
      runner: [...GITHUB, 'runner_environment'],
      ref: [...WORKFLOW, 'ref'],
    }),
    ...builderIdentity(build),
  ]
}

/** File and ref of the workflow that the event started. */
function workflowConditions(build: ExpectedGithub): readonly AdmissionCondition[] {
  const started = startedWorkflow(build)
  if (started === undefined) return []
  const prefix = `${build.repository}/`
  if (!started.path.startsWith(prefix))
    throw notExpressible(
      'The rule names a workflow of another repository, and a run belongs to the repository of its workflow',
      `a workflow of ${build.repository}, or caller`,
      started.text,
      `Name the workflow that calls it: caller: "${prefix}.github/workflows/release.yml@refs/heads/main".`,
    )
  return [
    equal([...WORKFLOW, 'path'], started.path.slice(prefix.length)),
    ...('ref' in started.at
      ? [{ path: [...WORKFLOW, 'ref'], is: 'matching', patterns: [started.at.ref.text] } as const]
      : []),
  ]
}

/**
 * The builder is called as the certificate's identity. Where a build ran on a runner that is not GitHub's, a mark stands behind it,
 * and the runners are listed (13-adversary 40).
 */
function builderIdentity(build: ExpectedGithub): readonly AdmissionCondition[] {
  const pattern = identityPattern(build.signer, build.server)
  if (build.runner !== 'github-hosted')
    return [{ path: BUILDER_ID, is: 'matching', patterns: [pattern, `${pattern}${SELF_HOSTED}`] }]
  return [
    { path: BUILDER_ID, is: 'matching', patterns: [pattern] },
    { path: BUILDER_ID, is: 'not-matching', patterns: [`**${SELF_HOSTED}`] },
    { path: [...WAYBILL, 'buildRunners'], is: 'absent' },
  ]
}

/** What a build's statements do not say cannot be read there. */
function refuseEnvironment({ environment }: ExpectedGithub): void {
  if (environment === undefined) return
  throw notExpressible(
    'No engine reads the environment of a build, which stands in its certificate alone',
    'build without environment',
    environment,
    'Take environment out of build, or require deploy-verified with a deployer of that environment.',
  )
}

/** 13-adversary 15: a digest that was only recorded came from nowhere, unless the rule names who recorded it. */
function builderConditions({ builders }: AllowRule, items: readonly Requirement[]): AdmissionAll {
  const drives = (name: string) => DEFAULT_BUILDERS.some(driven => driven === name)
  // 13-adversary 18: buildah cannot close the world. Who only recorded a digest knows nothing of its materials.
  const driven = builders.filter(name => drives(name) && !(items.includes('closed-world') && name === 'buildah'))
  const recorded = items.some(isClaimRequirement) ? [] : builders.filter(name => !drives(name))
  const built: AdmissionAll = [
    ...builderNamed(driven),
    { path: [DEFINITION, 'buildType'], is: 'not-matching', patterns: [RECORDED_BUILD_TYPE] },
  ]
  if (recorded.length === 0) return built
  return driven.length === 0 ? builderNamed(recorded) : [{ is: 'any-of', of: [built, builderNamed(recorded)] }]
}

/** The parser refuses rules that leave none. */
function builderNamed([first, ...more]: readonly string[]): AdmissionAll {
  if (first === undefined) throw new TypeError('builderNamed() of no builder')
  return [{ path: [...WAYBILL, 'builder'], is: 'one-of', values: [first, ...more] }]
}

/** 13-adversary 41: an audit looks green to others, so mode and verdict are compared. */
function stageConditions({ allowAudit }: AllowRule, items: readonly Requirement[]): AdmissionAll {
  const insisted = items.some(item => item !== 'reproducible' && isClaimRequirement(item))
  return [
    ...(allowAudit ? [goodVerdict('source')] : enforced('source')),
    ...(insisted ? enforced('materials') : allowAudit ? [goodVerdict('materials')] : [notAskedOrEnforced('materials')]),
  ]
}

type Stage = 'source' | 'materials'

function enforced(stage: Stage): AdmissionAll {
  return [equal([...WAYBILL, stage, 'mode'], 'enforce'), equal([...WAYBILL, stage, 'verdict'], 'passed')]
}

function goodVerdict(stage: Stage): AdmissionCondition {
  return { path: [...WAYBILL, stage, 'verdict'], is: 'one-of', values: ['passed', 'not-asked'] }
}

function notAskedOrEnforced(stage: Stage): AdmissionCondition {
  return { is: 'any-of', of: [enforced(stage), [equal([...WAYBILL, stage, 'verdict'], 'not-asked')]] }
}

/** What the provenance itself records must not contradict the claim that the build was closed off (13-adversary 19). */
function closedConditions(): readonly AdmissionCondition[] {
  const network = [...WAYBILL, 'inputs', 'network'] as const
  const cache = [...WAYBILL, 'inputs', 'cacheFrom'] as const
  return [
    { is: 'any-of', of: [[{ path: network, is: 'absent' }], [equal(network, 'none')]] },
    { is: 'any-of', of: [[{ path: cache, is: 'absent' }], [{ path: cache, is: 'equal', value: [] }]] },
  ]
}
