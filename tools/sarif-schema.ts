/**
 * Writes the official JSON schema of SARIF 2.1.0 that the tests compare every rendered SARIF file with:
 *
 *     node tools/sarif-schema.ts FOLDER       an unpacked @microsoft/jest-sarif package, 1.0.0-beta.0
 *
 * The schema is the OASIS committee's, `sarif-2.1.0-rtm.5.json`, as that package carries it (Microsoft, MIT licence). The package
 * is no dependency: of it only the schema is used, and it asks the network for newer ones. `__tests__/report/sarif-2.1.0.json` is
 * committed. Texts for people are left out, and draft 4's `id` is `$id`, as the validator of the tests reads draft 7; nothing
 * else differs between the drafts in what this schema uses, and the tool refuses one where it would.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Part = { readonly [key: string]: unknown }

const OUTPUT = join(import.meta.dirname, '../__tests__/report/sarif-2.1.0.json')
const SILENT = new Set(['$schema', 'id', 'title', 'description'])
/** Keys whose values are named by SARIF, where `description` is a property and no text of the schema. */
const NAMED = new Set(['properties', 'definitions'])

const [, , folder] = process.argv
if (folder === undefined) throw new Error('usage: node tools/sarif-schema.ts FOLDER')
const { id, ...schema } = JSON.parse(readFileSync(join(folder, 'lib/schemas/sarif-2.1.0-rtm.5.json'), 'utf8')) as Part
writeFileSync(OUTPUT, `${JSON.stringify({ $id: id, ...clean(schema) })}\n`)

function clean(part: Part): Part {
  for (const key of ['exclusiveMinimum', 'exclusiveMaximum', 'divisibleBy'])
    if (key in part) throw new Error(`${key} means something else in draft 7`)
  return Object.fromEntries(
    Object.entries(part)
      .filter(([key]) => !SILENT.has(key))
      .map(([key, value]) => [key, NAMED.has(key) ? named(value as Part) : cleanValue(value)]),
  )
}

function named(parts: Part): Part {
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, clean(part as Part)]))
}

function cleanValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleanValue)
  return typeof value === 'object' && value !== null ? clean(value as Part) : value
}
