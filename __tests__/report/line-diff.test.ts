import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { unifiedDiff } from '../../src/report/line-diff.ts'

test('unifiedDiff() says which lines went and came, with three around them', () => {
  const before = 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n'
  const after = before.replace('e\n', 'E\n').replace('l\n', 'l\nm\n')
  expect(unifiedDiff('m.yml', before, after)).toBe(`--- a/m.yml
+++ b/m.yml
@@ -2,7 +2,7 @@
 b
 c
 d
-e
+E
 f
 g
 h
@@ -10,3 +10,4 @@
 j
 k
 l
+m
`)
  expect(unifiedDiff('m.yml', before, before)).toBe('')
  expect(unifiedDiff('m.yml', undefined, 'a\nb\n')).toBe('--- /dev/null\n+++ b/m.yml\n@@ -0,0 +1,2 @@\n+a\n+b\n')
})

test('git applies every difference, also of texts without a last line end', () => {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-diff-'))
  const text = fc
    .tuple(fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 14 }), fc.boolean())
    .map(([lines, end]) => lines.join('\n') + (end && lines.length > 0 ? '\n' : ''))
  fc.assert(
    fc.property(text, text, (before, after) => {
      fc.pre(before !== after && before !== '' && after !== '')
      writeFileSync(join(folder, 'm.yml'), before)
      const input = unifiedDiff('m.yml', before, after)
      execFileSync('git', ['apply', '--unidiff-zero', '--whitespace=nowarn', '-'], { cwd: folder, input })
      expect(readFileSync(join(folder, 'm.yml'), 'utf8')).toBe(after)
    }),
    { numRuns: 60 },
  )
})

test('what is too long to be compared line by line is told whole', () => {
  const before = Array.from({ length: 6_000 }, (_, at) => `old ${at}`).join('\n')
  const after = Array.from({ length: 6_000 }, (_, at) => `new ${at}`).join('\n')
  expect(unifiedDiff('m.yml', `${before}\n`, `${after}\n`).split('\n').slice(0, 4)).toEqual([
    '--- a/m.yml',
    '+++ b/m.yml',
    '@@ -1,6000 +1,6000 @@',
    '-old 0',
  ])
})
