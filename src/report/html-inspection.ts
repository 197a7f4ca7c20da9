import { type Html, html } from './html.ts'
import { legend, tree, verdict } from './html-chain.ts'
import { page } from './html-page.ts'
import { code, dataTable, findingItem, section } from './html-parts.ts'
import { commitTable, materialTable } from './html-tables.ts'
import { type Inspection, nodesOf, STANDING_WORDS, sizeOf } from './inspection.ts'
import { bytes } from './text.ts'

/** One image as a page of its own. @returns the bytes of a whole HTML document, as text. */
export function renderInspectionPage(inspection: Inspection): string {
  const { name, digest, gate, ignored, complete, labels } = inspection
  const header = html`<p class="kicker">Waybill: where an image comes from</p>
<h1>${name.replace(`@${digest}`, '')}</h1><p>${code(digest)}</p>${numbers(inspection)}${verdict(inspection)}`
  const main = [
    ...(gate === undefined || gate.findings.length === 0
      ? []
      : [section('What the gate found', gate.findings.map(findingItem))]),
    section('The chain', [tree(inspection), legend(inspection.chain)]),
    ...originParts(inspection),
    ...(inspection.platforms.length === 0 ? [] : [section('Platforms', platformTable(inspection))]),
    ...(labels.length === 0 ? [] : [section('Labels and annotations', labelTable(inspection))]),
    section('Not evidence', notEvidence(ignored, complete)),
  ]
  return page(`${name}: where it comes from`, header, main)
}

function numbers(inspection: Inspection): Html {
  const { kind, platforms, chain, origin } = inspection
  const signed = nodesOf(chain).filter(({ bundle }) => bundle !== undefined).length
  const items = [
    html`<li><b>${kind ?? 'image'}</b></li>`,
    ...(platforms.length === 0
      ? []
      : [html`<li><b>${platforms.length}</b> ${plural('platform', platforms.length)}</li>`]),
    ...(platforms.length === 0 ? [] : [html`<li><b>${bytes(sizeOf(inspection))}</b></li>`]),
    html`<li><b>${signed}</b> ${plural('signed statement', signed)}</li>`,
    ...(origin?.source === undefined
      ? []
      : [html`<li><b>${origin.source.count}</b> ${plural('commit', origin.source.count)}</li>`]),
  ]
  return html`<ul class="numbers">${items}</ul>`
}

function plural(word: string, count: number): string {
  return count === 1 ? word : `${word}s`
}

/** Commits and materials of the one provenance that tells where the image comes from. */
function originParts({ origin, stories }: Inspection): readonly Html[] {
  if (origin === undefined)
    return stories < 2
      ? []
      : [
          section(
            'Where it comes from',
            html`<p class="notice">${stories} provenances tell different stories, and nothing tells which one counts. Name who is expected, with --policy.</p>`,
          ),
        ]
  const { source, materials, repository } = origin
  const word =
    origin.standing === 'verified'
      ? 'The provenance is verified.'
      : 'The provenance is seen: it is the word of whoever signed it.'
  const commits =
    source === undefined
      ? html`<p>Only the built commit is known; no source detail is attached.</p>`
      : html`<p class="muted">${source.count} judged from anchor <code>${source.policy.anchor.slice(0, 12)}</code> on, by ${source.policy.uri}.</p>${commitTable(
          `Commits, newest first: ${STANDING_WORDS[source.standing]}`,
          source.commits,
          repository,
        )}`
  const taken =
    materials.length === 0
      ? html`<p>The provenance names none.</p>`
      : html`<p class="muted">${word}</p>${materialTable(materials)}`
  return [section('Commits', commits), section('Base images and other materials', taken)]
}

function platformTable({ platforms }: Inspection): Html {
  const rows = platforms.map(({ platform, digest, size }) => [platform, code(digest), bytes(size)])
  return dataTable('Platforms of the image', ['platform', 'digest', 'size'], rows)
}

/** Long texts of strangers: some of each, and not too many. */
const LABELS = 60
const LABEL = 300

function labelTable({ labels }: Inspection): Html {
  const rows = labels
    .slice(0, LABELS)
    .map(({ from, name, value }) => [name.slice(0, LABEL), code(value.slice(0, LABEL)), from])
  const more = labels.length - rows.length
  const table = dataTable('Words of whoever made the image, signed by nobody', ['name', 'value', 'kind'], rows)
  return html`${table}${more > 0 ? html`<p class="muted">${more} more with --json.</p>` : undefined}`
}

const IGNORED = 50

function notEvidence(ignored: Inspection['ignored'], complete: boolean): Html {
  const cut = complete
    ? undefined
    : html`<p class="notice">What is attached could not be read to its end: there may be more.</p>`
  if (ignored.length === 0) return html`${cut}<p>Nothing attached was left out.</p>`
  const shown = ignored.slice(0, IGNORED).map(findingItem)
  const count =
    ignored.length === 1
      ? '1 thing that could not be verified or read, and counts for nothing.'
      : `${ignored.length} things that could not be verified or read, and count for nothing.`
  return html`${cut}<p>${count}</p>${shown}`
}
