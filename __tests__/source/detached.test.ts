import { utf8 } from '../../src/core/bytes.ts'
import { checkDetached } from '../../src/source/detached.ts'
import { Keyring, loadKeyring } from '../../src/source/keyring.ts'
import { Gpg } from '../fakes/gpg.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'

const gpg = new Gpg()
afterAll(() => gpg.close())

const TEXT = 'one\ntwo\r\n\r\nthree\n'.repeat(40)

/** The bytes in pieces of every size up to eleven, so that line ends are cut in two. */
function pieces(bytes: Uint8Array) {
  return async function* () {
    for (let at = 0, size = 0; at < bytes.byteLength; at += size) {
      size = (size % 11) + 1
      yield bytes.subarray(at, at + size)
    }
  }
}

const ALGORITHMS = ['rsa2048', 'ed25519', 'nistp256'] as const

test.each(ALGORITHMS)('an OpenPGP signature over a file that is read in pieces: %s', async algorithm => {
  const key = gpg.makeKey(`Alice ${algorithm}`, algorithm)
  const keyring = await loadKeyring([{ path: 'alice.asc', bytes: utf8(gpg.exported(key)) }])
  for (const more of [[], ['--textmode']]) {
    const armor = gpg.sign(key, utf8(TEXT), more)
    const check = (signature: Uint8Array, text: string) =>
      checkDetached({ scheme: 'openpgp', signature, content: pieces(utf8(text)) }, keyring)
    expect(await check(utf8(`${armor}\n`), TEXT)).toMatchObject({ kind: 'openpgp', fingerprint: key })
    expect(await check(utf8(armor.replaceAll('\n', '\r\n')), TEXT)).toMatchObject({ kind: 'openpgp' })
    expect(await check(utf8(armor), `${TEXT}x`)).toMatchObject({ kind: 'rejected', code: 'source/bad-signature' })
    expect(await check(utf8(armor), TEXT.replace('two', 'TWO'))).toMatchObject({ kind: 'rejected' })
    // What counts as one line end in a text is two files of bytes otherwise.
    const other = await check(utf8(armor), TEXT.replace('one\n', 'one\r\n'))
    expect(other.kind).toBe(more.length === 0 ? 'rejected' : 'openpgp')
    const dearmored = gpg.run(['--dearmor'], armor)
    expect(await check(dearmored, TEXT)).toMatchObject({ kind: 'openpgp', fingerprint: key })
    expect(await check(dearmored.subarray(1), TEXT)).toMatchObject({ kind: 'rejected', code: 'source/malformed' })
    expect(await check(Buffer.concat([dearmored, dearmored]), TEXT)).toMatchObject({ code: 'source/malformed' })
  }
})

test('a message that carries its own text is no signature beside a file', async () => {
  const key = gpg.makeKey('Bob', 'ed25519')
  const keyring = await loadKeyring([{ path: 'bob.asc', bytes: utf8(gpg.exported(key)) }])
  for (const how of ['--clear-sign', '--sign']) {
    const signature = gpg.run(['--armor', '--local-user', key, how], TEXT)
    const fact = await checkDetached({ scheme: 'openpgp', signature, content: pieces(utf8(TEXT)) }, keyring)
    expect(fact).toMatchObject({ kind: 'rejected', code: 'source/malformed' })
  }
})

test('an SSH signature over a file that is read in pieces, for one purpose', async () => {
  const signer = makeSshSigner()
  const signature = utf8(`${signer.sign(utf8(TEXT), 'file')}\n`)
  const check = (text: string, namespace: string) =>
    checkDetached({ scheme: 'ssh', signature, content: pieces(utf8(text)), namespace }, new Keyring([]))
  expect(await check(TEXT, 'file')).toMatchObject({ kind: 'ssh', fingerprint: signer.fingerprint })
  expect(await check(`${TEXT}x`, 'file')).toMatchObject({ kind: 'rejected', code: 'source/bad-signature' })
  expect(await check(TEXT, 'git')).toMatchObject({ kind: 'rejected', code: 'source/ssh-namespace' })
})

test('what is no text is no armor', async () => {
  const signature = new Uint8Array([0xff, 0xfe])
  const fact = await checkDetached({ scheme: 'ssh', signature, content: pieces(utf8('')) }, new Keyring([]))
  expect(fact).toMatchObject({ kind: 'rejected', code: 'source/malformed' })
})
