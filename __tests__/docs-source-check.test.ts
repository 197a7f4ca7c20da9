import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const read = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8')

test.each(['range', 'explain'])('the example in docs/source-check.md is what the session prints: %s', name => {
  const page = read('docs/source-check.md')
  const printed = read(`__tests__/scripts/source-check-${name}.golden`)
  const shown = name === 'range' ? printed : (/^commit [\s\S]*^verdict .*$/m.exec(printed)?.[0] ?? '')
  expect(shown).not.toBe('')
  expect(page).toContain(shown)
})
