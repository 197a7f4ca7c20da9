import type { Finding } from '../core/verdict.ts'
import type { Change } from './compare.ts'
import { type Html, html, type Value } from './html.ts'
import type { Fact } from './inspection.ts'

export type Tone = 'ok' | 'bad' | 'warn' | 'calm'

/** Colour is never all: the word says the same. */
export function badge(tone: Tone, text: string): Html {
  return html`<span class="badge ${tone}">${text}</span>`
}

const MARKS = { ok: '✓', bad: '✕', warn: '!', calm: 'i' } as const satisfies Record<Tone, string>

export function banner(tone: Tone, title: string, text: Value): Html {
  return html`<div class="banner ${tone}"><span class="mark" aria-hidden="true">${MARKS[tone]}</span><div><strong>${title}</strong>${text}</div></div>`
}

/** A part of the page with its heading. */
export function section(title: string, content: Value): Html {
  return html`<section><h2>${title}</h2>${content}</section>`
}

export function factList(facts: readonly (Fact | { readonly name: string; readonly shown: Html })[]): Html | undefined {
  if (facts.length === 0) return undefined
  const rows = facts.map(fact => html`<dt>${fact.name}</dt><dd>${'shown' in fact ? fact.shown : fact.value}</dd>`)
  return html`<dl class="facts">${rows}</dl>`
}

/** Rows of one table; what is more is counted. */
const ROWS = 500

/**
 * A table that a narrow window scrolls by itself; it can be reached by keyboard, so that it can be scrolled by keyboard.
 * @param rows the first cell of each is its heading.
 */
export function dataTable(caption: string, head: readonly string[], rows: readonly (readonly Value[])[]): Html {
  const shown = rows.slice(0, ROWS)
  const body = shown.map(([first, ...cells]) => {
    return html`<tr><th scope="row">${first}</th>${cells.map(item => html`<td>${item}</td>`)}</tr>
`
  })
  const more = rows.length - shown.length
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption>
<thead><tr>${head.map(name => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${body}</tbody></table></div>${more > 0 ? html`<p class="muted">${more} more in the result as JSON.</p>` : undefined}`
}

/** What was held against something, and what to do. */
export function findingItem({ code, severity, message, expected, found, remedy }: LooseFinding): Html {
  const tone = severity === 'note' ? 'calm' : 'bad'
  const facts = [
    ...(expected === undefined ? [] : [{ name: 'expected', value: expected }]),
    ...(found === undefined ? [] : [{ name: 'found', value: found }]),
    ...(remedy === undefined || remedy === '' ? [] : [{ name: 'what to do', value: remedy }]),
  ]
  return html`<div class="finding"><p>${badge(tone, severity === 'note' ? 'note' : 'against it')} <code>${code}</code></p><p>${message}</p>${factList(facts)}</div>
`
}

/** Of an error the code may be any text: a result file is read back, too. */
type LooseFinding = Pick<Finding, 'severity' | 'message'> & {
  readonly code: string
  readonly expected?: string | undefined
  readonly found?: string | undefined
  readonly remedy?: string | undefined
}

export function plainList(items: readonly string[]): Html {
  return html`<ul class="plain">${items.map(item => html`<li>${item}</li>`)}</ul>`
}

/** @param shown whether it is open when the page is: for what nobody may miss. */
export function fold(title: string, content: Value, shown = false): Html {
  const head = html`<summary>${title}</summary>${content}`
  return shown ? html`<details class="fold" open>${head}</details>` : html`<details class="fold">${head}</details>`
}

export function code(text: string): Html {
  return html`<code>${text}</code>`
}

/** A table of what differs, or a sentence that nothing does. */
export function changeTable(caption: string, changes: readonly Change[]): Html {
  if (changes.length === 0) return html`<p>No change.</p>`
  const rows = changes.map(({ what, from, to }) => [what, side(from), side(to)])
  return dataTable(caption, ['what', 'from', 'to'], rows)
}

function side(text: string | undefined): Html {
  return text === undefined ? html`<span class="muted">nothing</span>` : code(text)
}
