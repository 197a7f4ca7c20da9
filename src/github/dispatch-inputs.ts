import type { Json, JsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { objectAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'

/** What somebody typed to start a run; a value only where the workflow asked for it by name. */
export interface DispatchInput {
  readonly name: string
  readonly value?: string
}

/**
 * The inputs of `workflow_dispatch` in the event file, in its order: every name, the values of `record` alone. Another value may
 * be secret and is not so much as looked at (13-adversary 42). Every step of the job may have changed the file.
 * @param inputs `null` where the workflow has none. @throws `RangeError`, `core/shape`
 */
export function dispatchInputs(inputs: Json | undefined, record: readonly string[]): readonly DispatchInput[] {
  if (inputs === undefined || inputs === null) return []
  const given: JsonObject = objectAt(inputs, 'inputs')
  const names = Object.keys(given)
  if (names.length > LIMITS.dispatchInputs) throw new RangeError(`inputs has more than ${LIMITS.dispatchInputs} names`)
  return names.map(name => {
    if (name.length > LIMITS.dispatchNameCharacters || name === '')
      throw new RangeError(`inputs has a name that is empty or longer than ${LIMITS.dispatchNameCharacters} characters`)
    const value = record.includes(name) ? recordedValue(name, given[name]) : undefined
    return { name: printable(name), ...(value === undefined ? {} : { value }) }
  })
}

/** GitHub writes text, and `null` for what was left empty; never shown, because what it holds is not known yet. */
function recordedValue(name: string, value: Json | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  const text = typeof value === 'object' ? undefined : String(value)
  if (text === undefined) throw new RangeError(`inputs.${printable(name)} is neither text, a number nor true or false`)
  if (text.length > LIMITS.dispatchValueCharacters)
    throw new RangeError(`inputs.${printable(name)} has more than ${LIMITS.dispatchValueCharacters} characters`)
  return text
}
