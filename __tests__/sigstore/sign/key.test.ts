import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { utf8 } from '../../../src/core/bytes.ts'
import { WaybillError } from '../../../src/core/error.ts'
import { parseBundle, partsOf } from '../../../src/sigstore/bundle.ts'
import { loadSigningKey } from '../../../src/sigstore/sign/key.ts'
import { openKeySession } from '../../../src/sigstore/sign/key-session.ts'
import { verifies } from '../../../src/sigstore/verify/keys.ts'
import { isUnwitnessed, verifyUnwitnessed } from '../../../src/sigstore/verify/unwitnessed/verify.ts'
import { verifyBundle } from '../../../src/sigstore/verify/verify.ts'
import { type Bench, codeOf, hasty, jsonOf, openBench, statement } from '../support.ts'

const VECTORS = join(import.meta.dirname, '../../vectors/signing-key')
const vector = (name: string) => new Uint8Array(readFileSync(join(VECTORS, name)))

const PASSWORD = 'correct horse battery staple'

function pem(key: KeyObject, passphrase?: string): Uint8Array {
  const locked = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  return utf8(key.export({ format: 'pem', type: 'pkcs8', ...locked }).toString())
}

function spki(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'spki' }).toString()
}

const KINDS = {
  'ECDSA P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ECDSA P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  Ed25519: () => generateKeyPairSync('ed25519'),
  'RSA 2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
}

async function refusalOf(work: Promise<unknown>): Promise<WaybillError> {
  const error = await work.catch((found: unknown) => found)
  if (!(error instanceof WaybillError)) throw new Error(`expected an error of ours, got ${String(error)}`)
  return error
}

describe('loadSigningKey()', () => {
  test.each(Object.entries(KINDS))('%s signs, in the clear and encrypted, and verifies alone', async (_, make) => {
    const { privateKey, publicKey } = make()
    for (const key of [
      await loadSigningKey(pem(privateKey)),
      await loadSigningKey(pem(privateKey, PASSWORD), PASSWORD),
    ]) {
      expect(spki(key.publicKey)).toBe(spki(publicKey))
      const { bundle, signedAt } = await openKeySession({ key }).sign(statement())
      expect(signedAt).toBeUndefined()
      const verified = verifyUnwitnessed(bundle, [{ publicKey: spki(publicKey) }])
      expect(verified.signer).toEqual(key.signer)
      expect(verified.signedAt).toBeUndefined()
    }
  })

  test('P-384 signs with SHA-256, which is what cosign 3 verifies', async () => {
    const { privateKey, publicKey } = KINDS['ECDSA P-384']()
    const bytes = Buffer.from('bytes')
    const signature = (await loadSigningKey(pem(privateKey))).sign(bytes)
    expect(verify('sha256', bytes, publicKey, signature)).toBe(true)
    expect(verifies(publicKey, bytes, signature)).toBe(true)
  })

  test.each(['cosign-2', 'cosign-3'])('opens the key that %s made, to the public key it wrote', async name => {
    const key = await loadSigningKey(vector(`${name}.key`), 'secret')
    expect(spki(key.publicKey)).toBe(spki(createPublicKey(Buffer.from(vector(`${name}.pub`)))))
  })

  test('gives a bundle the hint that cosign gives it', async () => {
    const key = await loadSigningKey(vector('cosign-3.key'), 'secret')
    const { bundle } = await openKeySession({ key }).sign(statement())
    // cosign 3 skips a signature whose keyid is not its own name.
    expect(Buffer.from(bundle).toString()).not.toContain('keyid')
    const hintIn = (bytes: Uint8Array) => partsOf(parseBundle(bytes)).signer
    expect(hintIn(bundle)).toEqual(hintIn(vector('cosign-3.bundle.json')))
    expect(jsonOf(bundle).mediaType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json')
  })

  test.each([
    ['a wrong password', () => loadSigningKey(vector('cosign-3.key'), PASSWORD)],
    ['a wrong password of PKCS#8', () => loadSigningKey(pem(KINDS.Ed25519().privateKey, 'other'), PASSWORD)],
    ['no password', () => loadSigningKey(vector('cosign-3.key'))],
    ['no password of PKCS#8', () => loadSigningKey(pem(KINDS.Ed25519().privateKey, 'other'))],
  ])('says that the key is locked, and no more, for %s', async (_, load) => {
    const error = await refusalOf(load())
    expect(error.code).toBe('sigstore/signing-key-locked')
    expect(error.kind).toBe('configuration')
    expect(JSON.stringify([error.message, error.found, error.expected, error.remedy])).not.toContain(PASSWORD)
  })

  const cosign = (change: (document: Record<string, Record<string, unknown>>) => void): Uint8Array => {
    const text = Buffer.from(vector('cosign-3.key')).toString()
    const document = JSON.parse(Buffer.from(text.replaceAll(/-----.*-----|\n/g, ''), 'base64').toString())
    change(document)
    const body = Buffer.from(JSON.stringify(document)).toString('base64')
    return utf8(
      `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n${body}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n`,
    )
  }
  const cost = (params: Record<string, number>) => cosign(document => Object.assign(document.kdf ?? {}, { params }))

  test.each([
    ['scrypt that asks for too much memory', cost({ N: 2 ** 30, r: 8, p: 1 })],
    ['scrypt that runs too often', cost({ N: 65536, r: 8, p: 1000 })],
    ['scrypt whose N is no power of two', cost({ N: 65537, r: 8, p: 1 })],
    ['scrypt with a negative block', cost({ N: 65536, r: -8, p: 1 })],
    ['another derivation', cosign(document => Object.assign(document.kdf ?? {}, { name: 'argon2' }))],
    ['a nonce of another length', cosign(document => Object.assign(document.cipher ?? {}, { nonce: 'AAAA' }))],
    ['a ciphertext that is no text', cosign(document => Object.assign(document, { ciphertext: 7 }))],
  ])('refuses a cosign key with %s, before any work', async (_, key) => {
    expect((await refusalOf(loadSigningKey(key, 'secret'))).code).toBe('sigstore/signing-key-unusable')
  })

  test.each([
    ['nothing', utf8('')],
    [
      'two keys',
      utf8(`${Buffer.from(pem(KINDS.Ed25519().privateKey))}${Buffer.from(pem(KINDS.Ed25519().privateKey))}`),
    ],
    ['a public key', utf8(spki(KINDS.Ed25519().publicKey))],
    [
      'the older form',
      utf8(
        generateKeyPairSync('ec', { namedCurve: 'P-256' })
          .privateKey.export({ format: 'pem', type: 'sec1' })
          .toString(),
      ),
    ],
    ['RSA of 1024 bits', pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)],
    ['another curve', pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey)],
    ['P-521', pem(generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey)],
    ['a key that does not sign', pem(generateKeyPairSync('x25519').privateKey)],
    ['no key inside', utf8('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')],
    ['no base64 inside', utf8('-----BEGIN PRIVATE KEY-----\nA=A=\n-----END PRIVATE KEY-----\n')],
  ])('refuses %s', async (_, key) => {
    expect((await refusalOf(loadSigningKey(key))).code).toBe('sigstore/signing-key-unusable')
  })

  test('refuses a password for a key that is not encrypted: something else was meant', async () => {
    const error = await refusalOf(loadSigningKey(pem(KINDS.Ed25519().privateKey), PASSWORD))
    expect(error.code).toBe('sigstore/signing-key-unusable')
  })
})

describe('a key and services', () => {
  let bench: Bench
  let second: Bench
  beforeAll(async () => {
    ;[bench, second] = await Promise.all([openBench(), openBench({ rekor: 'v2' })])
  })
  afterAll(() => Promise.all([bench.close(), second.close()]))

  const witnesses = ({ services, http }: Bench, log = true) => ({ services, http, now: () => Date.now(), log })

  test.each(Object.entries(KINDS))('%s is logged and timestamped under its own public key', async (_, make) => {
    const { privateKey, publicKey } = make()
    const key = await loadSigningKey(pem(privateKey))
    const session = openKeySession({ key, witnesses: witnesses(bench), clock: hasty })
    const { bundle, signedAt } = await session.sign(statement())
    const verified = verifyBundle(bundle, bench.trust, { keys: [{ publicKey: spki(publicKey) }] })
    expect(verified.signer).toEqual(key.signer)
    expect(verified.signedAt).toEqual(signedAt)
  })

  test('is logged in Rekor v2 with its public key', async () => {
    const { privateKey, publicKey } = KINDS['ECDSA P-256']()
    const key = await loadSigningKey(pem(privateKey))
    const { bundle } = await openKeySession({ key, witnesses: witnesses(second), clock: hasty }).sign(statement())
    const verified = verifyBundle(bundle, second.trust, { keys: [{ publicKey: spki(publicKey) }] })
    expect(verified.timeSources).toEqual(['rfc3161'])
  })

  test('refuses a kind of key that a Rekor v2 log has no entry for, before anything is signed', async () => {
    const key = await loadSigningKey(pem(KINDS.Ed25519().privateKey))
    await expect(async () => openKeySession({ key, witnesses: witnesses(second) })).rejects.toMatchObject({
      code: 'sigstore/signing-key-unusable',
    })
  })

  test('13-adversary 22: a key signs statements and nothing else', async () => {
    const key = await loadSigningKey(pem(KINDS.Ed25519().privateKey))
    const session = openKeySession({ key })
    await expect(session.sign(utf8('DSSEv1 28 application/vnd.in-toto+json 2 {}'))).rejects.toMatchObject({
      code: 'statements/malformed',
    })
  })

  test('verifyUnwitnessed() refuses a bundle that brings witnesses, and any certificate', async () => {
    const { privateKey, publicKey } = KINDS['ECDSA P-256']()
    const key = await loadSigningKey(pem(privateKey))
    const keys = [{ publicKey: spki(publicKey) }]
    const timed = await openKeySession({ key, witnesses: witnesses(bench, false), clock: hasty }).sign(statement())
    expect(isUnwitnessed(timed.bundle)).toBe(false)
    expect(await codeOf(() => verifyUnwitnessed(timed.bundle, keys))).toBe('sigstore/time-missing')
    const keyless = await bench.session().sign(statement())
    expect(isUnwitnessed(keyless.bundle)).toBe(false)
    expect(await codeOf(() => verifyUnwitnessed(keyless.bundle, keys))).toBe('sigstore/time-missing')
  })

  test('verifyUnwitnessed() takes no key with a window, no other key, and no changed byte', async () => {
    const { privateKey, publicKey } = KINDS.Ed25519()
    const key = await loadSigningKey(pem(privateKey))
    const { bundle } = await openKeySession({ key }).sign(statement())
    expect(isUnwitnessed(bundle)).toBe(true)
    const publicPem = spki(publicKey)
    const windowed = [{ publicKey: publicPem, validFor: { start: new Date(0) } }]
    expect(await codeOf(() => verifyUnwitnessed(bundle, windowed))).toBe('sigstore/key-unknown')
    const other = [{ publicKey: spki(KINDS.Ed25519().publicKey) }]
    expect(await codeOf(() => verifyUnwitnessed(bundle, other))).toBe('sigstore/key-unknown')
    const changed = utf8(
      Buffer.from(bundle)
        .toString()
        .replace(/"payload":"(.{20})./, '"payload":"$1A'),
    )
    expect(await codeOf(() => verifyUnwitnessed(changed, [{ publicKey: publicPem }]))).toBe('sigstore/key-unknown')
  })

  test('verifyBundle() still asks for a time and a log of every bundle, whoever signed it', async () => {
    const { privateKey, publicKey } = KINDS.Ed25519()
    const key = await loadSigningKey(pem(privateKey))
    const { bundle } = await openKeySession({ key }).sign(statement())
    const keys = [{ publicKey: spki(publicKey) }]
    expect(await codeOf(() => verifyBundle(bundle, bench.trust, { keys }))).toBe('sigstore/log-missing')
    expect(await codeOf(() => verifyBundle(bundle, bench.trust, { keys, logs: 0, timestamps: 0 }))).toBe(
      'sigstore/time-missing',
    )
  })
})
