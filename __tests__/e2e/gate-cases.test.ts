import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { type CaseWorld, caseWorld } from './gate-case-world.ts'
import { GATE_CASES } from './gate-cases.ts'
import { type GateBench, openGateBench } from './gate-support.ts'

jest.setTimeout(180_000)

const PAGE = join(import.meta.dirname, '../../docs/gate-cases.md')

let bench: GateBench
let world: CaseWorld
const got = new Map<string, string>()

beforeAll(async () => {
  bench = await openGateBench()
  world = caseWorld(bench, join(bench.scenario.stack.folder, 'cases'))
})

afterAll(() => bench.close())

test.each(GATE_CASES.map(row => [`${row.group}: ${row.given}`, row] as const))('%s', async (name, row) => {
  const answer = await row.run(world)
  got.set(name, answer)
  expect(answer).toBe(row.expected)
})

/** `1 verify/x` as a cell. */
function cell(answer: string): string {
  const [exit = '', ...codes] = answer.split(' ')
  const word = { 0: 'passed', 1: 'rejected', 2: 'unknown', 3: 'not understood' }[exit] ?? exit
  return [`${exit} ${word}`, ...codes.map(code => `\`${code}\``)].join(', ')
}

test('docs/gate-cases.md is this table, with what came', () => {
  const groups = [...new Set(GATE_CASES.map(({ group }) => group))]
  const tables = groups.map(group => {
    const rows = GATE_CASES.filter(row => row.group === group).map(
      ({ given, expected }) =>
        `| ${given} | ${cell(expected)} | ${cell(got.get(`${group}: ${given}`) ?? 'did not run')} |`,
    )
    return `## ${group}\n\n| case | expected | got |\n|---|---|---|\n${rows.join('\n')}\n`
  })
  const text = `# What the gate says to what

Written by \`__tests__/e2e/gate-cases.test.ts\` from what the shipped command answered; do not edit it by hand
(\`UPDATE_GOLDEN=1\` writes it again). Exit code, verdict, and the codes that decided; of what passed, its notes.
Vectors of [single rooms](vectors.md) are many more.

${tables.join('\n')}`
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(PAGE, text)
  expect(readFileSync(PAGE, 'utf8')).toBe(text)
})
