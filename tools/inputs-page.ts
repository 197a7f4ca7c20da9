/** `docs/inputs.md` from the `action.yml` files. A test fails when the page is stale; `node tools/inputs-page.ts` writes it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '..')

interface Action {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default?: string }>>
  readonly outputs: Readonly<Record<string, { readonly description: string }>>
}

/** First input of each part of the root action → what the part is called. */
const PARTS: Readonly<Record<string, string>> = {
  commit: 'Source',
  materials: 'Materials',
  builder: 'Build',
  images: 'What is attested, and its tags',
  sign: 'Signing',
  'insecure-registries': 'Registries and network',
  summary: 'Report',
}

const HEAD = `# Inputs and outputs

Written by \`tools/inputs-page.ts\` from the files \`action.yml\`; do not edit it by hand.

Lists are one item a line. An input that is in no table does not exist; an unknown or contradictory one is an error that names it.
The reusable workflow has [its own list](workflow.md#inputs-secrets-outputs).
`

const DOORS = [
  { title: 'The action: `OWNER/waybill`', file: 'action.yml', parts: PARTS },
  { title: 'The gate: `OWNER/waybill/verify`', file: 'verify/action.yml', parts: {} },
  { title: 'The deployer: `OWNER/waybill/deploy`', file: 'deploy/action.yml', parts: {} },
  { title: 'The companion for forks: `OWNER/waybill/comment`', file: 'comment/action.yml', parts: {} },
] as const

export function inputsPage(): string {
  return [HEAD, ...DOORS.map(door => section(door.title, door.file, door.parts))].join('\n')
}

function section(title: string, file: string, parts: Readonly<Record<string, string>>): string {
  const { inputs, outputs } = parse(readFileSync(join(ROOT, file), 'utf8')) as Action
  const rows = Object.entries(inputs).map(([name, row], at) => {
    const part = parts[name]
    const head = part === undefined && at > 0 ? '' : `${part === undefined ? '' : `\n### ${part}\n`}\n${INPUTS}`
    return `${head}| \`${name}\` | ${plain(row.description)} | ${row.default === undefined ? '' : `\`${row.default}\``} |\n`
  })
  const told = Object.entries(outputs).map(([name, { description }]) => `| \`${name}\` | ${plain(description)} |\n`)
  return `## ${title}\n${rows.join('')}\n| output | |\n|---|---|\n${told.join('')}`
}

const INPUTS = '| input | meaning | default |\n|---|---|---|\n'

/** Angle brackets, stars and pipes are text here, not markup. */
function plain(text: string): string {
  return text.replace(/[<>|*_]/g, mark => `\\${mark}`)
}

if (import.meta.main) writeFileSync(join(ROOT, 'docs', 'inputs.md'), inputsPage())
