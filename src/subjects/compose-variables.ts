import { SUBJECT_LIMITS } from './limits.ts'

/** The value of a variable; undefined when nobody here knows it. */
export type Lookup = (name: string) => string | undefined

export type Interpolated =
  | {
      readonly kind: 'text'
      readonly text: string /** Names asked for, in order. */
      readonly variables: readonly string[]
    }
  | { readonly kind: 'unresolved'; readonly why: string }

/**
 * Fills in `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?why}`, `${NAME?why}`, `${NAME:+other}`,
 * `${NAME+other}`, nested, and `$$`. compose-spec 12-interpolation.
 *
 * Stricter than compose where it guesses: a variable that is not known and has no default is not an empty text, and what compose
 * calls an invalid template is not passed on.
 */
export function interpolate(template: string, lookup: Lookup): Interpolated {
  try {
    const variables: string[] = []
    const text = filled(template, lookup, variables, 0)
    return { kind: 'text', text, variables }
  } catch (error) {
    if (error instanceof Unresolved) return { kind: 'unresolved', why: error.message }
    throw error
  }
}

class Unresolved extends Error {}

const NAME = /[_a-z][_a-z0-9]*/iy
const OPERATOR = /:?[-?+]/y

function filled(template: string, lookup: Lookup, variables: string[], depth: number): string {
  if (depth > SUBJECT_LIMITS.variableDepth) throw new Unresolved('variables are nested too deeply')
  let text = ''
  for (let at = 0; at < template.length; ) {
    const dollar = template.indexOf('$', at)
    if (dollar < 0) return bounded(text + template.slice(at))
    text += template.slice(at, dollar)
    const next = template[dollar + 1]
    if (next === '$') {
      text += '$'
      at = dollar + 2
    } else if (next === '{') {
      const end = closing(template, dollar + 2)
      text += braced(template.slice(dollar + 2, end), lookup, variables, depth)
      at = end + 1
    } else {
      const name = matchAt(NAME, template, dollar + 1)
      // A dollar before anything else stays what it is.
      text += name === '' ? '$' : known(name, lookup, variables)
      at = dollar + 1 + name.length
    }
  }
  return bounded(text)
}

function braced(inside: string, lookup: Lookup, variables: string[], depth: number): string {
  const name = matchAt(NAME, inside, 0)
  const operator = matchAt(OPERATOR, inside, name.length)
  const word = inside.slice(name.length + operator.length)
  if (name === '' || (operator === '' && word !== '')) throw new Unresolved(`\${${inside}} is no variable of compose`)
  if (operator === '') return known(name, lookup, variables)
  variables.push(name)
  const value = lookup(name)
  const given = value !== undefined && (value !== '' || !operator.startsWith(':'))
  if (operator.endsWith('+')) return given ? filled(word, lookup, variables, depth + 1) : ''
  if (given) return value
  if (operator.endsWith('?')) throw new Unresolved(`the variable ${name} has to be given`)
  return filled(word, lookup, variables, depth + 1)
}

function known(name: string, lookup: Lookup, variables: string[]): string {
  variables.push(name)
  const value = lookup(name)
  if (value === undefined) throw new Unresolved(`the variable ${name} is not known here and has no default`)
  return value
}

/** Offset of the brace that closes the one before `from`. Braces that begin no variable would be counted differently by others. */
function closing(template: string, from: number): number {
  let open = 1
  for (let at = from; at < template.length; at++) {
    const c = template[at]
    if (c === '{' && template[at - 1] !== '$') break
    if (c === '\n') break
    if (c === '{') open++
    if (c === '}') open--
    if (open === 0) return at
  }
  throw new Unresolved('a variable that is not closed, or with other braces in it')
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

function bounded(text: string): string {
  if (text.length > SUBJECT_LIMITS.variableCharacters) throw new Unresolved('the value is too long')
  return text
}
