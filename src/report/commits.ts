import type { Receipt, SubjectReceipt } from './receipt.ts'
import { table } from './table.ts'
import { cell, codeSpan, shortDigest } from './text.ts'
import { MARKS } from './words.ts'

export function isTag({ ref }: SubjectReceipt): boolean {
  return ref !== undefined
}

export function isCommit(subject: SubjectReceipt): boolean {
  return subject.kind !== undefined && !isTag(subject)
}

/** What stands in the way first, then the newest: of a long history nobody reads more than the top. */
export function inReadingOrder(commits: readonly SubjectReceipt[]): readonly SubjectReceipt[] {
  const newest = commits.toReversed()
  const ready = (commit: SubjectReceipt) => commit.verdict === 'passed' || commit.verdict === 'not-asked'
  return [...newest.filter(commit => !ready(commit)), ...newest.filter(ready)]
}

/**
 * Commits as 8-report § 1 asks for them: who signed what, on which ground it counts, and who looked at it. What decides stands
 * first: the column of a comment is narrow, and what does not fit has to be scrolled to.
 */
export function commitTable(commits: readonly SubjectReceipt[], limit: number): string {
  const rows = inReadingOrder(commits).map(commit => {
    const { verdict, digest, title, author, principal, kind, key, basis } = commit
    return row([
      MARKS[verdict],
      cell(shortDigest(digest)),
      cell(title, 80),
      cell(principal, 60),
      [basis ?? '–', ...derivation(commit)].join(' '),
      cell(reviewText(commit), 200),
      findingCodes(commit),
      cell(author, 60),
      kind ?? '–',
      // Where nothing was judged the whole key is what there is to read.
      cell(key === undefined || verdict === 'not-asked' ? key : shortKey(key), 80),
    ])
  })
  const head = ['', 'commit', 'subject', 'signer', 'basis', 'reviewed by', 'findings']
  return table([...head, 'author, as claimed', 'signature', 'key'], rows, limit)
}

export function tagTable(tags: readonly SubjectReceipt[], limit: number): string {
  const rows = tags.map(tag => {
    const { verdict, name, digest, author, principal, kind, key } = tag
    return row([
      MARKS[verdict],
      cell(name, 200),
      cell(shortDigest(digest)),
      cell(author, 60),
      cell(principal, 60),
      kind ?? '–',
      cell(key, 80),
      findingCodes(tag),
    ])
  })
  return table(['', 'tag', 'object', 'tagger, as claimed', 'signer', 'signature', 'key', 'findings'], rows, limit)
}

/** What is left of a fingerprint when the rest is in the result JSON: enough to tell the keys of a table apart. */
export function shortKey(key: string): string {
  if (/^[0-9A-F]{40,64}$/.test(key)) return `…${key.slice(-16)}`
  if (/^[0-9a-f]{64}$/.test(key)) return `${key.slice(0, 16)}…`
  return /^SHA256:[A-Za-z0-9+/]{43}$/.test(key) ? `${key.slice(0, 'SHA256:'.length + 12)}…` : key
}

/** Who reviewed a commit, on which evidence, and where. Undefined when no rule asks. Not yet safe for Markdown. */
export function reviewText({ review }: SubjectReceipt): string | undefined {
  if (review === undefined) return undefined
  const { enough, label, by, pull, earlier } = review
  const names = by.length === 0 ? 'nobody' : by.join(', ')
  const parts = [
    names,
    ...(label === 'none' ? [] : [label]),
    ...(pull === undefined ? [] : [`#${pull}`]),
    ...(earlier === true ? ['as an earlier run stated'] : []),
  ]
  return `${enough ? '' : 'not enough: '}${parts.join(' · ')}`
}

function derivation({ derivedFrom }: SubjectReceipt): readonly string[] {
  if (derivedFrom === undefined) return []
  const { pull, commits } = derivedFrom
  const from = commits.length === 1 ? '1 commit' : `${commits.length} commits`
  return [`from ${codeSpan(pull === undefined ? from : `${from} of #${pull}`)}`]
}

/** Codes, each once; the sentences stand under Findings. */
function findingCodes({ findings }: SubjectReceipt): string {
  const codes = [...new Set(findings.map(({ code }) => code))]
  const more = codes.length > 3 ? [`${codes.length - 3} more`] : []
  return codes.length === 0 ? '–' : [...codes.slice(0, 3).map(code => codeSpan(code)), ...more].join(', ')
}

/**
 * What was proved of the whole history, a sentence for each level; only what `levels` says, never what a table of commits
 * may look like.
 * @param show writes the id of the anchor.
 */
export function levelWords({ source, policy, subjects }: Receipt, show: (id: string) => string): readonly string[] {
  const levels = source?.levels ?? []
  const commits = subjects.filter(isCommit)
  const anchor = policy?.anchor
  if (anchor === undefined || commits.length === 0) return []
  const since = `Every commit since ${show(shortDigest(anchor))}`
  const words: string[] = []
  if (levels.includes('ORG_SOURCE_COMMITS_SIGNED'))
    words.push(`${since} ${signedWord(commits)} (${countsOf(commits)}).`)
  else if (levels.includes('ORG_SOURCE_COMMITS_ACCEPTED'))
    words.push(`${since} is accepted by the policy (${countsOf(commits)}).`)
  if (levels.includes('ORG_SOURCE_REVIEWED'))
    words.push('Whatever came to the branch has the review that its rules ask for.')
  return words
}

function signedWord(commits: readonly SubjectReceipt[]): string {
  return commits.every(({ basis }) => basis === 'signed') ? 'is signed' : 'is signed or derived from signed commits'
}

function countsOf(commits: readonly SubjectReceipt[]): string {
  const bases = [...new Set(commits.map(({ basis }) => basis ?? 'without a basis'))].sort()
  if (bases.length === 1) return `${commits.length} in all`
  return bases.map(word => `${commits.filter(({ basis }) => basis === word).length} ${word}`).join(', ')
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
