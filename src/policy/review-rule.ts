import { KEYS } from './keys.ts'
import { countOf, hasKey, mayApprove, membersOf, type Names } from './members.ts'
import type { ReviewRule } from './policy.ts'
import { distinctList, type Field, fieldsOf, integerOf, type Reading, required, wordOf, wrong } from './read.ts'

/** Nobody works with more; it only keeps a typing error from locking everybody out. */
export const MAX_APPROVALS = 100

const PERSONS = { judged: ['author', 'committers', 'last-pusher'], later: [] } as const
const STRENGTHS = { judged: ['platform-recorded', 'signed-by-reviewer'], later: [] } as const

/** 3-source § 6, 13-adversary 10. */
export function parseReview(reading: Reading, field: Field, names: Names): ReviewRule {
  const fields = fieldsOf(reading, field, KEYS.review)
  const strengthField = fields.get('strength')
  const strength = strengthField === undefined ? 'platform-recorded' : wordOf(reading, strengthField, STRENGTHS)
  const isAble = strength === 'signed-by-reviewer' ? hasKey : mayApprove
  const by = membersOf(reading, required(reading, field, fields, 'by'), names, isAble, {
    sentence: 'names nobody whose approval could be known',
    expected:
      strength === 'signed-by-reviewer' ? 'a principal with signers' : 'a principal with a github account or signers',
  })
  const approvalsField = required(reading, field, fields, 'approvals')
  const approvals = integerOf(reading, approvalsField, MAX_APPROVALS)
  const able = countOf(by, names, isAble)
  if (approvals > able)
    throw wrong(
      reading,
      approvalsField,
      'asks for more approvals than there are people who could give them',
      `at most ${able}`,
      String(approvals),
    )
  const distinct = fields.get('distinct-from')
  const persons = distinct === undefined ? PERSONS.judged : distinctList(reading, distinct).map(word(reading))
  return { approvals, by, distinctFrom: new Set(persons), strength }
}

function word(reading: Reading) {
  return (item: Field) => wordOf(reading, item, PERSONS)
}
