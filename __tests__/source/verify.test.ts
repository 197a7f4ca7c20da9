import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as openpgp from 'openpgp'
import type { SignatureFact } from '../../src/core/facts.ts'
import { type ParsedCommit, parseCommit } from '../../src/source/commit.ts'
import { Keyring, loadKeyring } from '../../src/source/keyring.ts'
import { checkSignature, factsOf } from '../../src/source/verify.ts'
import { idOfCommit } from './support.ts'

const VECTORS = join(import.meta.dirname, '../vectors/commit')
const PAYLOAD = readFileSync(join(VECTORS, 'unsigned/commit.raw'), 'latin1')

function signed(armor: string, payload = PAYLOAD): ParsedCommit {
  const header = `gpgsig ${armor.replaceAll('\r', '').trimEnd().replaceAll('\n', '\n ')}\n`
  const bytes = new Uint8Array(Buffer.from(payload.replace('\n\n', `\n${header}\n`), 'latin1'))
  const commit = parseCommit(idOfCommit(bytes), bytes)
  if ('malformed' in commit) throw new Error(commit.malformed.message)
  return commit
}

interface Made {
  readonly key: openpgp.PrivateKey
  readonly armor: string
}

/** Signs with the library, which makes packets gpg 2.2 does not know. */
interface Wanted {
  readonly type?: 'curve25519' | 'curve448' | 'ecc'
  readonly curve?: 'nistP384' | 'nistP521'
  readonly keyExpirationTime?: number
}

async function make(options: Wanted, config: openpgp.PartialConfig = {}): Promise<Made> {
  const userIDs = [{ name: 'Alice', email: 'alice@example.com' }]
  const { privateKey } = await openpgp.generateKey({ userIDs, format: 'object', ...options, config })
  return { key: privateKey, armor: await sign(privateKey, config) }
}

async function sign(key: openpgp.PrivateKey, config: openpgp.PartialConfig = {}): Promise<string> {
  const message = await openpgp.createMessage({ binary: new Uint8Array(Buffer.from(PAYLOAD, 'latin1')) })
  const armor = await openpgp.sign({ message, signingKeys: key, detached: true, config })
  return String(armor)
}

async function check(armor: string, ...keys: openpgp.Key[]): Promise<SignatureFact> {
  const files = keys.map((key, i) => ({ path: `${i}.asc`, bytes: new Uint8Array(Buffer.from(key.toPublic().armor())) }))
  return checkSignature(signed(armor), await loadKeyring(files))
}

test.each([
  { kind: 'version 6 Ed25519', options: { type: 'curve25519' }, config: { v6Keys: true }, algorithm: 'ed25519' },
  { kind: 'version 6 Ed448', options: { type: 'curve448' }, config: { v6Keys: true }, algorithm: 'ed448' },
  { kind: 'version 4 native Ed25519', options: { type: 'curve25519' }, config: {}, algorithm: 'ed25519' },
  { kind: 'P-384', options: { type: 'ecc', curve: 'nistP384' }, config: {}, algorithm: 'ecdsa-p384' },
  { kind: 'P-521', options: { type: 'ecc', curve: 'nistP521' }, config: {}, algorithm: 'ecdsa-p521' },
] as const)('checkSignature() accepts $kind', async ({ options, config, algorithm }) => {
  const made = await make(options, config)
  const fact = await check(made.armor, made.key)
  expect(fact).toMatchObject({ kind: 'openpgp', algorithm, primary: made.key.getFingerprint().toUpperCase() })
})

test('checkSignature() of an unsigned commit says none', async () => {
  const bytes = new Uint8Array(Buffer.from(PAYLOAD, 'latin1'))
  const commit = parseCommit(idOfCommit(bytes), bytes) as ParsedCommit
  expect(await checkSignature(commit, new Keyring([]))).toEqual({ kind: 'none' })
  expect(await factsOf(commit, new Keyring([]))).toMatchObject({ id: commit.id, signature: { kind: 'none' } })
})

test('checkSignature() finds a key by its id when the signature does not name a fingerprint, as GitHub’s own do not', async () => {
  const made = await make({ type: 'curve25519' })
  const { data } = await openpgp.unarmor(made.armor)
  const bytes = Buffer.from(data as Uint8Array)
  // Subpacket 33 (fingerprint) is turned into an unknown one in the signed part, so the signature is then not valid:
  // what is shown is that the key is found by the id alone.
  const at = bytes.indexOf(Buffer.of(33, 4))
  expect(at).toBeGreaterThan(0)
  bytes[at] = 100
  const armor = openpgp.armor(openpgp.enums.armor.signature, new Uint8Array(bytes))
  expect(await check(armor, made.key)).toMatchObject({ kind: 'rejected', code: 'source/bad-signature' })
})

test('checkSignature() refuses a key whose algorithm is not judged by name', async () => {
  const made = await make({ type: 'curve25519' })
  const { keys } = await loadKeyring([{ path: 'k', bytes: made.key.toPublic().write() as Uint8Array }])
  const unready = keys.map(({ keyObject, ...key }) => ({ ...key, algorithm: 'algorithm 99' }))
  const fact = await checkSignature(signed(made.armor), new Keyring(unready))
  expect(fact).toMatchObject({ kind: 'rejected', code: 'source/signature-unsupported', found: 'algorithm 99' })
})

test('checkSignature() accepts a key until its signature’s own end, and says so', async () => {
  const made = await make({ type: 'curve25519', keyExpirationTime: 3600 })
  const fact = await check(made.armor, made.key)
  expect(fact).toMatchObject({
    kind: 'openpgp',
    keyExpires: new Date(made.key.getCreationTime().getTime() + 3_600_000),
  })
})

test('checkSignature() takes the revocation from any copy of a key', async () => {
  const made = await make({ type: 'curve25519' })
  const { publicKey } = await openpgp.revokeKey({ key: made.key, format: 'object' })
  for (const keys of [
    [made.key, publicKey],
    [publicKey, made.key],
  ]) {
    expect(await check(made.armor, ...keys)).toMatchObject({ kind: 'openpgp', keyRevoked: true })
  }
  expect(await check(made.armor, made.key)).toMatchObject({ kind: 'openpgp', keyRevoked: false })
})

test('no byte of an OpenPGP signature’s signed part or numbers can be changed', async () => {
  const made = await make({ type: 'curve25519' })
  const bytes = Buffer.from((await openpgp.unarmor(made.armor)).data as Uint8Array)
  const keyring = await loadKeyring([{ path: 'k', bytes: new Uint8Array(Buffer.from(made.key.toPublic().armor())) }])
  const accepted: number[] = []
  for (let at = 0; at < bytes.byteLength; at++) {
    const changed = new Uint8Array(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    const fact = await checkSignature(signed(openpgp.armor(openpgp.enums.armor.signature, changed)), keyring)
    if (fact.kind !== 'rejected') accepted.push(at)
  }
  expect(accepted).toEqual([])
})
