import { commitAddress, type Html, html, link, logAddress } from './html.ts'
import { badge, banner, code, factList, fold, type Tone } from './html-parts.ts'
import { commitTable, materialTable } from './html-tables.ts'
import {
  type InspectedNode,
  type Inspection,
  NODE_WORDS,
  nodesOf,
  STANDING_MEANINGS,
  STANDING_WORDS,
  type Standing,
  standingSentence,
} from './inspection.ts'
import { shortDigest } from './text.ts'

/** Green and red belong to the gate. What is only seen has the colour of caution: anybody may have made it. */
const TONES = {
  held: 'calm',
  verified: 'ok',
  refused: 'bad',
  seen: 'warn',
  claimed: 'calm',
  missing: 'calm',
} as const satisfies Record<Standing, Tone>

const VERDICT_TONES = { passed: 'ok', rejected: 'bad', unknown: 'warn', 'not-asked': 'calm' } as const
const VERDICT_TITLES = {
  passed: 'Passed',
  rejected: 'Rejected',
  unknown: 'Not checked',
  'not-asked': 'Not judged',
} as const

export function verdict(inspection: Inspection): Html {
  const { gate } = inspection
  const sentence = html`<p>${standingSentence(inspection)}</p>`
  if (gate === undefined)
    return banner(
      'calm',
      'Described, not judged',
      html`<p>${standingSentence(inspection).replace('Described, not judged: n', 'N')}</p>`,
    )
  return banner(VERDICT_TONES[gate.verdict], VERDICT_TITLES[gate.verdict], sentence)
}
/** Nested lists: a screen reader tells the depth and the number of things below. */
export function tree(inspection: Inspection): Html {
  return html`<ul class="tree" aria-label="Chain of the image">${nodeItem(inspection.chain, undefined, inspection)}</ul>`
}

function nodeItem(node: InspectedNode, above: string | undefined, inspection: Inspection): Html {
  const below =
    node.below.length === 0
      ? undefined
      : html`<ul>${node.below.map(item => nodeItem(item, node.by ?? above, inspection))}</ul>`
  const head = nodeHead(node, above)
  const inner = nodeFacts(node, inspection)
  const box =
    inner === undefined
      ? html`<div class="node flat">${head}</div>`
      : html`<details class="node"><summary>${head}</summary>${inner}</details>`
  return html`<li>${box}${below}</li>
`
}

function nodeHead({ what, standing, about, by, facts }: InspectedNode, above: string | undefined): readonly Html[] {
  const name = what === 'platform' ? (facts[0]?.value ?? NODE_WORDS.platform) : NODE_WORDS[what]
  return [
    html`<span class="name">${name}</span> ${badge(TONES[standing], STANDING_WORDS[standing])}`,
    ...(about === undefined ? [] : [html` <code>${shortDigest(about)}</code>`]),
    ...(by === undefined || by === above ? [] : [html` <span class="who">by ${by}</span>`]),
  ]
}

function nodeFacts(node: InspectedNode, { origin }: Inspection): Html | undefined {
  const { what, about, signedAt, log, bundle, facts, commits, materials } = node
  const repository = facts.find(({ name }) => name === 'repository')?.value
  const shown = [
    ...(about === undefined
      ? []
      : [
          {
            name: what === 'commit' ? 'commit' : 'about',
            shown: what === 'commit' ? link(about, commitAddress(repository, about)) : code(about),
          },
        ]),
    ...(signedAt === undefined ? [] : [{ name: 'signed at', value: signedAt }]),
    ...(log === undefined
      ? []
      : [{ name: 'log entry', shown: html`${link(log.index, logAddress(log))} of ${log.url}` }]),
    ...(bundle === undefined ? [] : [{ name: 'bundle', shown: code(bundle) }]),
    ...(what === 'platform' ? [] : facts).map(fact =>
      fact.name === 'run' ? { name: 'run', shown: link(fact.value, fact.value) } : fact,
    ),
  ]
  const tables = [
    ...(commits === undefined || origin?.source !== undefined
      ? []
      : [commitTable('Commits, newest first', commits, undefined)]),
    ...(materials === undefined || origin !== undefined ? [] : [materialTable(materials)]),
  ]
  if (shown.length === 0 && tables.length === 0) return undefined
  return html`${factList(shown)}${tables}`
}

/** Only the words that stand in this tree. */
export function legend(chain: InspectedNode): Html {
  const used = new Set(nodesOf(chain).map(({ standing }) => standing))
  const words = (Object.keys(STANDING_WORDS) as Standing[]).filter(word => used.has(word))
  const rows = words.map(
    word => html`<dt>${badge(TONES[word], STANDING_WORDS[word])}</dt><dd>${STANDING_MEANINGS[word]}</dd>`,
  )
  return fold('What these words mean', html`<dl class="facts">${rows}</dl>`)
}
