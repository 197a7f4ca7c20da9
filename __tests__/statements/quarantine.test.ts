import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeUtf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { type QuarantineRecord, quarantineStatement, readQuarantine } from '../../src/statements/quarantine.ts'
import { codeOf } from '../sigstore/support.ts'

const RECORD: QuarantineRecord = {
  digest: sha256('hello'),
  decision: 'quarantine',
  policy: 'git+https://github.com/acme/app#.github/waybill.yml',
  environment: 'production',
  reason: 'The gate rejected it for failed integrity',
  codes: ['verify/identity-mismatch'],
  nonce: '5f0e6a1b9c2d4e7f8a3b6c5d4e7f0a1b',
}
const RELEASE: QuarantineRecord = { ...RECORD, decision: 'release', releases: sha256('record'), codes: [] }

const { digest, nonce } = RECORD

test.each([RECORD, RELEASE, { digest, decision: 'quarantine', reason: 'why', codes: [], nonce } as const])(
  'readQuarantine() gives back what quarantineStatement() wrote',
  record => {
    expect(readQuarantine(parseStatement(quarantineStatement(record)))).toEqual(record)
  },
)

test('the example of docs/predicates/quarantine.md is what is written', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/predicates/quarantine.md'), 'utf8')
  const [, example = ''] = /^```json\n([\s\S]*?)^```$/m.exec(page) ?? []
  expect(JSON.parse(example)).toEqual(JSON.parse(decodeUtf8(quarantineStatement(RECORD)) ?? ''))
})

test.each<[string, (json: string) => string]>([
  ['two subjects', json => json.replace('"subject":[', `"subject":[{"digest":{"sha256":"${'ab'.repeat(32)}"}},`)],
  ['no sha256', json => json.replace('"sha256"', '"sha512"').replace(/"[0-9a-f]{64}"/, `"${'ab'.repeat(64)}"`)],
  ['another decision', json => json.replace('"quarantine"', '"warn"')],
  ['a release that names nothing', json => json.replace('"quarantine"', '"release"')],
  ['no scope', json => json.replace('"scope"', '"scopes"')],
  ['an empty reason', json => json.replace(RECORD.reason, '')],
  ['a reason without end', json => json.replace(RECORD.reason, 'x'.repeat(501))],
  ['a text in place of a code', json => json.replace('verify/identity-mismatch', 'Signed by mallory')],
  ['no nonce', json => json.replace(/,"nonce":"[0-9a-f]+"/, '')],
  ['a nonce that is none', json => json.replace(nonce, 'now')],
  ['fifty-one codes', json => json.replace('"verify/identity-mismatch"', Array(51).fill('"a/b"').join())],
])('13-adversary 31: readQuarantine() refuses %s', async (_, change) => {
  const bytes = Buffer.from(change(decodeUtf8(quarantineStatement(RECORD)) ?? ''))
  expect(await codeOf(() => readQuarantine(parseStatement(bytes)))).toBe('statements/quarantine-malformed')
})

test('a record that could not be read is never written', async () => {
  expect(await codeOf(() => quarantineStatement({ ...RECORD, decision: 'release' }))).toBe(
    'statements/quarantine-malformed',
  )
  expect(await codeOf(() => quarantineStatement({ ...RECORD, reason: '' }))).toBe('statements/quarantine-malformed')
})
