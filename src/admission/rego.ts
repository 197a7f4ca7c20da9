import type { Json } from '../core/json.ts'
import type { AdmissionAll, AdmissionCondition, AdmissionPath } from './link.ts'
import { wholeText } from './re2.ts'
import { notExpressible } from './refused.ts'

/**
 * Conditions as a module of Rego, version 0, in the form that policy-controller evaluates: `isCompliant` of package `sigstore`, over
 * the whole statement. Rego and not CUE: what a CUE policy names and the statement lacks counts there as said.
 *
 * Whatever is undefined in a rule makes it not hold, so a missing value never does.
 */
export function regoModule(predicateType: string, types: readonly string[], conditions: AdmissionAll): string {
  const helpers: string[] = []
  const lines = [
    oneOf('input._type', types),
    `input.predicateType == ${text(predicateType)}`,
    ...expressions(conditions, 'input.predicate', helpers),
  ]
  const main = rule('isCompliant', [...new Set(lines)])
  return `${['package sigstore', 'default isCompliant = false', main, ...helpers].join('\n\n')}\n`
}

/** @param base a reference that conditions begin from. @param helpers rules they need, added to. */
function expressions(conditions: AdmissionAll, base: string, helpers: string[]): readonly string[] {
  return conditions.flatMap(condition => expressionsOf(condition, base, helpers))
}

function expressionsOf(condition: AdmissionCondition, base: string, helpers: string[]): readonly string[] {
  if (condition.is === 'any-of') {
    const bodies = condition.of.map(all => expressions(all, 'at', helpers))
    return [helper('any', bodies, base, helpers)]
  }
  const place = placeOf(base, condition.path)
  switch (condition.is) {
    case 'equal':
      return [`${place} == ${json(condition.value)}`]
    case 'one-of':
      return [oneOf(place, condition.values)]
    case 'containing':
      return [`is_array(${place})`, `${place}[_] == ${text(condition.value)}`]
    case 'matching':
      if (!condition.patterns.some(pattern => pattern.includes('*'))) return [oneOf(place, condition.patterns)]
      return [`is_string(${place})`, `regex.match(${text(wholeText(condition.patterns))}, ${place})`]
    case 'not-matching':
      return [`is_string(${place})`, `not regex.match(${text(wholeText(condition.patterns))}, ${place})`]
    case 'absent':
      return [`not ${helper('has', [[`_ = ${placeOf('at', condition.path)}`]], base, helpers)}`]
    case 'list':
      return [`is_array(${place})`]
    case 'some':
      return [`is_array(${place})`, helper('some', [someOf(condition.where, helpers)], place, helpers)]
    case 'each-target':
      return [`is_array(${place})`, eachTarget(condition.where, place, helpers)]
    case 'resource':
      throw notExpressible(
        'policy-controller cannot compare the repository in a deploy summary with that of the image',
        'each repository by its name in match',
        'a pattern that matches several repositories',
        'Name the repositories one by one: match: [ghcr.io/acme/app, ghcr.io/acme/web].',
      )
  }
}

function oneOf(place: string, [...values]: readonly Json[]): string {
  const [only] = values
  return values.length === 1 && only !== undefined ? `${place} == ${json(only)}` : `${place} == ${json(values)}[_]`
}

function someOf(where: AdmissionAll, helpers: string[]): readonly string[] {
  return ['item = at[_]', 'is_object(item)', ...expressions(where, 'item', helpers)]
}

/** No object is without one that covers it; an item that is no object is none that anybody understands. */
function eachTarget(where: AdmissionAll, list: string, helpers: string[]): string {
  const covers = uniqueName('covers', helpers)
  helpers.push(
    `same_uri(a, b) {\n  a.uri == b.uri\n}\n\nsame_uri(a, b) {\n  not has_uri(a)\n  not has_uri(b)\n}\n\nhas_uri(a) {\n  _ = a.uri\n}`,
    rule(`${covers}(list, target)`, [
      'item = list[_]',
      'is_object(item)',
      'is_object(target.digest)',
      'count(target.digest) > 0',
      'item.target.digest == target.digest',
      'same_uri(item.target, target)',
      ...expressions(where, 'item', helpers),
    ]),
  )
  const bare = '[1 | item = at[_]; not is_object(item)]'
  const open = `[1 | item = at[_]; target = item.target; not ${covers}(at, target)]`
  return helper('each', [[`count(${bare}) == 0`, `count(${open}) == 0`]], list, helpers)
}

/** A function of one value with a body for each alternative. @returns its call. */
function helper(name: string, bodies: readonly (readonly string[])[], argument: string, helpers: string[]): string {
  const unique = uniqueName(name, helpers)
  helpers.push(bodies.map(lines => rule(`${unique}(at)`, lines)).join('\n\n'))
  return `${unique}(${argument})`
}

function uniqueName(name: string, helpers: readonly string[]): string {
  return `${name}_${helpers.length}`
}

function rule(head: string, lines: readonly string[]): string {
  return `${head} {\n${lines.map(line => `  ${line}\n`).join('')}}`
}

function placeOf(base: string, path: AdmissionPath): string {
  return base + path.map(key => (/^[a-z]+[A-Za-z_]+$/.test(key) ? `.${key}` : `[${text(key)}]`)).join('')
}

function text(value: string): string {
  return json(value)
}

/** JSON is Rego; everything but printable ASCII is written as an escape, so that nothing in it can end a line or look like another. */
function json(value: Json): string {
  return JSON.stringify(value).replace(/[^ -~]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
