import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as openpgp from 'openpgp'
import { Keyring, loadKeyring } from '../../src/source/keyring.ts'
import type { SigningKey } from '../../src/source/openpgp-key.ts'
import { errorOf, readBytes } from './support.ts'

const VECTORS = join(import.meta.dirname, '../vectors/commit')
const armored = (name: string): string => readFileSync(join(VECTORS, name, 'keys.asc'), 'utf8')
const file = (text: string) => [{ path: '.github/keys/alice.asc', bytes: new Uint8Array(Buffer.from(text)) }]
const fingerprints = (keyring: Keyring): string[] => keyring.keys.map(key => key.fingerprint)

test('loadKeyring() reads one block, several blocks, and binary keys alike', async () => {
  const [one, two] = ['openpgp-ed25519', 'openpgp-rsa2048'].map(armored)
  const both = fingerprints(await loadKeyring(file(`${one}\n\n${two}`)))
  expect(both.length).toBe(2)
  const { data } = await openpgp.unarmor(String(one))
  const binary = await loadKeyring([{ path: 'k.gpg', bytes: new Uint8Array(data as Uint8Array) }])
  expect(fingerprints(binary)).toEqual(both.slice(0, 1))
})

test('loadKeyring() of no files gives a keyring that knows nobody', async () => {
  expect((await loadKeyring([])).find({ issuerKeyId: '0123456789ABCDEF' })).toEqual([])
})

test.each([
  { given: 'nothing', text: '' },
  { given: 'words', text: 'hello' },
  { given: 'an SSH key', text: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
  { given: 'a block without end', text: armored('openpgp-ed25519').split('-----END')[0] ?? '' },
  { given: 'words between the blocks', text: `${armored('openpgp-ed25519')}hello\n${armored('openpgp-ed25519')}` },
  { given: 'a signature', text: '-----BEGIN PGP SIGNATURE-----\n\naGVsbG8=\n-----END PGP SIGNATURE-----\n' },
])('loadKeyring() refuses $given and names the file', async ({ text }) => {
  const error = await errorOf(() => loadKeyring(file(text)))
  expect(error.code).toBe('source/key-unreadable')
  expect(error.message).toContain('.github/keys/alice.asc')
})

test('loadKeyring() refuses a private key, armored or binary', async () => {
  const { privateKey } = await openpgp.generateKey({ userIDs: [{ name: 'Alice' }], format: 'object' })
  const forms = [new Uint8Array(Buffer.from(privateKey.armor())), privateKey.write()]
  for (const bytes of forms) {
    const error = await errorOf(() => loadKeyring([{ path: 'k', bytes }]))
    expect(error).toMatchObject({ code: 'source/key-unreadable', found: expect.stringContaining('private key') })
  }
})

test('loadKeyring() takes time proportional to the size of a hostile file', async () => {
  const started = performance.now()
  await errorOf(() => loadKeyring(file('-----BEGIN PGP PUBLIC KEY BLOCK-----'.repeat(20_000))))
  expect(performance.now() - started).toBeLessThan(20_000)
})

test('find() gives every key with the same id, because one can be made to have it', () => {
  const key = (fingerprint: string): SigningKey => ({
    fingerprint,
    primary: fingerprint,
    version: 4,
    algorithmNumber: 1,
    algorithm: 'rsa',
    bits: 2048,
    revoked: false,
    updated: new Date(0),
  })
  const keyring = new Keyring([key(`${'A'.repeat(24)}0123456789ABCDEF`), key(`${'B'.repeat(24)}0123456789ABCDEF`)])
  expect(keyring.find({ issuerKeyId: '0123456789ABCDEF' }).length).toBe(2)
  expect(keyring.find({ issuerFingerprint: `${'B'.repeat(24)}0123456789ABCDEF`, issuerKeyId: 'X' }).length).toBe(1)
  expect(keyring.find({})).toEqual([])
})

/** `sign` takes what is signed in parts, which its types do not say. */
type Packet = Omit<openpgp.SignaturePacket, 'sign'> & { sign(...parts: readonly unknown[]): Promise<void> }

/** alice's signing subkey, bound to another primary key by that one alone: anybody can make such a file of public keys. */
async function stolen(alice: string, revoking: boolean): Promise<string> {
  const { privateKey } = await openpgp.generateKey({ userIDs: [{ name: 'Mallory' }], format: 'object' })
  const [subkey] = (await openpgp.readKey({ armoredKey: alice })).subkeys
  if (subkey === undefined) throw new Error('A key with a subkey')
  const sign = async (type: number) => {
    const packet: Packet = Object.assign(new openpgp.SignaturePacket(), {
      signatureType: type,
      publicKeyAlgorithm: privateKey.keyPacket.algorithm,
      hashAlgorithm: openpgp.enums.hash.sha512,
      keyFlags: new Uint8Array([2]),
    })
    const data = { key: privateKey.keyPacket, bind: subkey.keyPacket }
    await packet.sign(privateKey.keyPacket, data, new Date(), false, openpgp.config)
    return packet as openpgp.SignaturePacket
  }
  const types = openpgp.enums.signature
  subkey.bindingSignatures = [await sign(types.subkeyBinding)]
  subkey.revocationSignatures = revoking ? [await sign(types.subkeyRevocation)] : []
  const key = privateKey.toPublic()
  key.subkeys = [Object.assign(subkey, { mainKey: key })]
  return key.armor()
}

test.each([false, true])(
  '13-adversary 12: nobody spoils a key by binding it to his own (revoking it: %s)',
  async revoking => {
    const alice = armored('openpgp-subkey')
    const own = await loadKeyring(file(alice))
    const [, subkey] = own.keys
    if (subkey === undefined) throw new Error('A key with a subkey')
    const mallory = {
      path: '.github/keys/mallory.asc',
      bytes: new Uint8Array(Buffer.from(await stolen(alice, revoking))),
    }
    for (const files of [
      [...file(alice), mallory],
      [mallory, ...file(alice)],
    ]) {
      const [found, other] = (await loadKeyring(files)).find({ issuerFingerprint: subkey.fingerprint })
      expect(found).toEqual(subkey)
      expect(other).toMatchObject({ problem: 'it did not confirm that it belongs to its primary key' })
    }
  },
)

test('13-adversary 12: a copy of a key with something stripped from it does not stand for the whole one', () => {
  const key = { primary: 'A'.repeat(40), version: 4, algorithmNumber: 1, algorithm: 'rsa', bits: 2048, revoked: false }
  const whole = { ...key, fingerprint: 'B'.repeat(40), updated: new Date('2026-01-01') }
  const stripped = { ...whole, problem: 'it did not confirm that it belongs to its primary key' }
  const unbound = { ...whole, updated: new Date(0), problem: 'it is not bound to its primary key' }
  const narrowed = { ...whole, updated: new Date('2026-02-01'), problem: 'it is not marked for signing' }
  const found = (...keys: readonly SigningKey[]) => new Keyring(keys).find({ issuerFingerprint: whole.fingerprint })
  for (const copies of [
    [whole, stripped, unbound],
    [unbound, stripped, whole],
  ])
    expect(found(...copies)).toEqual([whole])
  expect(found(narrowed, whole)).toEqual([narrowed])
})

test('sshKey() makes a key once and holds a bounded number', () => {
  const ready = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
    format: 'jwk',
  })
  const keyring = new Keyring([])
  let made = 0
  const make = () => {
    made++
    return ready
  }
  for (let round = 0; round < 3; round++) keyring.sshKey('a', make)
  expect(made).toBe(1)
  for (let i = 0; i < 1_000; i++) keyring.sshKey(String(i), make)
  keyring.sshKey('a', make)
  expect(made).toBe(1_002)
})

test('keys say what they may: a subkey without back signature has a problem, a certify-only primary key too', async () => {
  const bad = await loadKeyring([{ path: 'k', bytes: readBytes(join(VECTORS, 'openpgp-no-back-signature/keys.asc')) }])
  const good = await loadKeyring([{ path: 'k', bytes: readBytes(join(VECTORS, 'openpgp-subkey/keys.asc')) }])
  expect(bad.keys.map(key => key.problem)).toEqual([
    'it is not marked for signing',
    'it did not confirm that it belongs to its primary key',
  ])
  expect(good.keys.map(key => key.problem)).toEqual(['it is not marked for signing', undefined])
})
