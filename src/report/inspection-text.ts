import { printable } from '../core/text.ts'
import { shortKey } from './commits.ts'
import type { Change, Comparison } from './compare.ts'
import {
  type InspectedCommit,
  type InspectedNode,
  type Inspection,
  NODE_WORDS,
  nodesOf,
  STANDING_MEANINGS,
  STANDING_WORDS,
  type Standing,
  sizeOf,
  standingSentence,
} from './inspection.ts'
import {
  type Branch,
  findingBranches,
  type Paint,
  painter,
  type TerminalOptions,
  treeLines,
  wrap,
} from './terminal-lines.ts'
import { bytes, shortDigest } from './text.ts'
import { cut } from './width.ts'

const COLUMNS = 80
/** Drawn of one image; the rest is counted. */
const NODES = 120
const COMMITS = 20
const LABELS = 20
const FINDINGS = 30

/** Colours of verdicts belong to the gate: what is only seen has the colour of what nobody asked for. */
const PAINTED = {
  held: 'not-asked',
  verified: 'passed',
  refused: 'rejected',
  seen: 'unknown',
  claimed: 'not-asked',
  missing: 'not-asked',
} as const satisfies Record<Standing, Parameters<Paint>[0]>

/** One image as a tree, for a terminal. */
export function renderInspection(inspection: Inspection, options: TerminalOptions): string {
  const paint = painter(options)
  const columns = options.columns ?? COLUMNS
  const { name, digest, kind, platforms, chain, labels, ignored, complete } = inspection
  const size = platforms.length === 0 ? [] : [`${bytes(sizeOf(inspection))}`]
  const shape = [kind ?? 'image', ...(platforms.length > 1 ? [`${platforms.length} platforms`] : []), ...size]
  const lines = [
    printable(name.includes(digest) ? name : `${name}@${digest}`, 1000),
    `  ${shape.join(', ')}`,
    ...wrap(printable(standingSentence(inspection), 3000), columns, '  ', '  '),
    ...gateLines(inspection, paint, columns),
    '',
    ...headOf(chain, paint, columns),
    ...treeLines(branchesOf(chain, paint), columns),
    ...part(
      'labels, signed by nobody:',
      labels
        .slice(0, LABELS)
        .map(item => cut(`  ${printable(item.name, 100)}: ${printable(item.value, 200)}`, columns)),
      labels.length - LABELS,
    ),
    ...part(
      'not evidence:',
      treeLines(findingBranches(ignored.slice(0, FINDINGS)), columns),
      ignored.length - FINDINGS,
    ),
    ...(complete ? [] : ['', 'What is attached could not be read to its end: there may be more.']),
    ...legend(chain, columns),
  ]
  return `${lines.join('\n')}\n`
}

function part(title: string, lines: readonly string[], more: number): readonly string[] {
  if (lines.length === 0) return []
  return ['', title, ...lines, ...(more > 0 ? [`… ${more} more in --json`] : [])]
}

function gateLines({ gate }: Inspection, paint: Paint, columns: number): readonly string[] {
  if (gate === undefined) return []
  const findings = treeLines(findingBranches(gate.findings.slice(0, FINDINGS)), columns)
  return [`  ${paint(gate.verdict, gate.verdict)}`, ...findings]
}

/** Only the words that stand in this tree. */
function legend(chain: InspectedNode, columns: number): readonly string[] {
  const used = new Set(nodesOf(chain).map(({ standing }) => standing))
  const words = (Object.keys(STANDING_WORDS) as Standing[]).filter(word => used.has(word))
  return [
    '',
    ...words.flatMap(word => wrap(`${STANDING_WORDS[word]}: ${STANDING_MEANINGS[word]}`, columns, '  ', '    ')),
  ]
}

function headOf(node: InspectedNode, paint: Paint, columns: number): readonly string[] {
  const { what, standing, about } = node
  const digest = about === undefined ? '' : `  ${shortDigest(about)}`
  const [only] = what === 'platform' ? node.facts : []
  const title = only === undefined ? NODE_WORDS[what] : `platform ${printable(only.value, 60)}`
  return [cut(`${title}  ${paint(PAINTED[standing], STANDING_WORDS[standing])}${digest}`, columns + 20)]
}

/** Who signed is said where it is not who signed what stands above. */
function branchesOf(root: InspectedNode, paint: Paint): readonly Branch[] {
  let left = NODES
  const branches = (nodes: readonly InspectedNode[], above: string | undefined): readonly Branch[] =>
    nodes.flatMap(node => {
      left--
      if (left === 0) return [plain('… more in --json')]
      if (left < 0) return []
      return [
        {
          lines: (columns: number) => [...headOf(node, paint, columns), ...detailLines(node, above, columns)],
          below: [...branches(node.below, node.by ?? above), ...listBranches(node)],
        },
      ]
    })
  return branches(root.below, undefined)
}

function plain(text: string): Branch {
  return { lines: columns => [cut(text, columns)], below: [] }
}

function detailLines(
  { what, by, signedAt, log, facts }: InspectedNode,
  above: string | undefined,
  columns: number,
): readonly string[] {
  const told = what === 'platform' ? [] : facts
  const lines = [
    ...(signedAt === undefined ? [] : [`signed ${printable(signedAt, 40)}`]),
    ...(log === undefined ? [] : [`log entry ${printable(log.index, 40)} of ${printable(log.url, 100)}`]),
    ...told.map(({ name, value }) => `${printable(name, 60)}: ${printable(value, 600)}`),
  ]
  // An identity is compared by eye, to its last letter: it is never cut.
  const who = by === undefined || by === above ? [] : wrap(`by ${printable(by, 600)}`, columns, '  ', '     ')
  return [...who, ...lines.map(line => cut(`  ${line}`, columns))]
}

/** What a node lists: materials, and commits, the newest first. */
function listBranches({ commits = [], materials = [] }: InspectedNode): readonly Branch[] {
  const newest = commits.toReversed()
  const shown = newest.slice(0, COMMITS)
  return [
    ...materials.map(({ name, digest }) =>
      plain(`${printable(name, 200)}  ${digest === '' ? 'no digest' : printable(digest, 100)}`),
    ),
    ...shown.map(commit => plain(commitLine(commit))),
    ...(newest.length > shown.length ? [plain(`… ${newest.length - shown.length} more commits in --json`)] : []),
  ]
}

function commitLine({ id, principal, kind, basis, key, reviewedBy }: InspectedCommit): string {
  const who = principal ?? (key === undefined ? 'nobody' : shortKey(key))
  const review = reviewedBy === undefined ? '' : `, reviewed by ${reviewedBy.join(', ')}`
  return printable(`${id.slice(0, 12)}  ${who.slice(0, 60)}, ${kind}, ${basis}${review}`, 300)
}

/** What changed between two images, for a terminal. */
export function renderComparison(
  [a, b]: readonly [Inspection, Inspection],
  found: Comparison,
  options: TerminalOptions,
): string {
  const columns = options.columns ?? COLUMNS
  const { commits, size } = found
  const difference = size.to - size.from
  const lines = [
    `from ${printable(a.name, 500)}${a.name.includes(a.digest) ? '' : `@${a.digest}`}`,
    `to   ${printable(b.name, 500)}${b.name.includes(b.digest) ? '' : `@${b.digest}`}`,
    ...(found.same ? ['', 'One digest: the two are the same image.'] : []),
    '',
    ...commitLines(commits),
    ...section('signers', found.signers),
    ...section('base images and other materials', found.materials),
    ...section('policy', found.policy),
    ...section('builder', found.builder),
    ...section('platforms', found.platforms),
    `size: ${bytes(size.from)} → ${bytes(size.to)}${difference === 0 ? '' : ` (${difference > 0 ? '+' : '−'}${bytes(Math.abs(difference))})`}`,
    ...part(
      'not compared, and what to know:',
      found.notCompared.flatMap(item => wrap(item, columns, '  - ', '    ')),
      0,
    ),
  ]
  return `${lines.join('\n')}\n`
}

function commitLines({
  basis,
  from = 'unknown',
  to = 'unknown',
  added,
  removed,
}: Comparison['commits']): readonly string[] {
  if (basis === 'none')
    return [`commits: not known of both (${printable(from.slice(0, 12))} → ${printable(to.slice(0, 12))})`]
  const ends = `${printable(from.slice(0, 12))} → ${printable(to.slice(0, 12))}`
  if (basis === 'ids')
    return [`commits: ${from === to ? `the same, ${ends}` : `${ends}; what lies between is not known`}`]
  const line = (mark: string) => (commit: InspectedCommit) => `  ${mark} ${commitLine(commit)}`
  const shown = [...added.toReversed().map(line('+')), ...removed.toReversed().map(line('−'))]
  const more = shown.length - 2 * COMMITS
  return [
    `commits: ${ends}, ${added.length} added, ${removed.length} removed`,
    ...shown.slice(0, 2 * COMMITS),
    ...(more > 0 ? [`  … ${more} more in --json`] : []),
  ]
}

function section(title: string, list: readonly Change[]): readonly string[] {
  if (list.length === 0) return [`${title}: no change`]
  return [`${title}:`, ...list.map(({ what, from, to }) => `  ${printable(what, 200)}: ${side(from)} → ${side(to)}`)]
}

function side(text: string | undefined): string {
  return text === undefined ? 'nothing' : printable(text, 300)
}
