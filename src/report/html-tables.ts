import { shortKey } from './commits.ts'
import { commitAddress, type Html, html, link } from './html.ts'
import { code, dataTable } from './html-parts.ts'
import type { InspectedCommit, InspectedMaterial } from './inspection.ts'

export function commitTable(
  caption: string,
  commits: readonly InspectedCommit[],
  repository: string | undefined,
): Html {
  const rows = commits
    .toReversed()
    .map(({ id, principal, kind, key, basis, reviewedBy = [] }) => [
      html`<code>${link(id.slice(0, 12), commitAddress(repository, id))}</code>`,
      principal ?? html`<span class="muted">nobody</span>`,
      kind,
      basis,
      reviewedBy.length === 0 ? html`<span class="muted">–</span>` : reviewedBy.join(', '),
      key === undefined ? html`<span class="muted">–</span>` : code(shortKey(key)),
    ])
  return dataTable(caption, ['commit', 'signed by', 'signature', 'basis', 'reviewed by', 'key'], rows)
}

export function materialTable(materials: readonly InspectedMaterial[]): Html {
  const rows = materials.map(({ name, uri, digest }) => [
    name,
    digest === '' ? html`<span class="muted">no digest</span>` : code(digest),
    uri === undefined ? html`<span class="muted">–</span>` : code(uri),
  ])
  return dataTable('What the build took in, as its provenance says', ['name', 'digest', 'address'], rows)
}
