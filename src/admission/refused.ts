import { fail, type WaybillError } from '../core/error.ts'

/**
 * What no engine, or not this one, can say (13-adversary 30). A weaker policy is never written instead.
 * @param remedy what to write in the rule instead.
 */
export function notExpressible(sentence: string, expected: string, found: string, remedy: string): WaybillError {
  return fail('policy/not-expressible', sentence, { expected, found, remedy })
}
