import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Verdict } from '../../src/core/verdict.ts'
import { type GateStory, judgeStory } from './gate-stories.ts'

const FOLDER = join(import.meta.dirname, '../vectors/gate')
const NAMES = readdirSync(FOLDER).sort()

const sorted = (codes: readonly string[]) => [...new Set(codes)].sort()

function against(verdict: Verdict): readonly string[] {
  if (verdict.kind === 'passed') return []
  return verdict.kind === 'unknown' ? [verdict.cause.code] : sorted(verdict.findings.map(({ code }) => code))
}

test('there are vectors for every rule that the gate carries out by itself', () => {
  const numbers = new Set(NAMES.map(name => name.split('-', 1)[0]))
  for (const number of ['12', '15', '21', '26', '27', '28', '31', '41']) expect([...numbers]).toContain(number)
})

describe.each(NAMES)('%s', name => {
  const read = (file: string) => readFileSync(join(FOLDER, name, file), 'utf8')
  const story = JSON.parse(read('case.json')) as GateStory
  const { expect: wanted } = story

  test(`13-adversary ${name.split('-', 1)[0]}: ${wanted.verdict}`, () => {
    const { verdict, findings } = judgeStory(story, read('policy.yml'))
    expect([verdict.kind, against(verdict)]).toEqual([wanted.verdict, wanted.codes ?? []])
    const notes = sorted(findings.filter(({ severity }) => severity === 'note').map(({ code }) => code))
    expect(notes).toEqual(wanted.notes ?? [])
    expect(read('README.md')).toMatch(/^# .+\n\n\S/)
  })
})
