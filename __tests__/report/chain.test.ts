import { chain } from '../../src/report/chain.ts'
import { RELEASE } from './receipts.ts'

test('chain() draws the links in order, each with its outcome as word and colour', () => {
  const lines = chain(RELEASE.stages)
  expect(lines[0]).toBe('flowchart LR')
  expect(lines).toContain('  source["commits: passed"]:::passed')
  expect(lines).toContain('  materials["materials: not asked"]:::not_asked')
  expect(lines).toContain('  source --> materials --> build --> sign --> publish --> self_verify --> tags')
})

test('chain() of fewer than two links is nothing', () => {
  expect(chain([])).toEqual([])
  expect(chain([{ name: 'resolve', state: 'unknown', ms: 1 }])).toEqual([])
})
