import { isCommitId } from '../core/digest.ts'
import { KEYS } from './keys.ts'
import { refPatterns } from './patterns.ts'
import {
  DEFAULT_MIN_RSA,
  type Exception,
  type Policy,
  type PolicyChange,
  type Revocation,
  type SourceRule,
} from './policy.ts'
import {
  asciiOf,
  booleanOf,
  dateOf,
  type Field,
  type Fields,
  fieldsOf,
  integerOf,
  listOf,
  type Reading,
  required,
  textOf,
  unsupportedKey,
  wordOf,
  wrong,
} from './read.ts'
import { parseMembers, principalName } from './roles.ts'

/** Source rules of one file: every commit is judged under all that match. */
const MAX_RULES = 100

export type Names = Pick<Policy, 'principals' | 'roles'>

/** What may be named by a rule and has to be declared above it. */
export function parseSourceRules(reading: Reading, field: Field | undefined, names: Names): readonly SourceRule[] {
  if (field === undefined) return []
  const items = listOf(reading, field)
  if (items.length > MAX_RULES) throw wrong(reading, field, `has more than ${MAX_RULES} rules`)
  return items.map(item => parseSourceRule(reading, item, names))
}

function parseSourceRule(reading: Reading, field: Field, names: Names): SourceRule {
  const fields = fieldsOf(reading, field, KEYS.sourceRule)
  const refsField = required(reading, field, fields, 'refs')
  const refs = refPatterns(reading, refsField)
  // 13-adversary 6: a tag may stand on a branch nobody looked at; only a `tag` rule with `on` can tell, later.
  const tag = refs.find(pattern => !pattern.text.startsWith('refs/heads/'))
  if (tag !== undefined)
    throw unsupportedKey({ path: reading.path, at: refsField.node.at }, refsField.name, tag.text, {
      judged: ['refs/heads/…'],
      later: [tag.text],
    })
  const commits = required(reading, field, fields, 'commits')
  const commitFields = fieldsOf(reading, commits, KEYS.commits)
  const minRsa = commitFields.get('min-rsa')
  const other = fields.get('allow-other-commit')
  return {
    refs,
    signers: membersWithKeys(reading, required(reading, commits, commitFields, 'signers'), names),
    minRsa: minRsa === undefined ? DEFAULT_MIN_RSA : minimumRsa(reading, minRsa),
    allowOtherCommit: other !== undefined && booleanOf(reading, other),
    platform: { merge: 'deny', squash: 'deny', rebase: 'deny', content: new Set() },
    text: refs.map(pattern => pattern.text).join(', '),
  }
}

/** A floor, never a way down: `min-rsa: 1024` would accept keys that can be factored. */
function minimumRsa(reading: Reading, field: Field): number {
  const bits = integerOf(reading, field, 16_384)
  if (bits < DEFAULT_MIN_RSA)
    throw wrong(reading, field, 'is below the minimum', `${DEFAULT_MIN_RSA} or more`, String(bits))
  return bits
}

/** Principals that may sign; at least one must have a key, else the rule could never be met. */
function membersWithKeys(reading: Reading, field: Field, names: Names): ReadonlySet<string> {
  const members = parseMembers(reading, field, names.roles, names.principals)
  const able = [...members].some(name => (names.principals.get(name)?.signers.length ?? 0) > 0)
  if (!able)
    throw wrong(
      reading,
      field,
      'names nobody who has a key, so no commit could be accepted',
      'a principal with signers',
    )
  return members
}

/** Without the block the role `maintainers` may change the law; without that role nobody may (13-adversary 3). */
export function parsePolicyChange(reading: Reading, field: Field | undefined, names: Names): PolicyChange {
  const maintainers = new Set(names.roles.get('maintainers') ?? [])
  const byMaintainers = { signers: maintainers, approvals: 0 }
  if (field === undefined) return { ...byMaintainers, workflows: byMaintainers }
  const fields = fieldsOf(reading, field, KEYS.policyChange)
  const signersField = fields.get('signers')
  const signers = signersField === undefined ? maintainers : membersWithKeys(reading, signersField, names)
  const workflows = fields.get('workflows')
  if (workflows === undefined) return { signers, approvals: 0, workflows: { signers, approvals: 0 } }
  const part = required(reading, workflows, fieldsOf(reading, workflows, KEYS.workflowsChange), 'signers')
  return { signers, approvals: 0, workflows: { signers: membersWithKeys(reading, part, names), approvals: 0 } }
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

const MODES = { judged: ['compromised', 'retired'], later: [] } as const

export function parseRevoked(reading: Reading, field: Field | undefined): readonly Revocation[] {
  return field === undefined ? [] : listOf(reading, field).map(item => parseRevocation(reading, item))
}

function parseRevocation(reading: Reading, field: Field): Revocation {
  const fields = fieldsOf(reading, field, KEYS.revocation)
  const fingerprint = required(reading, field, fields, 'fingerprint')
  return {
    fingerprint: parseFingerprint(reading, fingerprint),
    effective: dateOf(reading, required(reading, field, fields, 'effective')),
    mode: wordOf(reading, required(reading, field, fields, 'mode'), MODES),
  }
}

/** A revocation that misses its key through a spelling would be worse than none, so only whole fingerprints are read. */
function parseFingerprint(reading: Reading, field: Field): string {
  const text = asciiOf(reading, field)
  if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(text)) return text
  const hex = text.replaceAll(' ', '').toUpperCase()
  if (/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(hex)) return hex
  throw wrong(
    reading,
    field,
    'is not a whole fingerprint',
    '40 or 64 hex digits, or SHA256:<43 characters of base64>',
    text,
  )
}
