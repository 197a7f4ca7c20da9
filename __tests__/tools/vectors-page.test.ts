import { join } from 'node:path'
import { vectorsPage } from '../../tools/vectors-page.ts'
import { expectGolden } from '../report/golden.ts'

test('docs/vectors.md lists every vector with its verdict', () => {
  expectGolden(join(import.meta.dirname, '../../docs/vectors.md'), vectorsPage())
})
