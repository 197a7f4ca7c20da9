import type { ErrorCode } from '../../src/core/error.ts'
import type { RefusedSignature, ValidOpenpgp, ValidX509 } from '../../src/core/facts.ts'
import { compare } from '../../src/source/cross-check.ts'
import type { NativeAnswer } from '../../src/source/native-answer.ts'

const F = 'AB'.repeat(20)
const OTHER = 'CD'.repeat(20)
const VALID: ValidOpenpgp = {
  kind: 'openpgp',
  fingerprint: F,
  primary: F,
  algorithm: 'ed25519',
  bits: 256,
  claimedTime: new Date(0),
  keyRevoked: false,
}
const X509: ValidX509 = {
  kind: 'x509',
  fingerprint: F,
  root: F,
  chain: [],
  emails: [],
  algorithm: 'rsa',
  bits: 2048,
  notBefore: new Date(0),
  notAfter: new Date(0),
}
const refused = (
  code: ErrorCode,
  claimedKey = F,
  scheme: RefusedSignature['scheme'] = 'openpgp',
): RefusedSignature => ({
  kind: 'rejected',
  scheme,
  code,
  message: '',
  claimedKey,
})

const valid: NativeAnswer = { kind: 'valid', fingerprint: F }
const validByOther: NativeAnswer = { kind: 'valid', fingerprint: OTHER }
const invalid: NativeAnswer = { kind: 'invalid', said: '' }
const unjudged: NativeAnswer = { kind: 'unjudged', said: '' }
const noKey = (...held: readonly string[]): NativeAnswer => ({ kind: 'no-key', said: '', held: new Set(held) })
const BAD = refused('source/bad-signature')
const UNKNOWN = refused('source/key-unknown')

test.each([
  ['valid, valid by the same key', VALID, valid, 'agree'],
  ['valid, valid by another key', VALID, validByOther, 'disagree'],
  ['valid, invalid', VALID, invalid, 'disagree'],
  ['valid, no key although it was given', VALID, noKey(F), 'disagree'],
  ['valid, no key because the program did not take it', VALID, noKey(OTHER), 'not-compared'],
  ['valid, no answer', VALID, unjudged, 'not-compared'],
  ['valid certificate, no answer', X509, unjudged, 'not-compared'],
  ['bad, invalid', BAD, invalid, 'agree'],
  ['bad, valid', BAD, valid, 'disagree'],
  ['bad, no key although it was given', BAD, noKey(F), 'disagree'],
  ['bad by key id, no key although it was given', refused('source/bad-signature', F.slice(-16)), noKey(F), 'disagree'],
  ['bad, no key because the program did not take it', BAD, noKey(OTHER), 'not-compared'],
  ['bad, no answer', BAD, unjudged, 'not-compared'],
  ['key unknown, no key', UNKNOWN, noKey(), 'agree'],
  ['key unknown, valid', UNKNOWN, valid, 'disagree'],
  ['key unknown, invalid', UNKNOWN, invalid, 'disagree'],
  ['weak hash, valid', refused('source/weak-hash'), valid, 'refused-before'],
  ['malformed, invalid', refused('source/malformed'), invalid, 'refused-before'],
  ['bad certificate, no answer', refused('source/bad-signature', F, 'x509'), unjudged, 'not-compared'],
] as const)('compare(): %s', (_, own, answer, relation) => {
  expect(compare(own, answer)).toBe(relation)
})
