import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inputsPage } from '../tools/inputs-page.ts'

const PAGE = join(import.meta.dirname, '..', 'docs', 'inputs.md')

test('docs/inputs.md is what the action.yml files say', () => {
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(PAGE, inputsPage())
  expect(readFileSync(PAGE, 'utf8')).toBe(inputsPage())
})
