import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { AttestInputs } from '../github/attest-inputs.ts'
import { defaultImage, type RunContext } from '../github/context.ts'
import { isUntrusted, type RunEvent, requireBuildEvent } from '../github/event.ts'
import { isForFilesAlone } from '../github/file-inputs.ts'
import type { AttestRequest, SourceRequest, TagTarget } from '../pipeline/attest-request.ts'
import { POLICY_PATH } from '../policy/law.ts'
import { isOutside, parsePolicySource, pinnedCommit } from '../policy/policy-source.ts'
import { formatReference, parseReference, type Repository, repositoryOf } from '../registry/reference.ts'
import { checkTagName } from '../registry/tags.ts'
import type { RunClaims } from '../statements/claims.ts'
import { buildOptions } from './build-options.ts'
import { RELEASE_BUILD, WAYBILL_VERSION } from './version.ts'

type BuildEvent = Exclude<RunEvent, { kind: 'refused' }>

/**
 * Turns inputs and event into one request: the event table of 1-product § 5, and nothing else, decides what may be
 * pushed, signed and tagged. Pure.
 * @throws `github/event-refused`, `entry/…`, `registry/reference-malformed`, `registry/tag-…`
 */
export function planAttest(inputs: AttestInputs, context: RunContext): AttestRequest {
  const { event } = context
  requireBuildEvent(event)
  const proposal = event.kind === 'pull_request' || event.kind === 'merge_group'
  if (proposal && inputs.sign === true) throw neverSigned(event)
  const repositories = repositoriesOf(inputs, context)
  const { imageless, push, unsigned } = decided(inputs, event, proposal)
  const name = inputs.name ?? nameOf(repositories[0])
  return {
    name,
    waybillVersion: WAYBILL_VERSION,
    release: RELEASE_BUILD,
    source: sourceOf(inputs, context, event),
    materials: {
      mode: inputs.materialsMode,
      ...(inputs.materials === undefined ? {} : { manifest: inputs.materials }),
    },
    build: { ...buildOf(inputs, repositories, push), ...buildOptions(inputs, context, name) },
    recordBuildArgs: inputs.recordBuildArgs,
    ...(event.kind === 'workflow_dispatch' ? { dispatchInputs: event.inputs } : {}),
    given: givenOf(inputs),
    ...(inputs.bake === undefined ? {} : { bake: inputs.bake }),
    repositories,
    tags: proposal ? [] : tagsOf(inputs.tags, repositories),
    allowRollback: inputs.allowRollback,
    ...filesOf(inputs),
    imageless,
    run: { id: context.runId, repositoryId: context.repositoryId },
    push,
    ...(inputs.reproducible === 'check' ? { reproducible: true } : {}),
    sign: unsigned === undefined,
    ...sinksOf(inputs),
    ...(inputs.key === undefined || imageless || unsigned !== undefined ? {} : { keyed: runnerOf(context) }),
    ...(unsigned === undefined ? {} : { unsignedBecause: unsigned }),
    ...(proposal && !imageless ? draftOf(context) : {}),
    serverUrl: context.serverUrl,
    repository: context.repository,
    onDefaultBranch: context.defaultBranch !== undefined && context.ref === `refs/heads/${context.defaultBranch}`,
  }
}

/** What the event allows, and what the inputs ask for within it. */
function decided(inputs: AttestInputs, event: BuildEvent, proposal: boolean) {
  const imageless = isForFilesAlone(inputs)
  const push = !imageless && mayPush(event) && (inputs.push ?? !proposal)
  const unsigned = unsignedBecause(event, inputs, push || imageless)
  if (unsigned === undefined) checkIsolation(inputs)
  return { imageless, push, unsigned }
}

function givenOf({ layout, digest, command }: AttestInputs): AttestRequest['given'] {
  return {
    ...(layout === undefined ? {} : { layout }),
    ...(digest === undefined ? {} : { digest }),
    ...(command === undefined ? {} : { command: true }),
  }
}

function sinksOf({
  legacySignatures,
  githubAttestations,
  sbom,
}: AttestInputs): Pick<AttestRequest, 'legacySignatures' | 'githubAttestations' | 'sbom'> {
  return {
    ...(legacySignatures ? { legacySignatures } : {}),
    ...(githubAttestations ? { githubAttestations } : {}),
    ...(sbom === undefined ? {} : { sbom: { kind: sbom === 'auto' ? 'auto' : 'file' } }),
  }
}

function filesOf({ files, filesRepository, key }: AttestInputs): Pick<AttestRequest, 'files'> {
  if (files.length === 0) return {}
  const repository = filesRepository === undefined ? undefined : repositoryIn(filesRepository, 'files-repository')
  return {
    files: {
      patterns: files,
      keyed: key !== undefined,
      ...(repository === undefined ? {} : { repository }),
    },
  }
}

/** The law is read from one place of every commit; another path could be a file that nobody's approval covers. */
export function checkPolicyPath({ policy }: { readonly policy?: string }): void {
  if (policy === undefined || policy === POLICY_PATH) return
  throw fail('entry/input-unsupported', 'Commits are judged by the policy of the repository itself, from one place', {
    expected: POLICY_PATH,
    found: policy,
    remedy: `Remove the input policy, or move the file to ${POLICY_PATH}.`,
  })
}

/**
 * A policy from outside judges alone. One of this very repository by a branch or tag would be no law but whatever was
 * pushed there last: its history has to be judged, and that is what happens without the input.
 */
function policyOf({ policy }: AttestInputs, { repository }: RunContext): Pick<SourceRequest, 'policy'> {
  if (policy === undefined) return {}
  const source = parsePolicySource(policy)
  if (!isOutside(source)) {
    checkPolicyPath({ policy: source.path })
    return {}
  }
  if (source.repository.toLowerCase() === repository.toLowerCase() && pinnedCommit(source) === undefined)
    throw fail(
      'entry/input-contradiction',
      'The policy is one of this repository, but it is named as one from outside',
      {
        expected: 'another repository, a whole commit id, or no input policy',
        found: policy,
        remedy: `Leave out policy: ${POLICY_PATH} is read as the history accepted it.`,
      },
    )
  return { policy: source }
}

/** A pull request of this repository may push by digest when asked to; a fork's run and a merge group never. */
function mayPush(event: BuildEvent): boolean {
  return event.kind !== 'merge_group' && !isUntrusted(event)
}

function unsignedBecause(event: BuildEvent, inputs: AttestInputs, push: boolean): string | undefined {
  if (event.kind === 'pull_request' && isUntrusted(event))
    return 'Unsigned draft: this run is for a pull request from outside. Checks ran and the image was built; nothing was pushed, nothing is signed.'
  if (event.kind === 'pull_request') return 'Nothing is signed: pull requests are checked and built, never signed.'
  if (event.kind === 'merge_group') return 'Nothing is signed: merge groups are checked and built, never signed.'
  if (inputs.sign === false) return 'Nothing is signed, because `sign` is false.'
  if (!push) return 'Nothing is signed, because nothing is pushed.'
  return undefined
}

function draftOf(context: RunContext): Pick<AttestRequest, 'draftClaims'> {
  const { runner } = runnerOf(context)
  return runner === undefined ? {} : { draftClaims: runner }
}

/** Nothing without a workflow reference: an old server's run has no name to state. */
export function runnerOf(context: RunContext): { readonly runner?: RunClaims } {
  const { workflowRef } = context
  if (workflowRef === undefined) return {}
  const runner: RunClaims = {
    repository: context.repository,
    repository_id: context.repositoryId,
    repository_owner_id: context.ownerId,
    ref: context.ref,
    sha: context.sha,
    job_workflow_ref: workflowRef,
    workflow_ref: workflowRef,
    event_name: context.eventName,
    runner_environment: context.runnerEnvironment ?? 'unknown',
    run_id: context.runId,
    run_attempt: context.runAttempt,
  }
  return { runner }
}

/** 13-adversary 16: code of the same user reads the environment of its parent, and with it the right to ask for tokens. */
function checkIsolation({ builder, commandIsolation, key }: AttestInputs): void {
  if (builder !== 'command' || key !== undefined || commandIsolation === 'none') return
  throw fail('build/command-isolation', 'A command would run where the run signs with its identity', {
    expected: 'a job without id-token: write, a key, sign: false, or command-isolation: none',
    found: 'builder: command, signed by the identity of the run',
  })
}

function neverSigned(event: BuildEvent): Error {
  return fail('entry/input-contradiction', `sign: true, but ${event.kind} runs never sign`, {
    expected: 'sign: auto',
    found: 'sign: true',
    remedy: 'Set sign: auto (the default): the run signs where the event may.',
  })
}

function sourceOf(inputs: AttestInputs, context: RunContext, event: BuildEvent): SourceRequest {
  const common = {
    head: inputs.commit ?? event.head,
    mode: inputs.sourceMode,
    ...(inputs.since === undefined ? {} : { anchor: inputs.since }),
    ...policyOf(inputs, context),
  }
  if (event.kind === 'pull_request')
    return { ...common, purpose: 'propose', ref: event.headRef, base: { ref: event.baseRef } }
  if (event.kind === 'merge_group')
    return { ...common, purpose: 'propose', ref: event.ref, base: { ref: event.baseRef, tip: event.base } }
  return { ...common, purpose: 'sign', ref: context.ref }
}

function buildOf(inputs: AttestInputs, repositories: readonly Repository[], push: boolean): AttestRequest['build'] {
  const { context, file, target, platforms, buildArgs, labels, annotations, network, sbom } = inputs
  return {
    context,
    ...(file === undefined ? {} : { file }),
    ...(target === undefined ? {} : { target }),
    platforms,
    buildArgs,
    labels,
    annotations,
    network,
    images: repositories.map(formatReference),
    push,
    ...(sbom === 'auto' ? { sbom: true } : {}),
  }
}

function repositoriesOf(inputs: AttestInputs, context: RunContext): readonly [Repository, ...Repository[]] {
  const [first = defaultImage(context), ...more] = inputs.images
  return [repositoryIn(first), ...more.map(text => repositoryIn(text))]
}

function repositoryIn(text: string, input = 'images'): Repository {
  const reference = parseReference(text)
  if (reference.tag === undefined && reference.digest === undefined) return repositoryOf(reference)
  throw fail('entry/input-malformed', `${input} takes repositories, but ${printable(text, 200)} names more`, {
    expected: formatReference(repositoryOf(reference)),
    found: text,
    remedy:
      input === 'images'
        ? 'Move the tag to the input tags; a digest comes out of the build.'
        : 'Leave out tag and digest: each file has a tag of its own.',
  })
}

/** `v1` goes to every repository, `host/repository:v1` to that one, which must be among the images. */
function tagsOf(tags: readonly string[], repositories: readonly [Repository, ...Repository[]]): readonly TagTarget[] {
  return tags.flatMap(text => {
    if (!/[/:]/.test(text)) return repositories.map(repository => ({ repository, tag: checkTagName(text) }))
    const reference = parseReference(text)
    const repository = repositories.find(item => formatReference(item) === reference.canonical)
    if (repository === undefined || reference.tag === undefined || reference.digest !== undefined)
      throw fail('entry/input-malformed', `The tag ${printable(text, 200)} is not one of an image of this step`, {
        expected: `a tag, or one of ${repositories.map(formatReference).join(', ')} with a tag`,
        found: text,
      })
    return [{ repository, tag: checkTagName(reference.tag) }]
  })
}

/** The repository's path as the name of a folder and an artifact; `waybill-state-…` are those of states. */
function nameOf({ repository }: Repository): string {
  const name = repository.replaceAll(/[^A-Za-z0-9._-]/g, '-')
  return (name.startsWith('state-') ? `image-${name}` : name).slice(0, 100)
}
