import type { RuleChange } from '../../src/report/receipt.ts'
import { ruleLines } from '../../src/report/terminal-source.ts'
import { LOOSENING, RELEASE } from './receipts.ts'

test('13-adversary 3: a long change of the rules pushes no other one out of sight', () => {
  const [second] = LOOSENING.ruleChanges ?? []
  if (second === undefined) throw new Error('no change')
  const line = { how: 'added', what: 'principal', text: 'x', loosens: true } as const
  const first: RuleChange = { ...second, lines: Array.from({ length: 200 }, () => line) }
  const told = ruleLines({ ...RELEASE, ruleChanges: [first, second] })
  expect(told.filter(text => text.includes('changes the policy'))).toHaveLength(2)
  expect(told.join(' ')).toContain('1 of 2 differences loosens the rules')
  expect(told.join(' ')).toContain('160 more in the result JSON')
  expect(told.length).toBeLessThan(60)
})
