import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeLayout } from '../fakes/layout.ts'
import type { CommitOptions } from '../fakes/repository.ts'
import { type Inputs, REPOSITORY, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'

/** What the git server asks for, and nobody else may ever see. */
export const GITHUB_TOKEN = 'ghs_0123456789abcdefghijklmnopqrstuvwxyz'

export interface World {
  readonly scenario: Scenario
  /** An OCI layout for runs in which the build does not matter, and the digest of its image. */
  readonly layout: string
  readonly digest: string
  /** Inputs of every run: the token and the layout. */
  readonly inputs: Inputs
}

/** A scenario behind a git server that asks for a token, with a layout in the place of a build. */
export async function startWorld(): Promise<World> {
  const scenario = await startScenario({ githubToken: GITHUB_TOKEN })
  const layout = join(scenario.stack.folder, 'layout')
  const { digest } = writeLayout(layout)
  return { scenario, layout, digest, inputs: { 'github-token': GITHUB_TOKEN, builder: 'layout', layout } }
}

/** Writes a commit on a branch of its own, which begins at `from`. @returns its id. */
export function commitOn({ repository }: Scenario, branch: string, from: string, options: CommitOptions): string {
  repository.git('checkout', '--quiet', '--force', '-B', branch, from)
  return repository.commit(options)
}

/** Runs `attest` for a push of a commit to a branch. */
export function push({ scenario, inputs }: World, ref: string, sha: string, more: Inputs = {}): Promise<StepResult> {
  return scenario.attest({ ...inputs, ...more }, { claims: { ref, sha } })
}

/** Everything a run may have left behind in the world; equal before and after means that nothing happened. */
export function footprint({ stack }: Scenario): Readonly<Record<string, unknown>> {
  const store = stack.registry.storage.open(REPOSITORY)
  return {
    tags: Object.fromEntries(store.tags),
    manifests: [...store.manifests.keys()],
    blobs: [...store.blobs.keys()],
    certificates: stack.fulcio.requests().length,
    logEntries: stack.rekorV1.requests().length,
    timestamps: stack.timestamp.requests().length,
  }
}

/**
 * No secret stands where somebody could read it: log, summary, outputs, result, files of the run, requests.
 * The one place is `::add-mask::`, which the runner takes out before it shows the line.
 */
export function expectNoLeak(scenario: Scenario, step: StepResult): void {
  const { environment, folder } = step.run
  const secrets = [GITHUB_TOKEN, Buffer.from(`x-access-token:${GITHUB_TOKEN}`).toString('base64')]
  const bearer = environment.ACTIONS_ID_TOKEN_REQUEST_TOKEN
  if (bearer !== undefined) secrets.push(bearer)
  const shown = step.log.replaceAll(/^::add-mask::.*$/gm, '')
  const files = filesBelow(folder).map(path => readFileSync(path, 'latin1'))
  for (const text of [shown, step.summary, ...files])
    for (const secret of secrets) expect(text.includes(secret)).toBe(false)
  // A signed token in the log would let its reader sign as this run for some minutes.
  expect(shown).not.toMatch(/eyJ[A-Za-z0-9_-]{10,}\.eyJ/)
  expectTokenSentOnlyToGit(scenario)
}

/** 13-adversary 17 */
export function expectTokenSentOnlyToGit({ stack }: Scenario): void {
  const { fulcio, rekorV1, rekorV2, timestamp, github, oidc, git } = stack
  const secrets = [GITHUB_TOKEN, Buffer.from(`x-access-token:${GITHUB_TOKEN}`).toString('base64')]
  for (const service of [fulcio, rekorV1, rekorV2, timestamp, oidc])
    for (const { path, headers } of service.log)
      for (const secret of secrets) expect(`${path} ${JSON.stringify(headers)}`.includes(secret)).toBe(false)
  // The platform whose token it is may be asked with it, in the one header that is for it.
  for (const { path, headers } of github.log) {
    const { authorization = '', ...others } = headers
    for (const secret of secrets) expect(`${path} ${JSON.stringify(others)}`.includes(secret)).toBe(false)
    if (authorization !== '') expect(path === '/graphql' || path.startsWith(`/repos/${REPOSITORY}/`)).toBe(true)
  }
  for (const { path, headers } of git.log) {
    expect(path.includes(GITHUB_TOKEN)).toBe(false)
    if ([`/${REPOSITORY}/`, `/${REPOSITORY}.git/info/lfs/`].some(own => path.startsWith(own))) continue
    // Where the storage of Git LFS is says the answer, so nothing of the run's own goes there.
    expect(path).toMatch(/^\/(?:web-flow\.gpg$|lfs-storage\/)/)
    for (const secret of secrets) expect(JSON.stringify(headers).includes(secret)).toBe(false)
  }
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}

/** The statement in a bundle on disk. */
export function statementIn(bundle: string): Record<string, never> & StatementLike {
  const { dsseEnvelope } = JSON.parse(readFileSync(bundle, 'utf8')) as { dsseEnvelope: { payload: string } }
  return JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString('utf8'))
}

export interface StatementLike {
  readonly predicateType: string
  readonly subject: readonly { readonly name: string; readonly digest: Record<string, string> }[]
  readonly predicate: {
    readonly buildDefinition: {
      readonly externalParameters: Record<string, unknown>
      readonly internalParameters: Record<string, Record<string, unknown>>
      readonly resolvedDependencies?: readonly { readonly uri: string; readonly digest: Record<string, string> }[]
    }
  }
}

/** The provenance that a run signed. */
export function provenanceOf({ result }: StepResult): StatementLike {
  const bundle = result.attestations.find(({ predicateType }) => predicateType.includes('provenance'))?.bundle
  return statementIn(bundle ?? '')
}
