import { KEYS } from './keys.ts'
import { matchesRef, type Pattern } from './match.ts'
import { membersOf, membersWithKeys, type Names } from './members.ts'
import { refPatterns } from './patterns.ts'
import { DEFAULT_MIN_RSA, type PlatformRule, type SourceRule, type TagRule } from './policy.ts'
import {
  asciiOf,
  booleanOf,
  distinctList,
  type Field,
  type Fields,
  fieldsOf,
  integerOf,
  listOf,
  type Reading,
  required,
  textOf,
  wordOf,
  wrong,
} from './read.ts'
import { parseReview } from './review-rule.ts'

/** Source rules of one file: every commit is judged under all that match. */
const MAX_RULES = 100

export interface SourceRules {
  readonly source: readonly SourceRule[]
  readonly tags: readonly TagRule[]
}

/**
 * `source:`: rules about commits of branches, and rules about tags. All that match a ref hold together, so none can stand in
 * another's way; but a branch on which tags must lie needs a rule for its commits, or nothing could judge them.
 */
export function parseSourceRules(reading: Reading, field: Field | undefined, names: Names): SourceRules {
  const source: SourceRule[] = []
  const tags: { readonly rule: TagRule; readonly on: readonly Field[] }[] = []
  const items = field === undefined ? [] : listOf(reading, field)
  if (field !== undefined && items.length > MAX_RULES) throw wrong(reading, field, `has more than ${MAX_RULES} rules`)
  for (const item of items) {
    const fields = fieldsOf(reading, item, KEYS.sourceRule)
    if (fields.has('tag')) tags.push(parseTagRule(reading, item, fields, names))
    else source.push(parseCommitRule(reading, item, fields, names))
  }
  for (const { on } of tags) for (const branch of on) checkBranch(reading, branch, source)
  return { source, tags: tags.map(({ rule }) => rule) }
}

function parseCommitRule(reading: Reading, field: Field, fields: Fields, names: Names): SourceRule {
  const refs = refsBelow(reading, required(reading, field, fields, 'refs'), 'refs/heads/')
  const commits = required(reading, field, fields, 'commits')
  const commitFields = fieldsOf(reading, commits, KEYS.commits)
  const other = fields.get('allow-other-commit')
  const review = fields.get('review')
  return {
    refs,
    signers: membersWithKeys(reading, required(reading, commits, commitFields, 'signers'), names),
    minRsa: minimumRsa(reading, commitFields.get('min-rsa')),
    allowOtherCommit: other !== undefined && booleanOf(reading, other),
    platform: parsePlatform(reading, fields.get('platform'), names),
    ...(review === undefined ? {} : { review: parseReview(reading, review, names) }),
    text: textsOf(refs),
  }
}

/** 13-adversary 6: a tag may stand on a branch nobody looked at, so a tag rule must say on which it lies. */
function parseTagRule(reading: Reading, field: Field, fields: Fields, names: Names) {
  const [beside] = ['commits', 'platform', 'review', 'allow-other-commit'].filter(key => fields.has(key))
  if (beside !== undefined)
    throw wrong(
      reading,
      field,
      `has tag and ${beside}; the commits under a tag are judged by the rules of its branch`,
      'one rule with tag, another with commits',
    )
  const refs = refsBelow(reading, required(reading, field, fields, 'refs'), 'refs/tags/')
  const tag = required(reading, field, fields, 'tag')
  const tagFields = fieldsOf(reading, tag, KEYS.tag)
  const signers = membersWithKeys(reading, required(reading, tag, tagFields, 'signers'), names)
  const branches = distinctList(reading, required(reading, tag, tagFields, 'on'))
  const [first, ...more] = branches
  const on: TagRule['on'] = [branchOf(reading, first), ...more.map(item => branchOf(reading, item))]
  const minRsa = minimumRsa(reading, tagFields.get('min-rsa'))
  return { rule: { refs, signers, on, minRsa, text: textsOf(refs) }, on: branches }
}

/** A whole name, no pattern: the run has to ask the server for exactly these. */
function branchOf(reading: Reading, field: Field): string {
  const name = textOf(reading, field)
  const [pattern] = refPatterns(reading, field)
  if (!name.startsWith('refs/heads/') || pattern.tokens.some(token => typeof token !== 'string'))
    throw wrong(reading, field, 'is not the full name of one branch', 'refs/heads/main', name)
  return name
}

function checkBranch(reading: Reading, field: Field, source: readonly SourceRule[]): void {
  const branch = textOf(reading, field)
  if (source.some(({ refs }) => matchesRef(refs, branch))) return
  const known = source.map(({ text }) => text).join(', ')
  throw wrong(
    reading,
    field,
    `names ${branch}, whose commits no rule judges`,
    `a source rule with refs: ["${branch}"] and commits`,
    known === '' ? 'no rule with commits' : `rules for ${known}`,
  )
}

function refsBelow(reading: Reading, field: Field, prefix: 'refs/heads/' | 'refs/tags/') {
  const items = distinctList(reading, field)
  const refs = refPatterns(reading, field)
  const at = refs.findIndex(({ text }) => !text.startsWith(prefix))
  const item = items[at]
  if (item === undefined) return refs
  const text = textOf(reading, item)
  const sentence =
    prefix === 'refs/tags/'
      ? 'is no tag, but the rule has tag'
      : text.startsWith('refs/tags/')
        ? 'is a tag: a rule for tags has tag: {signers: […], on: [refs/heads/…]} and no commits'
        : 'is neither a branch nor a tag; nothing else can be built from'
  throw wrong(reading, item, sentence, `${prefix}…`, text)
}

function textsOf(refs: readonly Pattern[]): string {
  return refs.map(({ text }) => text).join(', ')
}

/** A floor, never a way down: `min-rsa: 1024` would accept keys that can be factored. */
function minimumRsa(reading: Reading, field: Field | undefined): number {
  if (field === undefined) return DEFAULT_MIN_RSA
  const bits = integerOf(reading, field, 16_384)
  if (bits < DEFAULT_MIN_RSA)
    throw wrong(reading, field, 'is below the minimum', `${DEFAULT_MIN_RSA} or more`, String(bits))
  return bits
}

const CLEAN = { judged: ['deny', 'clean'], later: [] } as const
const EVIDENCE = { judged: ['deny', 'evidence'], later: [] } as const

/** 3-source § 5: what the platform signs is denied unless a switch says what must be proved about it. */
function parsePlatform(reading: Reading, field: Field | undefined, names: Names): PlatformRule {
  if (field === undefined) return { merge: 'deny', squash: 'deny', rebase: 'deny', content: new Set() }
  const fields = fieldsOf(reading, field, KEYS.platform)
  const merge = fields.get('merge')
  const squash = fields.get('squash')
  const rebase = fields.get('rebase')
  const content = fields.get('content')
  return {
    merge: merge === undefined ? 'deny' : wordOf(reading, merge, CLEAN),
    squash: squash === undefined ? 'deny' : wordOf(reading, squash, EVIDENCE),
    rebase: rebase === undefined ? 'deny' : wordOf(reading, rebase, EVIDENCE),
    content: content === undefined ? new Set() : parseContent(reading, content, names),
  }
}

/** Principals are known to the platform by their numbers alone, so bots without any key can be named here. */
function parseContent(reading: Reading, field: Field, names: Names): ReadonlySet<string> {
  if (field.node.kind === 'text' && asciiOf(reading, field) === 'deny' && !names.principals.has('deny'))
    return new Set()
  return membersOf(reading, field, names, ({ github }) => github !== undefined, {
    sentence: 'names nobody with a github account, so no edit on the platform could be theirs',
    expected: 'deny, or a principal with github: {login, id}',
  })
}
