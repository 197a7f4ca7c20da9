import type { Comparison } from './compare.ts'
import { commitAddress, type Html, html, link } from './html.ts'
import { tree, verdict } from './html-chain.ts'
import { page } from './html-page.ts'
import { banner, changeTable, factList, fold, plainList, section } from './html-parts.ts'
import { commitTable } from './html-tables.ts'
import type { Inspection } from './inspection.ts'
import { bytes } from './text.ts'

/** What changed between two images, as a page. */
export function renderComparisonPage([a, b]: readonly [Inspection, Inspection], found: Comparison): string {
  const { commits, size, notCompared } = found
  const header = html`<p class="kicker">Waybill: what changed between two images</p><h1>${shortName(a)} → ${shortName(b)}</h1>${factList(
    [
      { name: 'from', shown: html`${shortName(a)}<br><code>${a.digest}</code>` },
      { name: 'to', shown: html`${shortName(b)}<br><code>${b.digest}</code>` },
    ],
  )}${found.same ? banner('calm', 'One digest: the two are the same image', undefined) : undefined}${notCompared.length === 0 ? undefined : banner('warn', 'What to know of this comparison', plainList(notCompared))}`
  const difference = size.to - size.from
  const sign = difference === 0 ? 'no change' : `${difference > 0 ? '+' : '−'}${bytes(Math.abs(difference))}`
  const main = [
    section('Commits', commitChanges(commits, b.origin?.repository ?? a.origin?.repository)),
    section('Base images and other materials', changeTable('Materials that changed', found.materials)),
    section('Signers', changeTable('Who signed', found.signers)),
    section('Policy', changeTable('Rules that the commits were judged by', found.policy)),
    section('Builder', changeTable('Who built', found.builder)),
    section(
      'Platforms and size',
      html`<p>${bytes(size.from)} → ${bytes(size.to)} (${sign})</p>${changeTable('Platforms that changed', found.platforms)}`,
    ),
    section(
      'Both chains',
      [a, b].map((side, at) =>
        fold(`${at === 0 ? 'from' : 'to'}: ${shortName(side)}`, html`${verdict(side)}${tree(side)}`),
      ),
    ),
  ]
  return page(`${shortName(a)} → ${shortName(b)}: what changed`, header, main)
}

function shortName({ name, digest }: Inspection): string {
  return name.replace(`@${digest}`, '')
}

function commitChanges(
  { basis, from, to, added, removed }: Comparison['commits'],
  repository: string | undefined,
): Html {
  const end = (id: string | undefined) =>
    id === undefined
      ? html`<span class="muted">unknown</span>`
      : html`<code>${link(id.slice(0, 12), commitAddress(repository, id))}</code>`
  const ends = html`<p>${end(from)} → ${end(to)}</p>`
  if (basis === 'none') return html`${ends}<p>The built commit is not known of both.</p>`
  if (basis === 'ids')
    return html`${ends}<p>${from === to ? 'Both were built from the same commit.' : 'What lies between is not known.'}</p>`
  const tables = [
    ...(added.length === 0 ? [] : [commitTable(`${added.length} added, newest first`, added, repository)]),
    ...(removed.length === 0 ? [] : [commitTable(`${removed.length} removed, newest first`, removed, repository)]),
  ]
  return html`${ends}${tables.length === 0 ? html`<p>No commit was added or removed.</p>` : tables}`
}
