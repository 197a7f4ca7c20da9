/** `docs/errors.md` from the catalogue. A test fails when the page is stale; `node tools/errors-page.ts` writes it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CATALOGUE, type CatalogueEntry } from '../src/core/catalogue.ts'

/** What a kind of failure means for the exit code and for what to do next. */
const KINDS = {
  rejected: 'checked and bad · exit 1',
  unknown: 'could not be checked · exit 2',
  configuration: 'not understood · exit 3',
} as const satisfies Record<CatalogueEntry['kind'], string>

const HEAD = `# Every error, what it means and what to do

Written by \`tools/errors-page.ts\` from \`src/core/catalogue/\`; do not edit it by hand.

Each failure has a code \`<room>/<what>\`. Codes are stable: scripts may compare them, and a code is never used again for
something else. The sentence a person reads, what was expected, what was found and a remedy made from the facts stand in the
log, in the job summary and in the result JSON under \`error\` or \`findings\`.

| kind | meaning |
|---|---|
| rejected | the thing was checked and is bad; running again does not help |
| unknown | it could not be checked (network, rate limit, a missing permission); it is neither good nor bad |
| configuration | the command line, policy or configuration could not be understood; nothing was checked |

The kind below is the usual one; a run may know better and says so by its exit code.
`

export function errorsPage(): string {
  const rooms = Map.groupBy(Object.entries(CATALOGUE), ([code]) => code.split('/', 1)[0] ?? '')
  const parts = [...rooms.keys()].sort().map(room => `## ${room}\n\n${(rooms.get(room) ?? []).map(section).join('\n')}`)
  return `${HEAD}\n${parts.join('\n')}`
}

function section([code, { kind, meaning, remedy }]: readonly [string, CatalogueEntry]): string {
  return `### \`${code}\`\n\n*${KINDS[kind]}*\n\n${plain(meaning)}\n\n**What to do:** ${plain(remedy)}\n`
}

/** Angle brackets and pipes are text here, not markup. */
function plain(text: string): string {
  return text.replace(/[<>|*_`]/g, mark => `\\${mark}`)
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '..', 'docs', 'errors.md'), errorsPage())
