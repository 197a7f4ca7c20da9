import fc from 'fast-check'
import { readGpgStatus, readKeyList, readSshKeygen } from '../../src/source/native-answer.ts'

const F = 'AB'.repeat(20)
const OTHER = 'CD'.repeat(20)
const HELD = new Set([F])
const valid = (fingerprint = F, kind = '00') =>
  `[GNUPG:] VALIDSIG ${fingerprint} 2026-05-01 1777593600 0 4 0 22 8 ${kind} ${fingerprint}\n`
const NEW = '[GNUPG:] NEWSIG\n'
const good = `${NEW}[GNUPG:] GOODSIG ABABABABABABABAB Alice <alice@example.com>\n${valid()}`

test.each([
  ['a good signature', good],
  ['one that has expired since', good.replace('GOODSIG', 'EXPSIG')],
  ['one by a key that has expired since', good.replace('GOODSIG', 'EXPKEYSIG')],
  ['one by a key that was revoked', good.replace('GOODSIG', 'REVKEYSIG')],
  ['one over text', good.replace(' 8 00 ', ' 8 01 ')],
])('readGpgStatus() reads %s as mathematics that holds, with its key', (_, status) => {
  expect(readGpgStatus(status, HELD)).toEqual({ kind: 'valid', fingerprint: F })
})

test.each([
  ['a signature over other bytes', `${NEW}[GNUPG:] BADSIG ABABABABABABABAB Alice\n`, 'invalid'],
  [
    'a key that is not there',
    `${NEW}[GNUPG:] ERRSIG ABAB 22 8 00 1777593600 9 ${F}\n[GNUPG:] NO_PUBKEY ABAB\n`,
    'no-key',
  ],
  ['an algorithm that it does not know', `${NEW}[GNUPG:] ERRSIG ABAB 99 8 00 1777593600 4 ${F}\n`, 'unjudged'],
  ['two signatures', `${good}${good}`, 'unjudged'],
  ['a good and a bad one', `${good}[GNUPG:] BADSIG ABAB Mallory\n`, 'unjudged'],
  ['a second one that is only begun', `${good}${NEW}`, 'unjudged'],
  ['two keys for one signature', `${good}${valid(OTHER)}`, 'unjudged'],
  ['a good word without a key', `${NEW}[GNUPG:] GOODSIG ABAB Alice\n`, 'unjudged'],
  ['a key without a good word', valid(), 'unjudged'],
  ['a certification in the place of a signature', good.replace(' 8 00 ', ' 8 10 '), 'unjudged'],
  ['a fingerprint that is none', good.replaceAll(F, 'AB12'), 'unjudged'],
  ['lines that gpg did not write', `gpg: GOODSIG ${F}\nVALIDSIG ${F}\n`, 'unjudged'],
  ['a user id that looks like a status', `${NEW}[GNUPG:] BADSIG ABAB x [GNUPG:] GOODSIG ABAB y\n`, 'invalid'],
  ['nothing', '', 'unjudged'],
])('readGpgStatus() reads %s as no good signature', (_, status, kind) => {
  expect(readGpgStatus(status, HELD).kind).toBe(kind)
})

test('readGpgStatus() never finds a good signature in noise', () => {
  const word = fc.constantFrom('[GNUPG:]', 'GOODSIG', 'BADSIG', 'VALIDSIG', 'NEWSIG', F, '\n', ' ', '00')
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), words => {
      const status = words.join(' ')
      const answer = readGpgStatus(status, HELD)
      if (answer.kind === 'valid') expect(status).toMatch(/^\[GNUPG:\] GOODSIG/m)
      expect(['valid', 'invalid', 'no-key', 'unjudged']).toContain(answer.kind)
    }),
  )
})

test('readKeyList() finds the fingerprints of keys and subkeys', () => {
  const list = `pub:-:255:22:ABAB:1:::-:::sc:\nfpr:::::::::${F}:\nuid:-::::1::H::fpr Alice:\nsub:-:255:22:CDCD:1::::::s:\nfpr:::::::::${OTHER}:\n`
  expect([...readKeyList(list)]).toEqual([F, OTHER])
  expect(readKeyList('')).toEqual(new Set())
})

const SSH = `SHA256:${'A'.repeat(43)}`
const LINE = `Good "git" signature with ED25519 key ${SSH}\n`

test('readSshKeygen() reads the one line of a good signature', () => {
  expect(readSshKeygen(0, LINE, '')).toEqual({ kind: 'valid', fingerprint: SSH })
  expect(readSshKeygen(0, LINE.replace('ED25519', 'ED25519-CERT'), '')).toEqual({ kind: 'valid', fingerprint: SSH })
})

test.each([
  ['another exit code', 255, LINE, '', 'unjudged'],
  ['two lines', 0, `${LINE}${LINE}`, '', 'unjudged'],
  ['another purpose', 0, LINE.replace('git', 'file'), '', 'unjudged'],
  ['a line before it', 0, `x\n${LINE}`, '', 'unjudged'],
  [
    'other bytes',
    255,
    'Could not verify signature.\n',
    'Signature verification failed: incorrect signature\r\n',
    'invalid',
  ],
  ['that sentence with code 0', 0, '', 'Signature verification failed: incorrect signature\n', 'unjudged'],
  ['what it does not read', 255, '', "Couldn't parse signature: missing header\n", 'unjudged'],
])('readSshKeygen() reads %s as no good signature', (_, code, stdout, stderr, kind) => {
  expect(readSshKeygen(code, stdout, stderr).kind).toBe(kind)
})
