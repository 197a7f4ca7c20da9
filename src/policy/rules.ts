import { isCommitId } from '../core/digest.ts'
import { KEYS } from './keys.ts'
import type { Names } from './members.ts'
import type { Exception } from './policy.ts'
import {
  asciiOf,
  distinctList,
  type Field,
  type Fields,
  fieldsOf,
  listOf,
  type Reading,
  required,
  textOf,
  wrong,
} from './read.ts'
import { principalName } from './roles.ts'

export { parseRevoked } from './revoked.ts'

/** Whose source VSAs count besides the run's own workflow (13-adversary 2): workflows of this repository, by path. */
export function parseSourceWorkflows(reading: Reading, field: Field | undefined): readonly string[] {
  if (field === undefined) return []
  return distinctList(reading, field).map(item => {
    const path = asciiOf(reading, item)
    if (!/^\.github\/workflows\/[A-Za-z0-9._-]+\.ya?ml$/.test(path))
      throw wrong(reading, item, 'is not the path of a workflow of this repository', '.github/workflows/ci.yml', path)
    return path
  })
}

export function parseExceptions(reading: Reading, field: Field | undefined, names: Names): readonly Exception[] {
  if (field === undefined) return []
  const exceptions = listOf(reading, field).map(item => parseException(reading, item, names))
  const seen = new Set<string>()
  for (const { kind, commit } of exceptions) {
    if (seen.has(`${kind} ${commit}`)) throw wrong(reading, field, `names ${commit} twice`)
    seen.add(`${kind} ${commit}`)
  }
  return exceptions
}

function parseException(reading: Reading, field: Field, names: Names): Exception {
  const fields = fieldsOf(reading, field, KEYS.exception)
  const one = fields.get('commit')
  const until = fields.get('until')
  const reason = textOf(reading, required(reading, field, fields, 'reason'))
  if (one !== undefined && until !== undefined) throw wrong(reading, field, 'has both commit and until', 'one of them')
  if (one !== undefined) {
    const approver = required(reading, field, fields, 'approved-by')
    return { kind: 'commit', commit: commitOf(reading, one), reason, approvedBy: approverOf(reading, approver, names) }
  }
  if (until === undefined) throw wrong(reading, field, 'has neither commit nor until', 'commit: <40 hex digits>')
  return { kind: 'until', commit: commitOf(reading, until), reason, ...optionalApprover(reading, fields, names) }
}

function optionalApprover(reading: Reading, fields: Fields, names: Names): { readonly approvedBy?: string } {
  const field = fields.get('approved-by')
  return field === undefined ? {} : { approvedBy: approverOf(reading, field, names) }
}

function approverOf(reading: Reading, field: Field, names: Names): string {
  return principalName(reading, field, asciiOf(reading, field), names.principals)
}

function commitOf(reading: Reading, field: Field) {
  const text = asciiOf(reading, field)
  if (!isCommitId(text)) throw wrong(reading, field, 'is not a whole commit id', '40 lower-case hex digits', text)
  return text
}
