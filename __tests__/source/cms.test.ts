import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { isRefused, type SignatureFact } from '../../src/core/facts.ts'
import { decodeCmsArmor } from '../../src/source/armor.ts'
import { parseCms } from '../../src/source/cms.ts'
import { isDer } from '../../src/source/cms-asn1.ts'
import { type Keyring, loadKeyring } from '../../src/source/keyring.ts'
import { checkSignature } from '../../src/source/verify.ts'
import { cmsArmor, splitDer } from '../fakes/cms.ts'
import { withSignature } from '../fakes/repository.ts'
import { commitOf, readBytes } from './support.ts'

const FOLDER = join(import.meta.dirname, '../vectors/commit')
const GOOD = ['x509-gpgsm', 'x509-openssl', 'x509-openssl-p256', 'x509-openssl-pss']

interface Good {
  readonly cms: Uint8Array
  readonly payload: string
  readonly keyring: Keyring
}

async function read(name: string): Promise<Good> {
  const commit = commitOf(readBytes(join(FOLDER, name, 'commit.raw')))
  const roots = [{ path: 'roots.pem', bytes: readBytes(join(FOLDER, name, 'roots.pem')) }]
  return {
    cms: decodeCmsArmor(commit.signature?.armor ?? ''),
    payload: Buffer.from(commit.payload).toString('latin1'),
    keyring: await loadKeyring([], roots),
  }
}

function judge(cms: Uint8Array, payload: string, keyring: Keyring): Promise<SignatureFact> {
  return checkSignature(commitOf(withSignature(payload, cmsArmor(cms))), keyring)
}

/** One change of any kind somewhere in the bytes. */
function changed(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat(bytes.byteLength - 1)
  const flip = fc.tuple(at, fc.integer({ min: 1, max: 255 })).map(([where, mask]) => {
    const copy = new Uint8Array(bytes)
    copy[where] = (copy[where] ?? 0) ^ mask
    return copy
  })
  const splice = fc
    .tuple(at, fc.nat(40), fc.uint8Array({ maxLength: 12 }))
    .map(([where, gone, part]) => Buffer.concat([bytes.subarray(0, where), part, bytes.subarray(where + gone)]))
  const twice = fc
    .tuple(at, fc.nat(400))
    .map(([where, size]) => Buffer.concat([bytes.subarray(0, where + size), bytes.subarray(where)]))
  return fc.oneof(flip, splice, twice)
}

test.each(GOOD)('a changed CMS of %s is refused, or still says exactly the same about the same bytes', async name => {
  const { cms, payload, keyring } = await read(name)
  const good = await judge(cms, payload, keyring)
  expect(good.kind).toBe('x509')
  const other = payload.replace('i', 'j')
  await fc.assert(
    fc.asyncProperty(changed(cms), async bytes => {
      const fact = await judge(bytes, payload, keyring)
      if (!isRefused(fact)) expect(fact).toEqual(good)
      else expect(fact.code).toMatch(/^source\//)
      expect((await judge(bytes, other, keyring)).kind).toMatch(/^(rejected|unjudged)$/)
    }),
    { numRuns: 100 },
  )
})

test('parseCms() of any bytes gives a signature or an error of this room', async () => {
  await fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      try {
        parseCms(bytes)
      } catch (error) {
        expect(error instanceof WaybillError ? error.code : error).toMatch(/^source\//)
      }
    }),
  )
})

test('13-adversary 43: parseCms() reads no signature that is too large, too deep or has too many parts', () => {
  const code = (bytes: Uint8Array): string => {
    try {
      parseCms(bytes)
      return 'accepted'
    } catch (error) {
      return error instanceof WaybillError ? error.code : String(error)
    }
  }
  expect(code(new Uint8Array(128 * 1024 + 1))).toBe('source/malformed')
  expect(code(Buffer.concat(Array.from({ length: 60_000 }, () => Buffer.from([0x30, 0x80]))))).toBe('source/malformed')
  const parts = Buffer.concat(Array.from({ length: 30_000 }, () => Buffer.from([0x05, 0x00])))
  expect(code(Buffer.concat([Buffer.from([0x30, 0x82, 0xea, 0x60]), parts]))).toBe('source/malformed')
})

test.each([
  { given: 'a long length for a short value', hex: '04810161' },
  { given: 'an indefinite length', hex: '30800000' },
  { given: 'a string in pieces', hex: '2403040161' },
  { given: 'a boolean that is neither', hex: '010101' },
  { given: 'an integer with a zero too many', hex: '02020001' },
  { given: 'an integer with an ff too many', hex: '0202ff80' },
  { given: 'an integer of nothing', hex: '0200' },
  { given: 'a set out of order', hex: '3106020102020101' },
  { given: 'something inside null', hex: '050100' },
  { given: 'a byte behind the value', hex: '020101ff' },
  { given: 'a value that is cut off', hex: '0402' },
  { given: 'a tag of several bytes', hex: '1f8101' },
  { given: 'a sequence that is not constructed', hex: '1000' },
  { given: 'nothing', hex: '' },
])('isDer() refuses $given', ({ hex }) => {
  expect(isDer(Buffer.from(hex, 'hex'))).toBe(false)
})

test.each(['020101', '3106020101020102', '0500', '0101ff', 'a003020100', '800161', '0202ff7f', '02020080'])(
  'isDer() accepts %s',
  hex => {
    expect(isDer(Buffer.from(hex, 'hex'))).toBe(true)
  },
)

test('isDer() accepts every certificate of the vectors', () => {
  const pem = readFileSync(join(FOLDER, 'x509-openssl/roots.pem'), 'utf8')
  const der = Buffer.from(pem.replace(/-----[A-Z ]+-----|\n/g, ''), 'base64')
  expect(splitDer(der)).toHaveLength(1)
  expect(isDer(der)).toBe(true)
})
