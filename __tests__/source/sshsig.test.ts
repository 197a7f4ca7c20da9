import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { decodeSshArmor } from '../../src/source/armor.ts'
import { parseCommit } from '../../src/source/commit.ts'
import { sshKeyObject } from '../../src/source/ssh-signature.ts'
import { parseSshsig, sshFact, verifySshsig } from '../../src/source/sshsig.ts'
import { makeSshKey, sshsigBlob } from '../fakes/ssh-keys.ts'
import { errorOf, idOfCommit, readBytes } from './support.ts'

const VECTORS = join(import.meta.dirname, '../vectors/commit')
const GOOD = readdirSync(VECTORS).filter(name =>
  /^ssh-((sk-)?(ed25519|ecdsa256|verified)|(ecdsa|rsa)[0-9]+)[0-9]*$/.test(name),
)

function read(name: string): { blob: Uint8Array; message: Uint8Array } {
  const bytes = readBytes(join(VECTORS, name, 'commit.raw'))
  const commit = parseCommit(idOfCommit(bytes), bytes)
  if ('malformed' in commit || commit.signature === undefined) throw new Error(`${name} is not signed`)
  return { blob: decodeSshArmor(commit.signature.armor), message: commit.payload }
}

async function accepts(blob: Uint8Array, message: Uint8Array): Promise<boolean> {
  const sig = parseSshsig(blob)
  return verifySshsig(sig, message, sshKeyObject(sig.key))
}

test('there is a vector for each kind of key', () => {
  expect(GOOD.length).toBe(8)
})

test.each(GOOD)('verifySshsig() accepts %s, and no other message', async name => {
  const { blob, message } = read(name)
  expect(await accepts(blob, message)).toBe(true)
  expect(await accepts(blob, message.subarray(1))).toBe(false)
})

test.each(GOOD)('no byte of the signature in %s can be changed or left out', async name => {
  const { blob, message } = read(name)
  for (let at = 0; at < blob.byteLength; at++) {
    const changed = new Uint8Array(blob)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(await attempt(changed, message)).not.toBe('accepted')
    expect(await attempt(blob.subarray(0, at), message)).toMatch(/^source\//)
  }
  expect(await attempt(new Uint8Array([...blob, 0]), message)).toBe('source/malformed')
})

async function attempt(blob: Uint8Array, message: Uint8Array): Promise<string> {
  try {
    return (await accepts(blob, message)) ? 'accepted' : 'refused'
  } catch (error) {
    if (error instanceof WaybillError) return error.code
    throw error
  }
}

test('parseSshsig() of any bytes gives a signature or an error of this room', async () => {
  const { blob } = read(GOOD[0] ?? '')
  const near = fc
    .tuple(fc.nat(blob.byteLength), fc.uint8Array({ maxLength: 9 }))
    .map(([at, part]) => new Uint8Array([...blob.subarray(0, at), ...part, ...blob.subarray(at + part.byteLength)]))
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), near), async bytes => {
      expect(await attempt(bytes, new Uint8Array())).toMatch(/^source\/|^refused$/)
    }),
  )
})

test('sshKeyObject() refuses a point that is not on its curve', async () => {
  const { blob } = read('ssh-ecdsa256')
  const { key } = parseSshsig(blob)
  const [point = new Uint8Array()] = key.fields
  const off = new Uint8Array(point)
  off[64] = (off[64] ?? 0) ^ 1
  expect((await errorOf(() => sshKeyObject({ ...key, fields: [off] }))).code).toBe('source/malformed')
})

test('parseSshsig() accepts one purpose, the one that is asked for', async () => {
  const key = makeSshKey('ed25519')
  const review = sshsigBlob(key, 'text', { namespace: 'waybill-review' })
  const { code, expected, found } = await errorOf(() => parseSshsig(review))
  expect([code, expected, found]).toEqual(['source/ssh-namespace', 'git', 'waybill-review'])
  expect((await errorOf(() => parseSshsig(sshsigBlob(key, 'text'), 'waybill-review'))).code).toBe(
    'source/ssh-namespace',
  )
  const sig = parseSshsig(review, 'waybill-review')
  expect(await verifySshsig(sig, Buffer.from('text'), sshKeyObject(sig.key))).toBe(true)
})

test.each([0, 1, 4, 5, 0xff])('sshFact() tells what a security key with flags %i says', flags => {
  const key = makeSshKey('sk-ecdsa256', 'ssh:work')
  const fact = sshFact(parseSshsig(sshsigBlob(key, 'text', { flags })))
  expect(fact).toEqual({
    kind: 'ssh',
    algorithm: 'sk-ecdsa-sha2-nistp256@openssh.com',
    bits: 256,
    fingerprint: key.fingerprint,
    securityKey: { application: 'ssh:work', userPresence: (flags & 1) !== 0, userVerification: (flags & 4) !== 0 },
  })
})

test('a signature of a security key is over its application, its flags and its counter', async () => {
  const key = makeSshKey('sk-ed25519')
  const other = makeSshKey('sk-ed25519', 'ssh:other')
  expect(await attempt(sshsigBlob(key, 'text'), Buffer.from('text'))).toBe('accepted')
  expect(await attempt(sshsigBlob(key, 'text', { application: 'ssh:other' }), Buffer.from('text'))).toBe('refused')
  expect(await attempt(sshsigBlob(key, 'text', { holder: other.blob }), Buffer.from('text'))).toBe('refused')
})
