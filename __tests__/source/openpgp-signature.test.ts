import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { parseOpenpgpSignature, readMpis } from '../../src/source/openpgp-signature.ts'
import { errorOf } from './support.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const CREATED = '05 02 65920080'
const ISSUER = '09 10 0123456789ABCDEF'

/** A version 4 signature packet with any areas. */
function packet(parts: { head?: string; hashed?: string; unhashed?: string; tail?: string } = {}): Uint8Array {
  const { head = '04 00 01 08', hashed = CREATED, unhashed = ISSUER, tail = 'ABCD 0001 01' } = parts
  const area = (text: string): string => `${hex(text).byteLength.toString(16).padStart(4, '0')}${text}`
  const body = hex(`${head}${area(hashed)}${area(unhashed)}${tail}`)
  return new Uint8Array([0xc2, body.byteLength, ...body])
}

test('parseOpenpgpSignature() reads every field', () => {
  expect(parseOpenpgpSignature(packet({ hashed: `${CREATED} 05 03 00000E10` }))).toMatchObject({
    version: 4,
    type: 0,
    algorithm: 1,
    hash: 8,
    created: new Date(0x65920080 * 1000),
    expiresAfter: 3600,
    issuerKeyId: '0123456789ABCDEF',
    left16: 0xabcd,
  })
})

test.each([
  { form: 'old form, one octet', start: [0x88] },
  { form: 'old form, two octets', start: [0x89, 0] },
  { form: 'old form, four octets', start: [0x8a, 0, 0, 0] },
  { form: 'new form, five octets', start: [0xc2, 255, 0, 0, 0] },
])('parseOpenpgpSignature() reads a length in the $form', ({ start }) => {
  const [, ...rest] = packet()
  expect(parseOpenpgpSignature(new Uint8Array([...start, ...rest])).left16).toBe(0xabcd)
})

test.each([
  { given: 'no bytes', bytes: new Uint8Array() },
  { given: 'a partial length', bytes: new Uint8Array([0xc2, 224, ...packet().subarray(2)]) },
  { given: 'an indeterminate length', bytes: new Uint8Array([0x8b, ...packet().subarray(2)]) },
  { given: 'another packet', bytes: new Uint8Array([0xc3, ...packet().subarray(1)]) },
  { given: 'two packets', bytes: new Uint8Array([...packet(), ...packet()]) },
  { given: 'a packet that ends early', bytes: packet().subarray(0, -1) },
  { given: 'type 0x10', bytes: packet({ head: '04 10 01 08' }) },
  { given: 'type 0x02', bytes: packet({ head: '04 02 01 08' }) },
  { given: 'no time', bytes: packet({ hashed: '' }) },
  { given: 'a time in the part that anybody may change', bytes: packet({ hashed: '', unhashed: CREATED }) },
  { given: 'two times', bytes: packet({ hashed: `${CREATED}${CREATED}` }) },
  { given: 'an unknown critical subpacket', bytes: packet({ hashed: `${CREATED} 02 E3 00` }) },
  { given: 'a critical notation', bytes: packet({ hashed: `${CREATED} 09 94 0000000000000000` }) },
  { given: 'an empty subpacket', bytes: packet({ hashed: `${CREATED} 00` }) },
  { given: 'a subpacket that ends early', bytes: packet({ hashed: `${CREATED} 09 10 01` }) },
  { given: 'an issuer fingerprint of a wrong length', bytes: packet({ hashed: `${CREATED} 03 21 04 01` }) },
])('parseOpenpgpSignature() refuses $given', async ({ bytes }) => {
  expect((await errorOf(() => parseOpenpgpSignature(bytes))).code).toBe('source/malformed')
})

test.each(['03 05 01 08', '05 00 01 08', '02 00 01 08'])('parseOpenpgpSignature() does not judge %s', async head => {
  expect((await errorOf(() => parseOpenpgpSignature(packet({ head })))).code).toBe('source/signature-unsupported')
})

test.each([
  { given: 'a leading zero byte', bytes: hex('0009 0001') },
  { given: 'too many bits', bytes: hex('0008 01') },
  { given: 'too few bits', bytes: hex('0001 03') },
  { given: 'zero', bytes: hex('0000') },
  { given: 'bytes after it', bytes: hex('0001 01 00') },
  { given: 'too few bytes', bytes: hex('0010 80') },
])('readMpis() refuses $given', async ({ bytes }) => {
  expect((await errorOf(() => readMpis(bytes, 1))).code).toBe('source/malformed')
})

test('readMpis() reads numbers', () => {
  expect(readMpis(hex('0001 01 0010 8000'), 2)).toEqual([hex('01'), hex('8000')])
})

test('parseOpenpgpSignature() of any bytes gives a signature or an error of this room', () => {
  const good = packet()
  const near = fc
    .tuple(fc.nat(good.byteLength), fc.uint8Array({ maxLength: 6 }))
    .map(([at, part]) => new Uint8Array([...good.subarray(0, at), ...part, ...good.subarray(at + part.byteLength)]))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), near), bytes => {
      try {
        parseOpenpgpSignature(bytes)
      } catch (error) {
        if (!(error instanceof WaybillError)) throw error
        expect(error.code).toMatch(/^source\/(malformed|signature-unsupported)$/)
      }
    }),
    { numRuns: 1000 },
  )
})
