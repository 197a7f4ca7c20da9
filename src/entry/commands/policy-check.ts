import { join, resolve } from 'node:path'
import { asWaybillError, fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { maybe } from '../../core/maybe.ts'
import type { Finding } from '../../core/verdict.ts'
import { refProtection } from '../../github/protection.ts'
import { listFolder, readFileBounded, readOwnFile } from '../../io/files.ts'
import { HttpClient } from '../../io/http.ts'
import { checkPolicy, type PolicyCheck, type RulesetPort } from '../../pipeline/policy-check.ts'
import { findPolicy, type Law, lawFromFile, POLICY_PATH } from '../../policy/law.ts'
import { renderError } from '../../report/terminal.ts'
import { exitCodeOfVerdict } from '../exit-code.ts'
import { platformApi } from '../platform-api.ts'
import { type CommandLine, command, type Desk, noMore, usage } from './command.ts'

export interface PolicyCheckWish {
  /** Absent: the policy of the clone. */
  readonly file?: string
  readonly repo: string
  /** Absent: the platform is not asked. */
  readonly remote?: { readonly repository?: string }
  readonly json: boolean
}

const OPTIONS = {
  repo: { type: 'string' },
  remote: { type: 'boolean' },
  repository: { type: 'string' },
} as const

export const policyCheckCommand = command({
  words: 'policy check',
  synopsis: 'policy check [FILE] [--remote]',
  usage: `waybill policy check – what a policy means, or why it cannot be used

  waybill policy check [FILE] [--repo DIR] [--remote [--repository OWNER/NAME]]

  FILE                                the policy (default: .github/waybill.yml of the clone)
  --repo DIR                          the clone (default: the present folder)
  --remote                            also ask the platform which accepted refs are protected
  --repository OWNER/NAME             whose refs these are (default: GITHUB_REPOSITORY)
  --json                              the same as JSON on stdout, nothing else

The files it names are read, too, from the working tree. What is not committed together counts for nothing.

Exit codes: 0 it can be used · 1 with --remote: an accepted ref is not protected · 2 with --remote: not known · 3 it cannot
be used; the message names line and column

Example:
  waybill policy check && git add .github
`,
  prints: 'report',
  options: OPTIONS,
  read: readPolicyCheck,
  run: runPolicyCheck,
})

/** @throws `entry/usage` */
function readPolicyCheck({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): PolicyCheckWish {
  noMore(references, 'policy check', 1)
  const [file] = references
  const { repo = '.', remote = false, repository, json = false } = values
  if (file !== undefined && values.repo !== undefined)
    throw usage('A policy is either named or looked for in a clone', 'FILE or --repo DIR', 'both')
  if (repository !== undefined && !remote)
    throw usage('--repository says whose refs are asked about', '--remote --repository OWNER/NAME', 'no --remote')
  if (repository !== undefined && !/^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/.test(repository))
    throw usage('--repository is not OWNER/NAME', 'acme/app', repository)
  return { ...maybe('file', file), repo, ...(remote ? { remote: maybe('repository', repository) } : {}), json }
}

async function runPolicyCheck(wish: PolicyCheckWish, desk: Desk): Promise<number> {
  const { world } = desk
  const http = new HttpClient()
  try {
    const remote = wish.remote === undefined ? undefined : remoteOf(wish.remote, desk, http)
    const { law, path } = await usable(workingLaw(wish, world.workingFolder))
    const check = await usable(checkPolicy(law, new Date(), remote))
    if (wish.json) world.out(`${JSON.stringify(resultOf(check, law, path), null, 2)}\n`)
    else world.out(textOf(check, law, path, world.columns))
    return exitCodeOfVerdict(check.outcome)
  } finally {
    http.close()
  }
}

/** What would reject a commit is here a mistake in a file that nobody judged anything by: exit code 3. */
export async function usable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const known = asWaybillError(error)
    if (known.kind !== 'rejected') throw known
    const { code, message, expected, found, remedy } = known
    throw fail(code, message, {
      kind: 'configuration',
      ...maybe('expected', expected),
      ...maybe('found', found),
      remedy,
      cause: known,
    })
  }
}

/** The law as it lies on disk. A file that a link leads to would not be a file of the commit, so links are not followed. */
export async function workingLaw(
  wish: Pick<PolicyCheckWish, 'file' | 'repo'>,
  working: string,
): Promise<{ readonly law: Law; readonly path: string }> {
  const root = wish.file === undefined ? resolve(working, wish.repo) : working
  if (wish.file === undefined) await refuseRivals(root)
  const path = wish.file ?? POLICY_PATH
  const bytes = await readFileBounded(resolve(root, path), LIMITS.policyFileBytes)
  return { law: lawFromFile(bytes, path, file => readOwnFile(resolve(root, file), LIMITS.policyFileBytes)), path }
}

/** 13-adversary 5: a second file that could be taken for the policy. */
async function refuseRivals(root: string): Promise<void> {
  const names = await listFolder(join(root, '.github')).catch(() => [])
  const id = '0'.repeat(40) as Parameters<typeof findPolicy>[0]['files'][number]['id']
  findPolicy({ files: names.map(name => ({ path: `.github/${name}`, id, bytes: new Uint8Array() })) })
}

function remoteOf({ repository }: { readonly repository?: string }, desk: Desk, http: HttpClient) {
  const name = repository ?? desk.env.GITHUB_REPOSITORY
  if (name === undefined || name === '')
    throw usage('Whose refs to ask about is not known', '--repository OWNER/NAME', 'no GITHUB_REPOSITORY either')
  if (!/^[A-Za-z0-9_-]{1,100}\/[A-Za-z0-9._-]{1,100}$/.test(name))
    throw usage('The repository is not OWNER/NAME', '--repository OWNER/NAME', name)
  return { repository: name, rulesets: rulesetsOf(desk, http) }
}

/** The platform's rules, asked with the token of the environment. */
function rulesetsOf({ env }: Desk, http: HttpClient): RulesetPort {
  const { api } = platformApi(env, http)
  return { isProtected: (repository, ref) => refProtection(api, repository, ref) }
}

function resultOf({ outcome, sections, findings, refs }: PolicyCheck, law: Law, path: string) {
  const policy = { path, digest: law.policyDigest, files: law.policy.files.map(file => file.path) }
  return { schemaVersion: 1, command: 'policy check', data: { outcome, policy, sections, findings, refs } }
}

function textOf({ sections, findings, refs }: PolicyCheck, law: Law, path: string, columns: number): string {
  const lines = [
    `${path} can be used (${law.policyDigest})`,
    ...sections.flatMap(({ title, lines: words }) => ['', `${title}:`, ...words.map(word => `  ${word}`)]),
    ...(refs.length === 0 ? [] : ['', 'Protected on the platform:']),
    ...refs.map(
      ({ repository, ref, state, by }) =>
        `  ${state}  ${ref} of ${repository}${by.length === 0 ? '' : `: ${by.join(', ')}`}`,
    ),
  ]
  return [`${lines.join('\n')}\n`, ...findings.map(finding => findingText(finding, columns))].join('\n')
}

function findingText(finding: Finding, columns: number): string {
  return renderError(finding, columns)
}
