import { type Budget, COVER_BUDGET } from './cover.ts'
import type { FileReading } from './paths.ts'
import { refuseUnreachable } from './patterns.ts'
import type { SubjectPattern } from './policy.ts'
import { type Field, listOf, wrong } from './read.ts'

/** Rules of one block. */
const MAX_RULES = 500

/**
 * A block that is read top down, of which the first match decides: the order of the file is kept, and a rule that can never
 * be reached is an error (12-policy § 2). @throws `policy/unusable`
 */
export function orderedRules<R extends { readonly match: readonly [SubjectPattern, ...SubjectPattern[]] }>(
  reading: FileReading,
  field: Field,
  parse: (reading: FileReading, item: Field) => R,
): readonly R[] {
  const items = listOf(reading, field)
  if (items.length > MAX_RULES) throw wrong(reading, field, `has more than ${MAX_RULES} rules`)
  const earlier: SubjectPattern[] = []
  const budget: Budget = { left: COVER_BUDGET }
  return items.map(item => {
    const rule = parse(reading, item)
    refuseUnreachable(reading, item, rule.match, earlier, budget)
    earlier.push(...rule.match)
    return rule
  })
}
