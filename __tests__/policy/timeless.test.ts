import type { Verified } from '../../src/core/verified.ts'
import { type Expectation, expectationFromFlags, judgeImage } from '../../src/policy/gate.ts'
import type { SignedStatement } from '../../src/statements/statement.ts'
import { IMAGE, signed } from './images.ts'
import { NOW } from './world.ts'

const FINGERPRINT = 'ab'.repeat(32)
const expectation = expectationFromFlags({ key: { file: 'k.pub', fingerprint: FINGERPRINT } })
const byKey = signed({ signer: { kind: 'key', fingerprint: FINGERPRINT } })

/** As `verifyUnwitnessed()` gives it: no service has said when. */
function timeless(): Verified<SignedStatement> {
  const { signedAt: _, ...rest } = byKey
  return { ...rest, timeSources: [] } as unknown as Verified<SignedStatement>
}

function verdictOf(statement: Verified<SignedStatement>, more: Partial<Expectation>): string {
  const context = { rejectedBundles: [], incomplete: false, now: NOW }
  const { verdict } = judgeImage({ name: 'app.tgz', digest: IMAGE }, [statement], { ...expectation, ...more }, context)
  return verdict.kind === 'rejected' ? verdict.findings.map(({ code }) => code).join() : verdict.kind
}

const later: Expectation['revoked'] = [
  { kind: 'key', fingerprint: FINGERPRINT.toUpperCase(), effective: new Date('2099-01-01'), mode: 'retired' },
]

test('a signature without a time counts where nothing asks for one', () => {
  expect(verdictOf(timeless(), {})).toBe('passed')
})

test('max-age, however long, holds of no signature without a time', () => {
  expect(verdictOf(byKey, { maxAgeSeconds: 1e9 })).toBe('passed')
  expect(verdictOf(timeless(), { maxAgeSeconds: 1e9 })).toBe('verify/too-old')
})

test('13-adversary 12: a revocation counts whenever it took effect, where nobody knows the time of the signature', () => {
  expect(verdictOf(byKey, { revoked: later })).toBe('passed')
  expect(verdictOf(timeless(), { revoked: later })).toBe('verify/signer-revoked')
})
