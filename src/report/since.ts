import { isCommit } from './commits.ts'
import type { MaterialReceipt, Receipt, SinceReceipt } from './receipt.ts'
import { codeSpan, growth, shortDigest } from './text.ts'

/** Base images and other materials told one by one; the table below has all of them. */
const TOLD = 10

/**
 * What changed since the last attested image of the branch (8-report § 1). Undefined where nobody looked. Only what verified is compared;
 * what is not known is said so.
 */
export function sincePart(receipt: Receipt, limit: number): string | undefined {
  const { since } = receipt
  if (since === undefined) return undefined
  const title = '### Changes since the last attested image'
  if (since.state === 'none') return `${title}\n\nThere is no attested image of this branch to compare with.`
  if (since.state === 'unknown')
    return `${title}\n\nNot known: the record of the last image could not be read, or no run of this branch signed it (${codeSpan(since.why ?? '')}).`
  const lines = [
    `- Compared with ${imageText(since)}`,
    commitsText(since, receipt),
    ...materialLines(since, receipt, limit),
  ]
  return [title, [...lines, sizeText(receipt)].join('\n')].join('\n\n')
}

function imageText({ image, commit, signedAt }: SinceReceipt): string {
  const of = commit === undefined ? '' : ` of commit ${codeSpan(shortDigest(commit))}`
  const when = signedAt === undefined ? '' : `, signed ${codeSpan(signedAt, 40)}`
  return `${codeSpan(shortDigest(image ?? ''))}${of}${when}`
}

function commitsText({ commits }: SinceReceipt, { subjects }: Receipt): string {
  if (commits === 0) return '- Commits: none'
  if (commits !== undefined) return `- Commits: ${commits} new`
  const why = subjects.some(isCommit) ? 'that commit is none of those looked at here' : 'no commit was looked at here'
  return `- Commits: not known, ${why}`
}

function materialLines({ materials: before }: SinceReceipt, { materials }: Receipt, limit: number): readonly string[] {
  const about = '- Base images and what else goes in:'
  if (materials === undefined) return [`${about} not known, nobody looked at them in this run`]
  // One commit is a dependency, too, but no material.
  if (before === undefined || before === 0) return [`${about} not known, the provenance of that image names none`]
  const changed = materials.items.filter(({ previous }) => previous !== undefined)
  if (changed.length === 0) return [`${about} none has another digest`]
  const shown = changed.slice(0, Math.min(TOLD, limit))
  const more = changed.length - shown.length
  return [
    `${about} ${changed.length} ${changed.length === 1 ? 'has' : 'have'} another digest`,
    ...shown.map(changedText),
    ...(more === 0 ? [] : [`  - ${more} more in the table below and in the result JSON`]),
  ]
}

function changedText({ name, previous = '', digest }: MaterialReceipt): string {
  return `  - ${codeSpan(name)} ${codeSpan(shortDigest(previous))} → ${codeSpan(shortDigest(digest))}`
}

function sizeText({ image }: Receipt): string {
  const known = (image?.platforms ?? []).filter(({ previousSize }) => previousSize !== undefined)
  if (known.length === 0) return '- Size: not known'
  const sum = (sizes: readonly (number | undefined)[]) => sizes.reduce<number>((all, size = 0) => all + size, 0)
  const change = growth(sum(known.map(({ size }) => size)), sum(known.map(({ previousSize }) => previousSize)))
  return `- Size: ${change}${known.length === 1 ? '' : ` over ${known.length} platforms`}`
}
