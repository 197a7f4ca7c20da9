import { isObject, type Json, type JsonObject } from '../core/json.ts'
import { arrayAt, objectAt, optional, stringAt } from '../core/shape.ts'
import type { LastPusher } from '../policy/evidence.ts'
import { type GithubApi, type Question, shaped } from './api.ts'
import { dateAt, idAt } from './wire.ts'

/** One rule that is in force for a branch, and the ruleset it stands in. */
export interface BranchRule {
  /** `pull_request`, `update`, `merge_queue` … */
  readonly type: string
  readonly rulesetId: number
  /** Repository or organisation whose ruleset it is. */
  readonly source: string
  readonly parameters: JsonObject
}

export interface Ruleset {
  readonly id: number
  readonly name: string
  readonly target: string
  /** Only `active` ones are in force. */
  readonly enforcement: string
  /** Types of its rules. */
  readonly rules: readonly string[]
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  /** How many actors may act as if it were not there; absent: the token may not see that. */
  readonly bypassActors?: number
  readonly updatedAt?: Date
}

function rulesQuestion(repository: string): Question {
  return { of: `the rules of ${repository}`, permission: 'metadata: read' }
}

/** @param branch without `refs/heads/`; it need not exist. @throws what the API throws */
export async function branchRules(api: GithubApi, repository: string, branch: string): Promise<readonly BranchRule[]> {
  const question = rulesQuestion(repository)
  const items = await api.list(`/repos/${repository}/rules/branches/${encodeURIComponent(branch)}`, question)
  return shaped(question, () => items.map((item, at) => ruleAt(item, `rules[${at}]`)))
}

function ruleAt(value: Json, path: string): BranchRule {
  const rule = objectAt(value, path)
  return {
    type: stringAt(rule.type, `${path}.type`),
    rulesetId: idAt(rule.ruleset_id, `${path}.ruleset_id`),
    source: optional(rule.ruleset_source, stringAt, `${path}.ruleset_source`) ?? '',
    parameters: optional(rule.parameters, objectAt, `${path}.parameters`) ?? {},
  }
}

/** Ids of the rulesets for branches or tags, of the repository and of what it belongs to. @throws what the API throws */
export async function rulesetIds(
  api: GithubApi,
  repository: string,
  target: 'branch' | 'tag',
): Promise<readonly number[]> {
  const question = rulesQuestion(repository)
  const items = await api.list(`/repos/${repository}/rulesets?includes_parents=true&targets=${target}`, question)
  return shaped(question, () =>
    items.flatMap((item, at) => {
      const ruleset = objectAt(item, `rulesets[${at}]`)
      return ruleset.target === target ? [idAt(ruleset.id, `rulesets[${at}].id`)] : []
    }),
  )
}

/** @throws what the API throws */
export async function readRuleset(api: GithubApi, repository: string, id: number): Promise<Ruleset> {
  const question = rulesQuestion(repository)
  const value = await api.get(`/repos/${repository}/rulesets/${id}?includes_parents=true`, question)
  return shaped(question, () => rulesetAt(value, id))
}

function rulesetAt(value: Json | undefined, id: number): Ruleset {
  const ruleset = objectAt(value, 'ruleset')
  const bypass = optional(ruleset.bypass_actors, arrayAt, 'bypass_actors')
  const updatedAt = optional(ruleset.updated_at, dateAt, 'updated_at')
  const names = isObject(ruleset.conditions) && isObject(ruleset.conditions.ref_name) ? ruleset.conditions.ref_name : {}
  return {
    id,
    name: stringAt(ruleset.name, 'name'),
    target: optional(ruleset.target, stringAt, 'target') ?? '',
    enforcement: stringAt(ruleset.enforcement, 'enforcement'),
    rules: (optional(ruleset.rules, arrayAt, 'rules') ?? []).map((rule, at) =>
      stringAt(objectAt(rule, `rules[${at}]`).type, `rules[${at}].type`),
    ),
    include: textsAt(names.include, 'include'),
    exclude: textsAt(names.exclude, 'exclude'),
    ...(bypass === undefined ? {} : { bypassActors: bypass.length }),
    ...(updatedAt === undefined ? {} : { updatedAt }),
  }
}

function textsAt(value: Json | undefined, path: string): readonly string[] {
  return (optional(value, arrayAt, path) ?? []).map((item, at) => stringAt(item, `${path}[${at}]`))
}

/** Rulesets with a rule for this branch that somebody else than the last pusher approves. @throws what the API throws */
export async function lastPushRulesets(
  api: GithubApi,
  repository: string,
  branch: string,
): Promise<readonly Ruleset[]> {
  const rules = (await branchRules(api, repository, branch)).filter(
    ({ type, parameters }) => type === 'pull_request' && parameters.require_last_push_approval === true,
  )
  const ids = new Set(rules.map(({ rulesetId }) => rulesetId))
  return Promise.all([...ids].map(id => readRuleset(api, repository, id)))
}

/**
 * Whether one of them bound everybody on the day of the merge. A ruleset that was edited since says nothing about that day,
 * and one that somebody may bypass says nothing about who did (13-adversary 10).
 */
export function othersMustApprove(rulesets: readonly Ruleset[], mergedAt: Date): LastPusher {
  let why = 'no ruleset requires an approval of the last push by somebody else'
  for (const { name, bypassActors, updatedAt, enforcement } of rulesets) {
    if (enforcement !== 'active') why = `ruleset ${name} is not active`
    else if (bypassActors === undefined) why = `who may bypass ruleset ${name} is not visible to this token`
    else if (bypassActors > 0) why = `ruleset ${name} can be bypassed`
    else if (updatedAt === undefined || updatedAt > mergedAt) why = `ruleset ${name} was changed after the merge`
    else return { kind: 'others-must-approve' }
  }
  return { kind: 'unknown', why }
}
