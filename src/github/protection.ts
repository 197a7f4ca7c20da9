import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { isObject, type Json } from '../core/json.ts'
import { objectAt, stringAt } from '../core/shape.ts'
import type { Answer } from '../policy/evidence.ts'
import { type GithubApi, type Question, shaped } from './api.ts'
import { answered } from './pulls.ts'
import { branchRules, type Ruleset, readRuleset, rulesetIds } from './rulesets.ts'
import { booleanAt } from './wire.ts'

/** Whether somebody with the right to push can put anything he likes on a ref, and what stops him. */
export interface RefProtection {
  readonly protected: boolean
  /** Each rule in words; empty when nothing protects it. */
  readonly by: readonly string[]
}

/** Rules under which a direct push of unreviewed commits is refused. Status checks alone are none: the pusher writes them. */
const BRANCH_GUARDS: ReadonlySet<string> = new Set(['pull_request', 'merge_queue', 'update'])
/** Both are needed: a tag that nobody may move can still be made by everybody, with a workflow of his own (13-adversary 28). */
const TAG_GUARDS = ['creation', 'update'] as const

/**
 * Reads what protects a ref, or every ref of a pattern (`refs/heads/main`, `refs/tags/v*`, `refs/heads/release/**`).
 * A pattern counts as protected only when rulesets cover all of it.
 * @returns unavailable where the settings are not visible: an unread rule is neither there nor missing. Never throws.
 */
export function refProtection(api: GithubApi, repository: string, ref: string): Promise<Answer<RefProtection>> {
  return answered(() => readProtection(api, repository, ref))
}

async function readProtection(api: GithubApi, repository: string, ref: string): Promise<RefProtection> {
  const [, kind, name = ''] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? []
  if (kind === 'tags') return tagProtection(await coveringRulesets(api, repository, ref, 'tag'))
  // Rulesets know branches and tags alone.
  if (kind !== 'heads') return { protected: false, by: [] }
  if (!name.includes('*')) return branchProtection(api, repository, name)
  const guards = (await coveringRulesets(api, repository, ref, 'branch')).filter(({ rules }) =>
    rules.some(rule => BRANCH_GUARDS.has(rule)),
  )
  if (guards.length > 0) return { protected: true, by: guards.map(rulesetText) }
  throw fail('github/protection-unknown', `Nothing that can be read protects all branches of ${ref}`, {
    expected: 'a ruleset that covers the pattern',
    found: 'no such ruleset; branch protection rules with patterns are not visible',
  })
}

function tagProtection(rulesets: readonly Ruleset[]): RefProtection {
  const guards = rulesets.filter(({ rules }) => TAG_GUARDS.some(guard => rules.includes(guard)))
  const whole = TAG_GUARDS.every(guard => guards.some(({ rules }) => rules.includes(guard)))
  return { protected: whole, by: whole ? guards.map(rulesetText) : [] }
}

async function branchProtection(api: GithubApi, repository: string, branch: string): Promise<RefProtection> {
  const rules = (await branchRules(api, repository, branch)).filter(({ type }) => BRANCH_GUARDS.has(type))
  const texts = rules.map(({ type, rulesetId, source }) => `rule ${type} of ruleset ${rulesetId} of ${source}`)
  if (texts.length > 0) return { protected: true, by: [...new Set(texts)] }
  const by = await classicProtection(api, repository, branch)
  return { protected: by.length > 0, by }
}

/** Branch protection of before there were rulesets. Its settings take the right to administer; whether there is any does not. */
async function classicProtection(api: GithubApi, repository: string, branch: string): Promise<readonly string[]> {
  const path = `/repos/${repository}/branches/${encodeURIComponent(branch)}`
  const question: Question = {
    of: `the protection of ${branch} in ${repository}`,
    permission: 'administration: read',
    absent: 'Branch not protected',
  }
  try {
    const settings = await api.get(`${path}/protection`, question)
    return settings === undefined ? [] : shaped(question, () => guardsOf(settings))
  } catch (error) {
    if (asWaybillError(error).code !== 'github/api-permission') throw error
    return assumed(api, path, question, asWaybillError(error))
  }
}

/** @throws the refusal, unless the branch is known to have no protection at all. */
async function assumed(
  api: GithubApi,
  path: string,
  question: Question,
  refused: WaybillError,
): Promise<readonly string[]> {
  const branch = await api.get(path, { of: question.of, permission: 'contents: read', absent: 'Branch not found' })
  if (branch === undefined) return []
  if (!shaped(question, () => booleanAt(objectAt(branch, 'branch').protected, 'protected'))) return []
  throw refused
}

function guardsOf(settings: Json): readonly string[] {
  const { required_pull_request_reviews: reviews, restrictions, lock_branch: lock } = objectAt(settings, 'protection')
  return [
    ...(isObject(reviews) ? ['branch protection: pull request reviews'] : []),
    ...(isObject(restrictions) ? ['branch protection: who may push'] : []),
    ...(isObject(lock) && lock.enabled === true ? ['branch protection: locked'] : []),
  ]
}

async function coveringRulesets(
  api: GithubApi,
  repository: string,
  ref: string,
  target: 'branch' | 'tag',
): Promise<readonly Ruleset[]> {
  const ids = await rulesetIds(api, repository, target)
  const rulesets = await Promise.all(ids.map(id => readRuleset(api, repository, id)))
  const active = rulesets.filter(ruleset => ruleset.enforcement === 'active')
  const named = active.some(({ include, exclude }) => [...include, ...exclude].includes('~DEFAULT_BRANCH'))
  const main = named ? await defaultBranch(api, repository) : undefined
  return active.filter(ruleset => coversRef(ruleset, ref, main))
}

async function defaultBranch(api: GithubApi, repository: string): Promise<string> {
  const question: Question = { of: `the repository ${repository}`, permission: 'metadata: read' }
  const value = await api.get(`/repos/${repository}`, question)
  return shaped(
    question,
    () => `refs/heads/${stringAt(objectAt(value, 'repository').default_branch, 'default_branch')}`,
  )
}

/**
 * Whether a ruleset holds for every ref that the policy's pattern means. Its own patterns are fnmatch with FNM_PATHNAME: `*`
 * stays within a segment, a double star and slash does not. What cannot be shown to be covered is not.
 * @param main full name of the default branch, where a ruleset speaks of it.
 */
export function coversRef(
  { include, exclude }: Pick<Ruleset, 'include' | 'exclude'>,
  ref: string,
  main: string | undefined,
): boolean {
  const covered = include.some(pattern => covers(pattern, ref, main))
  return covered && !exclude.some(pattern => mayMeet(pattern, ref, main))
}

function covers(pattern: string, ref: string, main: string | undefined): boolean {
  if (pattern === '~ALL') return true
  if (pattern === '~DEFAULT_BRANCH') return ref === main
  if (pattern === ref && !ref.includes('**')) return true
  const deep = /^([^*?[\\]*\/)\*\*\/\*$/.exec(pattern)?.[1]
  if (deep !== undefined) return ref.startsWith(deep)
  const prefix = /^([^*?[\\]*)\*$/.exec(pattern)?.[1]
  if (prefix === undefined || !ref.startsWith(prefix)) return false
  const rest = ref.slice(prefix.length)
  return !rest.includes('/') && !rest.includes('**')
}

/** By what stands in front of the first special character: if those differ, no ref is meant by both. */
function mayMeet(pattern: string, ref: string, main: string | undefined): boolean {
  if (pattern === '~ALL') return true
  const theirs = pattern === '~DEFAULT_BRANCH' ? (main ?? 'refs/heads/') : pattern
  const [a = '', b = ''] = [theirs.split(/[*?[\\]/, 1)[0], ref.split('*', 1)[0]]
  if (a === theirs && b === ref) return a === b
  return a.startsWith(b) || b.startsWith(a)
}

function rulesetText({ id, name, bypassActors }: Ruleset): string {
  const bypass = bypassActors === undefined || bypassActors === 0 ? '' : `, which ${bypassActors} may bypass`
  return `ruleset ${id} (${name})${bypass}`
}
