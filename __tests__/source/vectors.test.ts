import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as openpgp from 'openpgp'
import { isRefused } from '../../src/core/facts.ts'
import { parseCommit } from '../../src/source/commit.ts'
import { loadKeyring } from '../../src/source/keyring.ts'
import { checkSignature } from '../../src/source/verify.ts'
import { idOfCommit, readBytes } from './support.ts'

const FOLDER = join(import.meta.dirname, '../vectors/commit')
const NAMES = readdirSync(FOLDER, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(entry => entry.name)

/** Keys an `expect.json` of each kind must have, and those it may have. A typing error in one fails the run. */
const SCHEMA: Readonly<Record<string, { must: readonly string[]; may: readonly string[] }>> = {
  malformed: { must: ['kind', 'code', 'parents'], may: [] },
  none: { must: ['kind'], may: [] },
  rejected: { must: ['kind', 'code'], may: ['claimedKey'] },
  openpgp: { must: ['kind', 'algorithm', 'bits', 'fingerprint', 'primary', 'keyRevoked'], may: ['keyExpires'] },
  x509: {
    must: ['kind', 'algorithm', 'bits', 'fingerprint', 'root', 'chain', 'emails', 'notBefore', 'notAfter'],
    may: [],
  },
  ssh: { must: ['kind', 'algorithm', 'bits', 'fingerprint'], may: ['securityKey', 'certificate'] },
}

/** Vectors that prove a numbered rule of the threat model. */
const RULES: Readonly<Record<string, string>> = {
  'openpgp-two-packets': '13-adversary 12: ',
  'openpgp-wrong-type': '13-adversary 12: ',
  'openpgp-inline-message': '13-adversary 12: ',
  'openpgp-expired': '13-adversary 12: ',
  'openpgp-revoked': '13-adversary 12: ',
  'ssh-sk-untouched': '13-adversary 12: ',
  'ssh-cert-options': '13-adversary 12: ',
  'ssh-cert-extensions': '13-adversary 12: ',
  'ssh-cert-by-untouched': '13-adversary 12: ',
  'x509-expired': '13-adversary 12: ',
  'x509-many-certificates': '13-adversary 43: ',
  'x509-deep': '13-adversary 43: ',
}

async function read(name: string) {
  const folder = join(FOLDER, name)
  const expected = JSON.parse(readFileSync(join(folder, 'expect.json'), 'utf8')) as Record<string, unknown>
  const file = (path: string) =>
    existsSync(join(folder, path)) ? [{ path, bytes: readBytes(join(folder, path)) }] : []
  const keys = await loadKeyring(file('keys.asc'), file('roots.pem'))
  const bytes = readBytes(join(folder, 'commit.raw'))
  return { expected, keys, bytes, commit: parseCommit(idOfCommit(bytes), bytes) }
}

/** What the code says, in the words of `expect.json`. */
async function outcome(name: string): Promise<Record<string, unknown>> {
  const { expected, keys, commit } = await read(name)
  if ('malformed' in commit) return { kind: 'malformed', code: commit.malformed.code, parents: commit.parents.length }
  const fact = await checkSignature(commit, keys)
  const plain = JSON.stringify(fact, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
  const all = JSON.parse(plain) as Record<string, unknown>
  const { must = [], may = [] } = SCHEMA[fact.kind] ?? {}
  const facts = [...must, ...may.filter(key => key in all && key !== 'claimedKey')]
  const wanted = isRefused(fact) ? Object.keys(expected) : facts
  return Object.fromEntries([...new Set(wanted)].map(key => [key, all[key]]))
}

test('the vectors are there', () => {
  expect(NAMES.length).toBeGreaterThan(60)
})

test.each(NAMES)('the vector %s is complete: a story, a commit, an expectation without unknown keys', name => {
  const files = readdirSync(join(FOLDER, name)).sort()
  const authorities = files.filter(file => file === 'keys.asc' || file === 'roots.pem')
  expect(files).toEqual(['README.md', 'commit.raw', 'expect.json', ...authorities])
  const expected = JSON.parse(readFileSync(join(FOLDER, name, 'expect.json'), 'utf8')) as Record<string, unknown>
  const schema = SCHEMA[String(expected.kind)]
  expect(schema).toBeDefined()
  const keys = Object.keys(expected)
  expect(schema?.must.filter(key => !keys.includes(key))).toEqual([])
  expect(keys.filter(key => !schema?.must.includes(key) && !schema?.may.includes(key))).toEqual([])
  expect(readFileSync(join(FOLDER, name, 'README.md'), 'utf8')).toMatch(new RegExp(`^# ${name}\n\n.{4,}\n$`))
})

test.each(NAMES.map(name => ({ name, rule: RULES[name] ?? '' })))(
  '$rule$name gives what its folder says',
  async ({ name }) => {
    const { expected } = await read(name)
    expect(await outcome(name)).toEqual(expected)
  },
)

test.each(NAMES.filter(name => name.startsWith('openpgp-')))('the openpgp library agrees about %s', async name => {
  const { expected, bytes, commit } = await read(name)
  if (!('tree' in commit) || commit.signature === undefined) return
  // Where our answer is about the key or the packaging, the library's answer about the mathematics is another question.
  const comparable = expected.kind === 'openpgp' || expected.code === 'source/bad-signature'
  if (!comparable) return
  const config = { minRSABits: 0, rejectHashAlgorithms: new Set<openpgp.enums.hash>() }
  const result = await openpgp.verify({
    message: await openpgp.createMessage({ binary: commit.payload }),
    signature: await openpgp.readSignature({ armoredSignature: commit.signature.armor }),
    verificationKeys: await openpgp.readKeys({
      armoredKeys: readFileSync(join(FOLDER, name, 'keys.asc'), 'utf8'),
      config,
    }),
    date: null as unknown as Date,
    config,
  })
  const agreed = await result.signatures[0]?.verified.then(
    () => 'valid',
    (error: Error) => error.message,
  )
  expect(bytes.byteLength).toBeGreaterThan(0)
  if (expected.code === 'source/bad-signature') expect(agreed).toMatch(/did not match|verification failed/)
  // The library refuses revoked keys by itself; here that is a fact for the policy.
  else if (expected.keyRevoked !== true) expect(agreed).toBe('valid')
})
