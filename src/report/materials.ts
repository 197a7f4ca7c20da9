import type { MaterialReceipt, Receipt, SubjectReceipt } from './receipt.ts'
import { table } from './table.ts'
import { cell, codeSpan, sentence, shortDigest } from './text.ts'
import { MARKS } from './words.ts'

const RANK = { rejected: 0, unknown: 1, passed: 2 } as const

/** What stands in the way first; equals stay in the order of the Dockerfile. */
export function materialsInOrder({ materials }: Receipt): readonly MaterialReceipt[] {
  return (materials?.items ?? []).toSorted((a, b) => RANK[a.verdict] - RANK[b.verdict])
}

/**
 * "Base images and other materials" of the summary (8-report § 1): what goes in, by which digest now and before, by whose word.
 * Undefined where nobody asked. Whatever the Dockerfile or a signer chose stands in a code span.
 */
export function materialsPart(receipt: Receipt, limit: number): string | undefined {
  const { materials } = receipt
  if (materials === undefined) return undefined
  const items = materialsInOrder(receipt)
  const rows = items.map(item => {
    const { verdict, places, findings } = item
    const cells = [
      MARKS[verdict],
      fromCell(item),
      placesCell(places),
      digestCell(item),
      proofCell(item),
      codes(findings),
    ]
    return `| ${cells.join(' | ')} |`
  })
  const head = ['', 'from', 'named in', 'digest', 'verified by', 'findings']
  const list = rows.length === 0 ? 'Nothing but the commit itself goes in.' : table(head, rows, limit)
  const facts = [manifestText(materials), closedText(materials), resolvedText(materials)].filter(
    text => text !== undefined,
  )
  return ['### Base images and other materials', list, ...facts].join('\n\n')
}

/** Materials with something against them, as the tables of findings and annotations take them. */
export function materialSubjects(receipt: Receipt): readonly SubjectReceipt[] {
  return materialsInOrder(receipt)
    .filter(({ findings }) => findings.length > 0)
    .map(({ name, digest, verdict, findings, places }) => ({
      name,
      digest,
      verdict,
      findings,
      places: places.flatMap(place => {
        const [, file, line] = /^(.+?):([0-9]{1,9})(?: \(|$)/.exec(place) ?? []
        return file === undefined ? [] : [{ file, document: 1, path: '', line: Number(line) }]
      }),
    }))
}

/** A signature says who, a digest only which bytes; a key of the judged commit is its author's word. Not yet safe for Markdown. */
export function proofText({ proof, by }: MaterialReceipt): string {
  const who = by === undefined ? '' : ` by ${by}`
  if (proof === 'signed') return `signed${who}`
  if (proof === 'declared') return `signed${who}, a key that the commit itself declares`
  return proof === 'pinned' ? 'pinned by its digest' : 'nothing is proved of it'
}

function proofCell(item: MaterialReceipt): string {
  if (item.proof === 'pinned') return '**pinned**'
  if (item.proof === 'none') return '–'
  const declared = item.proof === 'declared' ? ' (a key that the commit itself declares)' : ''
  return `${cell(item.by, 500)}${declared}`
}

function digestCell({ digest, previous }: MaterialReceipt): string {
  if (digest === '') return '–'
  return previous === undefined ? cell(digest) : `${cell(shortDigest(previous))} → ${cell(digest)}`
}

/** A download that was answered elsewhere came from there, whatever its name says. */
function fromCell({ name, hosts = [] }: MaterialReceipt): string {
  return hosts.length === 0 ? cell(name) : `${cell(name)} by way of ${cell(hosts.join(', '))}`
}

/** Places shown in one row. */
const PLACES = 3

function placesCell(places: readonly string[]): string {
  const shown = places.slice(0, PLACES).map(place => cell(place))
  const more = places.length > shown.length ? [`${places.length - shown.length} more`] : []
  return shown.length === 0 ? '–' : [...shown, ...more].join(', ')
}

function codes(findings: MaterialReceipt['findings']): string {
  const all = [...new Set(findings.map(({ code }) => code))]
  return all.length === 0 ? '–' : all.map(code => codeSpan(code)).join(', ')
}

function manifestText({ manifest }: NonNullable<Receipt['materials']>): string | undefined {
  return manifest === undefined ? undefined : `Declared in ${codeSpan(manifest.path)}, ${codeSpan(manifest.digest)}`
}

function resolvedText({ resolved }: NonNullable<Receipt['materials']>): string | undefined {
  return resolved === undefined
    ? undefined
    : `All of it by digest: ${codeSpan(resolved.path)}, ${codeSpan(resolved.digest)}`
}

function closedText({ closed }: NonNullable<Receipt['materials']>): string | undefined {
  const words = closedWords(closed)
  return words === undefined ? undefined : sentence(words)
}

/** What was done about everything else; fixed words. */
export function closedWords(closed: NonNullable<Receipt['materials']>['closed']): string | undefined {
  if (closed === undefined) return undefined
  const { by, builder, cache, network } = closed
  const how =
    by === 'builder' ? 'The builder itself refused everything else' : 'What the Dockerfile names is all in this list'
  return `${how}; builder ${builder}, cache ${cache}, network ${network}.`
}
