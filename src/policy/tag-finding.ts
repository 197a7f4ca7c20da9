import type { CommitId } from '../core/digest.ts'
import type { ErrorCode } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import { type Bench, findingFor } from './bench.ts'
import type { TagRule } from './policy.ts'

export const TAGS = 'refs/tags/'

export interface ExpectedTag {
  /** Full name, `refs/tags/v1.2.3`. */
  readonly ref: string
  /** The commit that is built. */
  readonly commit: CommitId
  /** Branches, as full names, along which that commit lies between the anchor and the tip served now. */
  readonly on: ReadonlySet<string>
}

/** Before whom a tag is judged, and for what. */
export interface Court {
  readonly expected: ExpectedTag
  readonly rules: readonly TagRule[]
  readonly bench: Bench
  /** `v1.2.3` */
  readonly name: string
}

/** A finding about the tag; `sentence` goes on after its name, or is one of its own. */
export function about(
  id: CommitId,
  code: ErrorCode,
  sentence: string,
  court: Court,
  facts: { readonly expected?: string; readonly found?: string; readonly remedy?: string },
): Finding {
  const text = /^[A-Z]/.test(sentence) ? `${tagText(court)}: ${sentence}` : `${tagText(court)} ${sentence}`
  return findingFor(id, code, text, facts)
}

export function tagText({ name }: Court): string {
  return `tag ${printable(name, 100)}`
}

/** Who may sign the tag under all rules. */
export function namesOf(rules: readonly TagRule[]): string {
  const [first, ...more] = rules
  const all = [...(first?.signers ?? [])].filter(name => more.every(rule => rule.signers.has(name)))
  return all.length === 0 ? 'a principal whom every rule names' : all.join(' or ')
}

export function retag({ name, rules, expected }: Court): string {
  // A ref's name may hold what a shell acts on; such a name is never put into a command to paste.
  const safe = /^[A-Za-z0-9._/+][A-Za-z0-9._/+-]*$/.test(name) ? name : 'NAME'
  return `Have it made again by ${namesOf(rules)}: git tag -s -f ${safe} ${expected.commit}, then git push --force origin refs/tags/${safe}`
}
