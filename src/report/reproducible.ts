import { printable } from '../core/text.ts'
import type { ComparedPlatform, Difference, FileAspect } from '../reproducible/difference.ts'
import type { Receipt, ReproducibleReceipt, SubjectReceipt } from './receipt.ts'
import { table } from './table.ts'
import { cell, sentence } from './text.ts'
import { MARKS } from './words.ts'

/** What somebody would mend first: a file says more than the digests that follow from it. */
const ORDER: readonly Difference['kind'][] = [
  'platform',
  'file',
  'layers',
  'config',
  'manifest',
  'format',
  'packing',
  'unread',
]

const ASPECTS = {
  presence: 'is in one build only',
  type: 'is of another kind',
  content: 'has another content',
  target: 'links elsewhere',
  mode: 'has other permissions',
  owner: 'belongs to somebody else',
  time: 'has another time',
  xattrs: 'has other extended attributes',
  device: 'is another device',
  order: 'stands at another place of the layer',
} as const satisfies Record<FileAspect, string>

/** The difference that is named where there is room for one. Platforms without any are never the worst. */
export function worstDifference(platforms: readonly ComparedPlatform[]): {
  readonly platform: string
  readonly message: string
  readonly first: string
  readonly second: string
} {
  const all = platforms.flatMap(({ platform, first, second, differences }) =>
    differences.map(difference => ({ platform, first, second, difference })),
  )
  const [worst] = all.toSorted((a, b) => ORDER.indexOf(a.difference.kind) - ORDER.indexOf(b.difference.kind))
  if (worst === undefined) return { platform: '', message: '', first: '', second: '' }
  const { platform, difference } = worst
  return {
    platform: printable(platform, 100),
    message: differenceText(difference),
    first: difference.first ?? worst.first ?? 'nothing',
    second: difference.second ?? worst.second ?? 'nothing',
  }
}

/** One difference in words; printable, not yet safe for Markdown. */
export function differenceText(difference: Difference): string {
  const { layer, path = '' } = difference
  const where = layer === undefined ? '' : `layer ${layer}: `
  return printable(`${where}${wordsOf(difference, path)}`, 600)
}

function wordsOf({ kind, what, first = '', second = '' }: Difference, path: string): string {
  switch (kind) {
    case 'platform':
      return 'only one of the builds made it'
    case 'file':
      return `${path} ${ASPECTS[what ?? 'content']}`
    case 'layers':
      return `${first} layers in one build, ${second} in the other`
    case 'config':
    case 'manifest':
      return `${path === '' ? 'the spelling' : path} of the ${kind === 'config' ? 'configuration' : 'manifest'} differs`
    case 'format':
      return 'its files are the same, and the archive writes them in another way'
    case 'packing':
      return 'its content is the same, and only its compression differs'
    default:
      return `it differs, and could not be looked into (${second})`
  }
}

/** In one sentence what came of it; no name from outside stands in it. */
export function reproducibleSentence({ state, earlier, platforms }: ReproducibleReceipt): string {
  if (state === 'unknown') return 'Not known: the second build could not be made or compared.'
  if (state === 'passed')
    return earlier === true
      ? 'Reproducible: an earlier attempt of this run built the commit twice, and both builds gave the same bytes.'
      : 'Reproducible: a second build of the commit gave the same bytes.'
  const kinds = new Set(platforms.flatMap(({ differences }) => differences.map(({ kind }) => kind)))
  return kinds.size === 1 && kinds.has('packing')
    ? 'Not bit for bit: the second build has the same content, compressed in another way.'
    : 'Not reproducible: a second build of the commit gave another image.'
}

/** "Built again and compared" of the summary: undefined where nobody asked. What a build chose stands in code spans. */
export function reproduciblePart({ reproducible }: Receipt, limit: number): string | undefined {
  if (reproducible === undefined) return undefined
  const { state, platforms, findings } = reproducible
  const why = findings.flatMap(({ found }) => (state === 'unknown' && found !== undefined ? [sentence(found)] : []))
  const rows = platforms.flatMap(({ platform, differences }) =>
    differences.map(({ more, first, second, madeBy, ...difference }) => {
      const text = differenceText({ ...difference, ...numbers(difference, first, second) })
      const what = `${cell(text, 700)}${more === true ? ', and maybe more' : ''}`
      return `| ${[cell(platform), what, cell(first), cell(second), cell(madeBy)].join(' | ')} |`
    }),
  )
  const list =
    rows.length === 0
      ? []
      : [table(['platform', 'what differs', 'first build', 'second build', 'made by'], rows, limit)]
  return [
    '### Built again and compared',
    `${MARKS[state]} ${reproducibleSentence(reproducible)}`,
    ...why,
    ...list,
  ].join('\n\n')
}

/** Numbers and codes belong to the words; values that a build chose stand in columns of their own. */
function numbers({ kind }: Difference, first?: string, second?: string): Pick<Difference, 'first' | 'second'> {
  if (kind !== 'layers' && kind !== 'unread') return {}
  return { ...(first === undefined ? {} : { first }), ...(second === undefined ? {} : { second }) }
}

/** As the tables of findings and annotations take it. */
export function reproducibleSubjects({ reproducible, image }: Receipt): readonly SubjectReceipt[] {
  if (reproducible === undefined || reproducible.findings.length === 0) return []
  const { state, findings } = reproducible
  return [{ name: image?.repository ?? '', digest: image?.digest ?? '', verdict: state, findings }]
}

/** Differences told in the terminal; the rest is counted. */
const TOLD = 20

/** Lines of the terminal, without their indent; the first is the sentence. */
export function reproducibleLines({ reproducible }: Receipt): readonly string[] {
  if (reproducible === undefined) return []
  const told = reproducible.platforms.flatMap(({ platform, differences }) =>
    differences.map(difference => `${printable(platform, 100)}: ${differenceText(difference)}${valuesOf(difference)}`),
  )
  const why = reproducible.state === 'unknown' ? reproducible.findings.flatMap(({ found = [] }) => found) : []
  const more = told.length > TOLD ? [`${told.length - TOLD} more in the result JSON`] : []
  return [reproducibleSentence(reproducible), ...why.map(text => printable(text, 600)), ...told.slice(0, TOLD), ...more]
}

function valuesOf({ kind, first, second }: Difference): string {
  if (kind === 'layers' || kind === 'unread' || first === undefined || second === undefined) return ''
  return printable(`: ${first} → ${second}`, 700)
}
