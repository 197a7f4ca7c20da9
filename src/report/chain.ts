import { STAGES, type StageState } from '../core/stage.ts'
import type { ChainLink } from '../policy/chain.ts'
import type { StageReceipt, SubjectReceipt } from './receipt.ts'
import { LINK_WORDS, STAGE_WORDS } from './words.ts'

/** Stages that are links of the chain, in its order. */
const LINKS: readonly StageReceipt['name'][] = [...STAGES, 'resolve', 'collect', 'judge']

/** Conditions rather than links: they appear only where the chain broke at them. */
const CONDITIONS: readonly string[] = ['preflight', 'digest']

/** White text on each keeps a contrast above 4.5 : 1; the word in the node says the same as the colour. */
const FILL = {
  passed: 'fill:#1a7f37,color:#ffffff',
  rejected: 'fill:#cf222e,color:#ffffff',
  unknown: 'fill:#9a6700,color:#ffffff',
  'not-asked': 'fill:#57606a,color:#ffffff,stroke-dasharray:4',
  'not-reached': 'fill:#ffffff,color:#57606a,stroke-dasharray:4',
} as const satisfies Record<StageState, string>

/** Mermaid lines of the chain, from fixed words alone (13-adversary 37). Empty when fewer than two links are known. */
export function chain(stages: readonly StageReceipt[]): readonly string[] {
  const shown = stages.filter(({ name, state }) => !CONDITIONS.includes(name) || isBroken(state))
  const links = LINKS.flatMap(name => shown.filter(stage => stage.name === name))
  if (links.length < 2) return []
  const nodes = links.map(({ name, state }) => `  ${id(name)}["${STAGE_WORDS[name]}: ${word(state)}"]:::${id(state)}`)
  const arrows = `  ${links.map(({ name }) => id(name)).join(' --> ')}`
  const used = [...new Set(links.map(({ state }) => state))].sort()
  return ['flowchart LR', ...nodes, arrows, ...used.map(state => `  classDef ${id(state)} ${FILL[state]}`)]
}

/** Links drawn of one subject; real chains have about ten. */
const DRAWN = 40
const DEPTH = 8

/** Mermaid lines of one subject's chain, top down: fixed words and numbers alone (13-adversary 37). Empty without links. */
export function subjectChain({ verdict, links = [] }: SubjectReceipt): readonly string[] {
  if (links.length === 0) return []
  const nodes: string[] = [`  s["subject: ${word(verdict)}"]:::${id(verdict)}`]
  const arrows: string[] = []
  const used = new Set<StageState>([verdict])
  const draw = (list: readonly ChainLink[], above: string, depth: number): void => {
    for (const { link, state, below } of list) {
      if (depth === 0 || nodes.length > DRAWN) return
      const name = `l${nodes.length}`
      nodes.push(`  ${name}["${LINK_WORDS[link]}: ${word(state)}"]:::${id(state)}`)
      arrows.push(`  ${above} --> ${name}`)
      used.add(state)
      draw(below, name, depth - 1)
    }
  }
  draw(links, 's', DEPTH)
  const classes = [...used].sort().map(state => `  classDef ${id(state)} ${FILL[state]}`)
  return ['flowchart TD', ...nodes, ...arrows, ...classes]
}

function isBroken(state: StageState): boolean {
  return state === 'rejected' || state === 'unknown'
}

function id(name: string): string {
  return name.replaceAll('-', '_')
}

function word(state: StageState): string {
  return state.replace('-', ' ')
}
