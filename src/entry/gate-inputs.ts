import { join } from 'node:path'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { GithubApi } from '../github/api.ts'
import type { RunContext } from '../github/context.ts'
import type { VerifySubjects } from '../github/verify-inputs.ts'
import type { Environment } from '../io/environment.ts'
import { isFolder } from '../io/files.ts'
import type { HttpClient } from '../io/http.ts'
import { lawOf } from '../pipeline/source-law.ts'
import { POLICY_PATH, parseLaw } from '../policy/law.ts'
import { matchesRef } from '../policy/match.ts'
import { openHistory } from '../source/git.ts'
import { fileSubjects } from '../subjects/files.ts'
import { checkPolicyPath } from './attest-plan.ts'
import type { GateOptions } from './gate.ts'
import { composeImages, joinNamed, manifestImages, type NamedImages } from './gate-manifests.ts'
import { inWorkspace, requireGit } from './workspace.ts'

export type GatePolicy = NonNullable<GateOptions['policy']>

/** What the inputs `manifests` and `compose` name. */
export async function namedImages(
  { manifests, compose }: Pick<VerifySubjects, 'manifests' | 'compose'>,
  folder: string,
): Promise<NamedImages> {
  const stdin = (): Promise<Uint8Array> => Promise.resolve(new Uint8Array())
  const parts = manifests.length === 0 ? [] : [await manifestImages(manifests, { folder, stdin })]
  // Each compose file is an application of its own; what is laid over it, it names itself.
  for (const file of compose) parts.push(await composeImages([file], folder))
  return joinNamed(parts)
}

/** Without a token the platform is not asked: it would soon refuse, and what is rejected would then be unknown. */
export function storeOf(
  { githubToken: token }: { readonly githubToken?: string },
  { apiUrl, graphqlUrl }: RunContext,
  http: HttpClient,
) {
  return token === undefined ? {} : { store: new GithubApi({ http, apiUrl, graphqlUrl, token }) }
}

/** Layouts are folders and named as they are; bundles are files and may be patterns. */
export async function bundlePaths(patterns: readonly string[], context: RunContext): Promise<readonly string[]> {
  const folders: string[] = []
  const files: string[] = []
  for (const pattern of patterns) {
    const path = inWorkspace(context, pattern)
    if (await isFolder(path)) folders.push(path)
    else files.push(...(await fileSubjects([pattern], { cwd: context.workspace })).map(file => file.path))
  }
  return [...folders, ...files]
}

/**
 * The policy of the commit this run is for, read from git and not from the workspace, which earlier steps may have
 * changed; it counts only on a ref that the policy itself names in `gate-refs` (12-policy § 1).
 */
export async function committedPolicy(
  env: Environment,
  inputs: { readonly policy?: string; readonly githubToken?: string },
  context: RunContext,
): Promise<GatePolicy> {
  checkPolicyPath(inputs)
  const history = await openHistory({
    git: requireGit(env),
    folder: join(context.temporary, 'waybill', 'policy'),
    url: `${context.serverUrl}/${context.repository}`,
    env,
    head: context.sha,
    deadline: new Date(Date.now() + LIMITS.sourceStageMs),
    ...(inputs.githubToken === undefined ? {} : { token: inputs.githubToken }),
  })
  try {
    const law = parseLaw(await lawOf(history, context.sha))
    checkGateRef(law.policy.gateRefs, context)
    const uri = `git+${context.serverUrl}/${context.repository}#${POLICY_PATH}`
    return { law, receipt: { uri, ref: context.sha, digest: law.policyDigest } }
  } finally {
    await history.close()
  }
}

function checkGateRef(refs: Parameters<typeof matchesRef>[0] | undefined, context: RunContext): void {
  const { ref, defaultBranch } = context
  const allowed = refs === undefined ? ref === `refs/heads/${defaultBranch}` : matchesRef(refs, ref)
  if (allowed) return
  throw fail('policy/gate-ref', `The policy at ${ref} may not judge deployments`, {
    expected:
      refs === undefined ? `the default branch, refs/heads/${defaultBranch}` : refs.map(({ text }) => text).join(', '),
    found: ref,
  })
}
