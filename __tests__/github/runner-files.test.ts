import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { appendSummary, cutToBytes, runnerValue, writeRunnerValue } from '../../src/github/runner-files.ts'
import { errorOf } from './support.ts'

const folder = (): string => mkdtempSync(join(tmpdir(), 'waybill-runner-'))

/** Reads the file as the runner does: `name<<delimiter`, lines, `delimiter`. */
function parsed(text: string): Record<string, string> {
  const values: Record<string, string> = {}
  const lines = text.split('\n')
  for (let at = 0; at < lines.length - 1; at++) {
    const [, name = '', delimiter = ''] = /^([^<=]+)<<(.+)$/.exec(lines[at] ?? '') ?? []
    const end = lines.indexOf(delimiter, at + 1)
    values[name] = lines.slice(at + 1, end).join('\n')
    at = end
  }
  return values
}

test('a value of any text comes back whole and adds no other output', () => {
  const word = fc.constantFrom('waybill_1', 'waybill_2', '\n', 'digest<<', 'a=b', 'digest<<waybill_1\nevil\nwaybill_1')
  fc.assert(
    fc.property(
      fc.array(fc.oneof(word, fc.string())).map(parts => parts.join('')),
      value => {
        let count = 0
        expect(parsed(runnerValue('digest', value, () => `${++count}`))).toEqual({ digest: value })
      },
    ),
  )
})

test('writeRunnerValue() appends to the runner file', async () => {
  const file = join(folder(), 'output')
  await writeRunnerValue(file, 'digest', 'sha256:x', () => 'r1')
  await writeRunnerValue(file, 'verify-args', '["a"]', () => 'r2')
  expect(parsed(readFileSync(file, 'utf8'))).toEqual({ digest: 'sha256:x', 'verify-args': '["a"]' })
})

test('a runner file that cannot be written is a typed error', async () => {
  const error = await errorOf(writeRunnerValue('/nowhere/output', 'a', 'b', () => 'r'))
  expect(error.code).toBe('core/file-unwritable')
})

test('cutToBytes() keeps whole lines, says that it cut, and never exceeds the bound', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), fc.nat({ max: 400 }), (lines, bytes) => {
      const text = lines.join('\n')
      const cut = cutToBytes(text, bytes)
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(Math.max(bytes, 0))
      if (Buffer.byteLength(text) <= bytes) expect(cut).toBe(text)
      else if (cut !== '') expect(cut).toContain('The summary was cut here')
    }),
  )
})

test('appendSummary() stays below what GitHub shows, also after other summaries of the step', async () => {
  const file = join(folder(), 'summary')
  expect(await appendSummary(file, '# One')).toBe(true)
  expect(readFileSync(file, 'utf8')).toBe('# One\n')
  expect(await appendSummary(file, 'ü line\n'.repeat(200_000))).toBe(false)
  const text = readFileSync(file, 'utf8')
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024 * 1024)
  expect(text.startsWith('# One\nü line\n')).toBe(true)
  expect(text).toContain('The summary was cut here')
})

test('appendSummary() writes nothing where nothing fits', async () => {
  const file = join(folder(), 'summary')
  writeFileSync(file, 'x'.repeat(1024 * 1024))
  expect(await appendSummary(file, 'more')).toBe(false)
  expect(readFileSync(file, 'utf8')).toHaveLength(1024 * 1024)
})
