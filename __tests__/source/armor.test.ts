import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { decodePgpArmor, decodeSshArmor, looksArmored } from '../../src/source/armor.ts'
import { sshArmor } from '../fakes/ssh-keys.ts'
import { errorOf } from './support.ts'

const PGP = ['-----BEGIN PGP SIGNATURE-----', 'Version: X', '', 'aGVsbG8=', '-----END PGP SIGNATURE-----', '']
const pgp = (change: (lines: string[]) => string[]): string => change([...PGP]).join('\n')

test('decodePgpArmor() reads headers, base64 and the RFC 9580 checksum', () => {
  expect(Buffer.from(decodePgpArmor(PGP.join('\n'))).toString()).toBe('hello')
  // CRC-24 of "hello" by gpg --enarmor.
  expect(Buffer.from(decodePgpArmor(pgp(lines => lines.toSpliced(4, 0, '=R/WK')))).toString()).toBe('hello')
})

test.each([
  { given: 'no empty line', armor: pgp(lines => lines.toSpliced(2, 1)) },
  { given: 'a line that is no header', armor: pgp(lines => lines.with(1, 'hello')) },
  { given: 'a wrong checksum', armor: pgp(lines => lines.toSpliced(4, 0, '=AAAA')) },
  { given: 'two checksums', armor: pgp(lines => lines.toSpliced(4, 0, '=AAAA', '=AAAA')) },
  { given: 'blanks in the base64', armor: pgp(lines => lines.with(3, 'aGVs bG8=')) },
  { given: 'a second empty line', armor: pgp(lines => lines.toSpliced(3, 0, '')) },
  { given: 'base64 with stray bits', armor: pgp(lines => lines.with(3, 'aGVsbG9=')) },
  { given: 'padding inside', armor: pgp(lines => lines.toSpliced(3, 0, 'aGVsbG8=')) },
  { given: 'another kind', armor: PGP.join('\n').replaceAll('PGP SIGNATURE', 'PGP MESSAGE') },
  { given: 'no end', armor: pgp(lines => lines.slice(0, 4)) },
  { given: 'nothing', armor: '' },
])('decodePgpArmor() refuses $given', async ({ armor }) => {
  expect((await errorOf(() => decodePgpArmor(armor))).code).toBe('source/malformed')
})

test('decodeSshArmor() knows neither headers nor checksums', async () => {
  const armor = '-----BEGIN SSH SIGNATURE-----\naGVsbG8=\n-----END SSH SIGNATURE-----'
  expect(Buffer.from(decodeSshArmor(armor)).toString()).toBe('hello')
  expect((await errorOf(() => decodeSshArmor(armor.replace('\n', '\nVersion: X\n\n')))).code).toBe('source/malformed')
})

test('both decoders give bytes or source/malformed for any text', () => {
  const line = fc.oneof(
    fc.constantFrom(...PGP, '-----BEGIN SSH SIGNATURE-----', '-----END SSH SIGNATURE-----'),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(line), lines => {
      for (const decode of [decodePgpArmor, decodeSshArmor]) {
        try {
          decode(lines.join('\n'))
        } catch (error) {
          if (!(error instanceof WaybillError)) throw error
          expect(error.code).toBe('source/malformed')
        }
      }
    }),
  )
})

test('looksArmored() tells text from binary key files', () => {
  expect(looksArmored(Buffer.from('\n-----BEGIN PGP PUBLIC KEY BLOCK-----'))).toBe(true)
  expect(looksArmored(Buffer.of(0x98, 0x33, 0x04))).toBe(false)
})

test('decodeSshArmor() reads every length of signature as ssh-keygen breaks it into lines, also where the padding stands alone', () => {
  const lasts = Array.from({ length: 215 }, (_, length) => {
    const bytes = Buffer.alloc(length + 1, 'x')
    const armor = sshArmor(bytes)
    expect(Buffer.from(decodeSshArmor(armor))).toEqual(bytes)
    return armor.split('\n').at(-3)
  })
  expect(lasts).toContain('==')
})

test.each(['aGVsbG8\n=', '=\naGVsbG8=', 'aGVs\n=', 'aGVsbG8=\n='])(
  'decodeSshArmor() refuses padding that does not belong: %j',
  async body => {
    const armor = `-----BEGIN SSH SIGNATURE-----\n${body}\n-----END SSH SIGNATURE-----`
    expect((await errorOf(() => decodeSshArmor(armor))).code).toBe('source/malformed')
  },
)
