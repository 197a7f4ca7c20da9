import { join } from 'node:path'
import { errorsPage } from '../../tools/errors-page.ts'
import { expectGolden } from '../report/golden.ts'

test('docs/errors.md is what the catalogue generates', () => {
  expectGolden(join(import.meta.dirname, '../../docs/errors.md'), errorsPage())
})
