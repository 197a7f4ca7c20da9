/**
 * Variables of a Dockerfile: `$name`, `${name}`, `${name:-default}`, `${name:+other}`.
 * @returns `undefined` when a variable has no value, or is written in a way this parser does not know: whoever cannot
 *   say what a name means must not say that it is harmless.
 */
export function expandVariables(text: string, values: ReadonlyMap<string, string>): string | undefined {
  let out = ''
  let rest = text
  while (rest !== '') {
    const at = rest.search(/[$\\`]/)
    if (at === -1) return out + rest
    out += rest.slice(0, at)
    const found = /^\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::([-+])([^${}\\`]*))?\})/.exec(
      rest.slice(at),
    )
    if (found === null) return undefined
    const value = valueFor(found, values)
    if (value === undefined) return undefined
    out += value
    rest = rest.slice(at + found[0].length)
  }
  return out
}

function valueFor(found: RegExpExecArray, values: ReadonlyMap<string, string>): string | undefined {
  const [, plain, braced, operator, word = ''] = found
  const value = values.get(plain ?? braced ?? '')
  const set = value !== undefined && value !== ''
  if (operator === '-') return set ? value : word
  if (operator === '+') return set ? word : ''
  return set ? value : undefined
}
