import type { ChainLink } from '../policy/chain.ts'
import { type Html, html, link, logAddress } from './html.ts'
import { badge, code, factList } from './html-parts.ts'
import { shortDigest } from './text.ts'
import { LINK_WORDS } from './words.ts'

const TONES = { passed: 'ok', rejected: 'bad', unknown: 'warn', 'not-asked': 'calm' } as const
/** Links drawn of one subject, and how deep: real chains have about ten, four deep. */
const LINKS = 60
const DEPTH = 8

/** The chain that the gate judged, as nested lists. */
export function subjectTree(links: readonly ChainLink[]): Html {
  let left = LINKS
  const items = (list: readonly ChainLink[], depth: number): readonly Html[] =>
    list.flatMap(item => {
      if (left === 0 || depth === 0) return []
      left--
      const below = items(item.below, depth - 1)
      return [
        html`<li>${linkBox(item)}${below.length === 0 ? undefined : html`<ul>${below}</ul>`}</li>
`,
      ]
    })
  return html`<ul class="tree" aria-label="Chain of the subject">${items(links, DEPTH)}</ul>`
}

function linkBox({ link: name, state, digest, by, signedAt, log, bundle }: ChainLink): Html {
  const head = html`<span class="name">${LINK_WORDS[name]}</span> ${badge(TONES[state], state.replace('-', ' '))}${digest === undefined ? undefined : html` <code>${shortDigest(digest)}</code>`}`
  const facts = factList([
    ...(by === undefined ? [] : [{ name: 'by', value: by }]),
    ...(signedAt === undefined ? [] : [{ name: 'signed at', value: signedAt }]),
    ...(log === undefined
      ? []
      : [{ name: 'log entry', shown: html`${link(log.index, logAddress(log))} of ${log.url}` }]),
    ...(bundle === undefined ? [] : [{ name: 'bundle', shown: code(bundle) }]),
  ])
  if (facts === undefined) return html`<div class="node flat">${head}</div>`
  return html`<details class="node"><summary>${head}</summary>${facts}</details>`
}
