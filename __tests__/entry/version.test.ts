import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { WAYBILL_VERSION } from '../../src/entry/version.ts'

test('the version the program names is that of package.json', () => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'))
  expect(WAYBILL_VERSION).toBe(manifest.version)
})
