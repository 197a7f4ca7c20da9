import type { Json } from '../core/json.ts'
import { deployResource } from '../statements/deploy-vsa.ts'
import { anyOf, celText } from './cel.ts'
import type { AdmissionAll, AdmissionCondition } from './link.ts'
import { wholeText } from './re2.ts'
import { notExpressible } from './refused.ts'

/** Where conditions are looked up. */
export interface CelScope {
  /** An expression for the predicate as an optional value, or for an item of a list. */
  readonly root: string
  /** An expression for the canonical name of the image. */
  readonly name: string
  /** How many lists it is inside of, so that each has a variable of its own. */
  readonly depth?: number
}

/**
 * All conditions as one expression. Only optional steps lead to a value, so that a missing one is false and not an error; an
 * error, as of a text where an object must be, refuses the pod as well, with another message.
 * @throws `policy/not-expressible` for a value that CEL does not compare as JSON means it.
 */
export function conditionsCel(conditions: AdmissionAll, scope: CelScope, separator = ' && '): string {
  if (conditions.length === 0) return 'true'
  return conditions.map(condition => conditionCel(condition, scope)).join(separator)
}

function conditionCel(condition: AdmissionCondition, scope: CelScope): string {
  if (condition.is === 'any-of') return anyOf(condition.of.map(all => `(${conditionsCel(all, scope)})`))
  const found = scope.root + condition.path.map(step).join('')
  switch (condition.is) {
    case 'equal':
      return equals(found, condition.value)
    case 'one-of':
      return anyOf(condition.values.map(value => equals(found, value)))
    case 'absent':
      return `!${found}.hasValue()`
    case 'resource':
      return equalsResource(found, condition.environment, scope)
    case 'matching':
      return `(${isOf(found, 'string')} && ${matches(found, condition.patterns)})`
    case 'not-matching':
      return `(${isOf(found, 'string')} && !${matches(found, condition.patterns)})`
    default:
      return listCel(condition, found, scope)
  }
}

type ListCondition = Extract<AdmissionCondition, { readonly is: 'list' | 'containing' | 'some' | 'each-target' }>

/** Maps have the same macros as lists, over their keys: so the type is asked for first. */
function listCel(condition: ListCondition, found: string, scope: CelScope): string {
  const isList = isOf(found, 'list')
  if (condition.is === 'list') return isList
  const items = `${found}.orValue([])`
  const depth = (scope.depth ?? 0) + 1
  const item = `item${depth}`
  if (condition.is === 'containing')
    return `(${isList} && ${items}.exists(${item}, ${item} == ${celText(condition.value)}))`
  const where = conditionsCel(condition.where, { root: item, name: scope.name, depth })
  if (condition.is === 'some') return `(${isList} && ${items}.exists(${item}, type(${item}) == map && ${where}))`
  const target = `target${depth}`
  const same = ['uri', 'digest'].map(key => `${item}.target.?${key} == ${target}.target.?${key}`).join(' && ')
  const one = `${items}.exists(${item}, type(${item}) == map && has(${item}.target) && ${same} && ${where})`
  const unaimed = `type(${target}) != map || !has(${target}.target)`
  return `(${isList} && ${items}.all(${target}, ${unaimed} || (${target}.target.?digest.hasValue() && ${one})))`
}

function isOf(found: string, type: 'list' | 'string'): string {
  return `type(${found}.orValue(null)) == ${type}`
}

function matches(found: string, patterns: readonly string[]): string {
  return `${found}.orValue("").matches(${celText(wholeText(patterns))})`
}

/** Names of repositories hold nothing that would have to be escaped, so the text around them is that around any other. */
function equalsResource(found: string, environment: string, { name }: CelScope): string {
  const any = 'ghcr.io/acme/app'
  const whole = deployResource(any, environment)
  const at = whole.indexOf(any)
  return `${found} == optional.of(${celText(whole.slice(0, at))} + ${name} + ${celText(whole.slice(at + any.length))})`
}

function equals(found: string, value: Json): string {
  return `${found} == optional.of(${literal(value)})`
}

/** Kubernetes insists on literals of lists and maps whose values are all of one type. */
function literal(value: Json): string {
  if (typeof value === 'string') return celText(value)
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  if (value !== null && typeof value === 'object') {
    const parts = Array.isArray(value) ? value : Object.values(value)
    if (new Set(parts.map(part => typeof part)).size <= 1 && !parts.includes(null))
      return Array.isArray(value)
        ? `[${parts.map(literal).join(', ')}]`
        : `{${Object.entries(value)
            .map(([key, part]) => `${celText(key)}: ${literal(part)}`)
            .join(', ')}}`
  }
  throw notExpressible(
    'CEL cannot compare this value exactly',
    'text, whole numbers, true or false; lists and objects of one of these',
    JSON.stringify(value),
    'Compare a part of it.',
  )
}

/** Words that the language keeps for itself, and whatever is no identifier, are asked for as keys. */
function step(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && !RESERVED.has(name) ? `.?${name}` : `[?${celText(name)}]`
}

const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)
