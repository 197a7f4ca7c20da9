import { ASN1Obj } from '@sigstore/core'
import fc from 'fast-check'
import { der, integer, oid, sequence, time } from './der.ts'

const parse = (bytes: Uint8Array): ASN1Obj => ASN1Obj.parseBuffer(Buffer.from(bytes))

describe('der()', () => {
  test('is read back by another parser, whatever the length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000, size: 'max' }), bytes => {
        const [value] = parse(sequence(der(0x0c, bytes))).subs
        return Buffer.compare(value?.value ?? Buffer.alloc(0), bytes) === 0
      }),
      { numRuns: 30 },
    )
  })

  test('integer() is minimal and never negative', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 160n }), value => parse(integer(value)).toInteger() === value),
    )
    expect(integer(128).toString('hex')).toBe('02020080')
    expect(integer(Buffer.from('00007f', 'hex')).toString('hex')).toBe('02017f')
  })

  test.each(['1.3.6.1.4.1.57264.1.22', '2.16.840.1.101.3.4.2.1', '1.2.840.113549.1.9.16.2.47'])(
    'oid() writes %s',
    id => {
      expect(parse(oid(id)).toOID()).toBe(id)
    },
  )

  test.each(['2026-11-22T07:08:09Z', '2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z'])('time() writes %s', at => {
    expect(parse(time(new Date(at))).toDate()).toEqual(new Date(at))
  })
})
