import type { ExpectedGithub, ExpectedSigner, ExpectedSigstore, ExpectedWorkflow } from '../policy/expected.ts'
import type { AdmissionCondition, AdmissionPath } from './link.ts'
import { notExpressible } from './refused.ts'

/** Everything that pull requests start has such an event, and no rule means it (13-adversary 28). */
const PULL_EVENTS = 'pull_request**'
const PULL_REFS = ['refs/pull', 'refs/pull/**'] as const

/**
 * What the signed content must say about the run, since engines read of a certificate its identity and issuer alone. The names
 * are the same in provenance and in deploy summaries; where they stand differs.
 */
export interface RunPaths {
  readonly repositoryId: AdmissionPath
  readonly event: AdmissionPath
  readonly runner: AdmissionPath
  readonly ref: AdmissionPath
}

/** Repository by id, ref, event and runner, as far as the rule names them. */
export function runConditions(signer: ExpectedGithub, paths: RunPaths): readonly AdmissionCondition[] {
  const { repositoryId, trigger, runner } = signer
  return [
    ...(repositoryId === 'any' ? [] : [equal(paths.repositoryId, repositoryId)]),
    ...refConditions(signer, paths.ref),
    ...triggerConditions(trigger, paths.event),
    ...(runner === undefined ? [] : [equal(paths.runner, runner)]),
  ]
}

function refConditions({ sourceRef }: ExpectedGithub, path: AdmissionPath): readonly AdmissionCondition[] {
  if (sourceRef === 'any')
    return [
      { path, is: 'matching', patterns: ['refs/**'] },
      { path, is: 'not-matching', patterns: PULL_REFS },
    ]
  const [first, ...more] = sourceRef
  return [{ path, is: 'matching', patterns: [first.text, ...more.map(({ text }) => text)] }]
}

function triggerConditions(trigger: ExpectedGithub['trigger'], path: AdmissionPath): readonly AdmissionCondition[] {
  const [first, ...more] = trigger ?? []
  if (first === undefined) return [{ path, is: 'not-matching', patterns: [PULL_EVENTS] }]
  return [{ path, is: 'one-of', values: [first, ...more] }]
}

/**
 * Of a signer that a rule knows by its identity alone. A gate reads in the certificate that it was no run for a pull request, some of
 * which have the branch's own identity; here the statement must not call itself one.
 */
export function noPullRequest(path: AdmissionPath): AdmissionCondition {
  return { is: 'any-of', of: [[{ path, is: 'absent' }], [{ path, is: 'not-matching', patterns: [PULL_EVENTS] }]] }
}

/** The workflow whose run it is: the caller of a shared one, else the signer itself. Undefined: whoever calls. */
export function startedWorkflow({ caller, signer }: ExpectedGithub): ExpectedWorkflow | undefined {
  return caller === 'any' ? undefined : (caller ?? signer)
}

/** How a verifier calls itself in a deploy summary, which must be the name of whoever signed (`deployVerifierId`). */
export function verifierConditions(signer: ExpectedSigner, path: AdmissionPath): readonly AdmissionCondition[] {
  if (signer.kind === 'key') {
    if (signer.fingerprint === undefined) throw new TypeError('verifierConditions() of a policy without its files')
    return [equal(path, `sha256:${signer.fingerprint}`)]
  }
  if (signer.kind === 'github')
    return [{ path, is: 'matching', patterns: [identityPattern(signer.signer, signer.server)] }]
  const { identity } = signer
  if ('prefix' in identity)
    return [
      { path, is: 'matching', patterns: [`${identity.prefix}**`] },
      { path, is: 'not-matching', patterns: [`**@${PULL_REFS[0]}`, `**@${PULL_REFS[1]}`] },
    ]
  return [equal(path, isAddress(signer) ? `mailto:${identity.exact}` : identity.exact)]
}

/** The identity of a workflow at its refs as a pattern: so are SAN, builder and verifier called. */
export function identityPattern({ path, at }: ExpectedWorkflow, server: string): string {
  const prefix = `${server}/${path}@`
  if ('any' in at) throw new TypeError('identityPattern() of a workflow that no policy can name')
  return prefix + ('ref' in at ? at.ref.text : at.commit)
}

/**
 * A workflow that is no shared one has its ref in the SAN; at which commit it was is written in the certificate alone.
 * @throws `policy/not-expressible`
 */
export function refuseCommits({ signer, caller }: ExpectedGithub): void {
  const pinned = caller === undefined ? signer : caller === 'any' ? undefined : caller
  if (pinned === undefined || !('commit' in pinned.at)) return
  throw notExpressible(
    'No engine reads at which commit the workflow of a run was',
    'the workflow at a ref, or a shared workflow that is called by its commit',
    pinned.text,
    `Name the workflow at a ref: "${pinned.text.replace(/@.*$/, '')}@refs/heads/main".`,
  )
}

/** Certificates for a person's address have it as it is; a verifier is a URI (`deployVerifierId`). */
function isAddress({ identity }: ExpectedSigstore): boolean {
  return 'exact' in identity && !/^[a-z][a-z0-9+.-]*:\/\//i.test(identity.exact)
}

export function equal(path: AdmissionPath, value: string): AdmissionCondition {
  return { path, is: 'equal', value }
}
