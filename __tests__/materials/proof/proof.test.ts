import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import fc from 'fast-check'
import { utf8 } from '../../../src/core/bytes.ts'
import { WaybillError } from '../../../src/core/error.ts'
import { ByteCheck, type ByteFacts, checkedChunks } from '../../../src/materials/proof/byte-check.ts'
import { checksumsFor } from '../../../src/materials/proof/checksums.ts'
import { verifyMinisign } from '../../../src/materials/proof/minisign.ts'

/** A key for tests alone: its seed is 32 times 7. */
const KEY = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
})
const ID = Buffer.from('0102030405060708', 'hex')
const POINT = Buffer.from(createPublicKey(KEY).export({ format: 'jwk' }).x ?? '', 'base64url')
const PUBLIC = Buffer.concat([Buffer.from('Ed'), ID, POINT]).toString('base64')
const MESSAGE = utf8('the material')
const blake = (bytes: Uint8Array) => createHash('blake2b512').update(bytes).digest()

function minisig({ algorithm = 'ED', id = ID, shown = 'timestamp:1\tfile:m' } = {}): string {
  const comment = 'timestamp:1\tfile:m'
  const raw = sign(null, algorithm === 'ED' ? blake(MESSAGE) : MESSAGE, KEY)
  const global = sign(null, Buffer.concat([raw, Buffer.from(comment)]), KEY)
  const first = Buffer.concat([Buffer.from(algorithm), id, raw]).toString('base64')
  return `untrusted comment: signature\n${first}\ntrusted comment: ${shown}\n${global.toString('base64')}\n`
}

const check = (signature: string, key = PUBLIC, message = MESSAGE) =>
  verifyMinisign(utf8(signature), utf8(key), blake(message))

test('a minisign signature holds, with the key in one line or under a comment', () => {
  const fact = { keyId: '0807060504030201', trustedComment: 'timestamp:1\tfile:m' }
  expect(check(minisig())).toEqual(fact)
  expect(check(minisig().replaceAll('\n', '\r\n'), `untrusted comment: mine\n${PUBLIC}\n`)).toEqual(fact)
})

test.each([
  ['other bytes', 'materials/signature-wrong', () => check(minisig(), PUBLIC, utf8('another'))],
  ['another trusted comment', 'materials/signature-wrong', () => check(minisig({ shown: 'file:other' }))],
  ['another key id', 'materials/signature-wrong', () => check(minisig({ id: Buffer.alloc(8) }))],
  [
    'another key of that id',
    'materials/signature-wrong',
    () => check(minisig(), Buffer.concat([Buffer.from('Ed'), ID, Buffer.alloc(32, 9)]).toString('base64')),
  ],
  ['the older form', 'materials/signature-malformed', () => check(minisig({ algorithm: 'Ed' }))],
  ['an unknown algorithm', 'materials/signature-malformed', () => check(minisig({ algorithm: 'XX' }))],
  ['a fifth line', 'materials/signature-malformed', () => check(`${minisig()}more\n`)],
  ['no comments', 'materials/signature-malformed', () => check(minisig().replaceAll('comment', 'remark'))],
  ['a cut line', 'materials/signature-malformed', () => check(minisig().replace(/\n.{8}/, '\n'))],
  ['a key of another length', 'materials/signature-malformed', () => check(minisig(), PUBLIC.slice(4))],
  ['loose base64', 'core/base64-malformed', () => check(minisig(), `${PUBLIC.slice(0, -2)}-_`)],
  ['a megabyte', 'materials/signature-malformed', () => check(`untrusted comment: ${'x'.repeat(1024 * 1024)}`)],
])('a minisign signature is refused with %s', (_what, code, run) => {
  expect(run).toThrow(expect.objectContaining({ code }))
})

test('any bytes are a minisign signature or a typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 200 }), (noise, at) => {
      const bytes = Buffer.from(minisig())
      bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length))
      try {
        verifyMinisign(bytes, utf8(PUBLIC), blake(MESSAGE))
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})

const A = 'ab'.repeat(32)
const B = 'cd'.repeat(64)

test.each([
  ['sha256sum', `${A}  x.tgz\n${'00'.repeat(32)}  y.tgz\n`, { sha256: A }],
  ['binary mark, folder, capitals', `${A.toUpperCase()} *./x.tgz\n`, { sha256: A }],
  ['BSD', `SHA256 (x.tgz) = ${A}\nSHA512 (x.tgz) = ${B}\nMD5 (x.tgz) = ${'a'.repeat(32)}\n`, { sha256: A, sha512: B }],
  ['both, comments, line ends of Windows', `# sums\r\n\r\n${A}  x.tgz\r\n${B}  x.tgz\r\n`, { sha256: A, sha512: B }],
  ['the same twice', `${A}  x.tgz\n${A}  x.tgz\n`, { sha256: A }],
])('checksumsFor() reads %s', (_what, text, expected) => {
  expect(Object.fromEntries(checksumsFor(utf8(text), 'x.tgz'))).toEqual(expected)
})

test.each([
  ['two digests', 'materials/signature-malformed', `${A}  x.tgz\n${'00'.repeat(32)}  x.tgz\n`],
  ['no entry', 'materials/other-bytes', `${A}  x.tgz.sig\n`],
  ['a weak hash alone', 'materials/other-bytes', `${'a'.repeat(40)}  x.tgz\n`],
  ['other lines', 'materials/signature-malformed', `-----BEGIN PGP SIGNED MESSAGE-----\n${A}  x.tgz\n`],
  ['an escaped name', 'materials/signature-malformed', `\\${A}  x.tgz\\n\n`],
  ['a digest of another length', 'materials/signature-malformed', `SHA256 (x.tgz) = ${'a'.repeat(40)}\n`],
  ['50,001 lines', 'materials/signature-malformed', '\n'.repeat(50_001)],
  ['a NUL', 'materials/signature-malformed', `${A}  x.tgz\0\n`],
])('checksumsFor() refuses %s', (_what, code, text) => {
  expect(() => checksumsFor(utf8(text), 'x.tgz')).toThrow(expect.objectContaining({ code }))
})

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  for (const letter of text) yield utf8(letter)
}

const hex = (name: string, text: string) => createHash(name).update(text).digest('hex')

async function through(
  text: string,
  digest: Readonly<Record<string, string>>,
  size: number,
): Promise<[string, ByteFacts | undefined]> {
  let facts: ByteFacts | undefined
  let out = ''
  const wanted = { name: 'm', digest: new Map(Object.entries(digest)), size, also: ['blake2b512'] as const }
  for await (const chunk of checkedChunks(chunksOf(text), wanted, given => (facts = given)))
    out += Buffer.from(chunk).toString()
  return [out, facts]
}

test('bytes are hashed while they pass, with every hash that is wanted', async () => {
  const [out, facts] = await through('abc', { sha512: hex('sha512', 'abc') }, 3)
  expect([out, facts?.bytes]).toEqual(['abc', 3])
  expect([...(facts?.digests.keys() ?? [])].sort()).toEqual(['blake2b512', 'sha256', 'sha512'])
})

test('a wrong last byte, one of two digests, an unknown hash and a byte too many are refused', async () => {
  const wrong = expect.objectContaining({ code: 'materials/other-bytes' })
  await expect(through('abd', { sha256: hex('sha256', 'abc') }, 3)).rejects.toEqual(wrong)
  await expect(through('abc', { sha256: hex('sha256', 'abc'), sha512: hex('sha512', 'x') }, 3)).rejects.toEqual(wrong)
  await expect(through('abc', { md5: hex('md5', 'abc') }, 3)).rejects.toEqual(wrong)
  await expect(through('abc', { sha256: hex('sha256', 'abc') }, 2)).rejects.toEqual(wrong)
  const check = new ByteCheck({ name: 'm', digest: new Map(), size: 2 })
  expect(() => check.update(utf8('abc'))).toThrow(wrong)
})
