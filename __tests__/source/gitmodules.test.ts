import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { asWaybillError, WaybillError } from '../../src/core/error.ts'
import { parseGitmodules } from '../../src/source/gitmodules.ts'
import { bareRepository, submoduleUrl } from '../../src/source/submodule-url.ts'

const VECTORS = join(import.meta.dirname, '../vectors/gitmodules')
const BASE = 'https://example.com/acme/app'

interface Expected {
  readonly submodules?: readonly { readonly path: string; readonly remote: string }[]
  readonly refused?: string
}

function read(bytes: Uint8Array): Expected {
  try {
    return { submodules: parseGitmodules(bytes).map(({ path, url }) => ({ path, remote: submoduleUrl(url, BASE) })) }
  } catch (error) {
    return { refused: asWaybillError(error).code }
  }
}

test.each(readdirSync(VECTORS))('13-adversary 14: .gitmodules, %s', name => {
  const folder = join(VECTORS, name)
  const expected: Expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'))
  expect(read(readFileSync(join(folder, 'gitmodules')))).toEqual(expected)
})

test('any bytes are a list of safe submodules or a typed refusal', () => {
  const words = [
    '[submodule "a"]',
    '\n',
    '\tpath = ',
    'url=',
    '..',
    '/',
    '"',
    '\\',
    '-',
    'https://h/a',
    '\r',
    '\0',
    '#',
  ]
  const text = fc.array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 8 })), { maxLength: 30 })
  fc.assert(
    fc.property(text, parts => {
      try {
        for (const { path, url } of parseGitmodules(Buffer.from(parts.join('')))) {
          expect(path).not.toMatch(/^[-/]|\/\/|(^|\/)\.\.?(\/|$)|\/$/)
          expect(url).not.toMatch(/^-/)
        }
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})

test('an address is refused, or https in one spelling on the host that is written there', () => {
  const part = fc.constantFrom(
    'https://',
    'ext::',
    '../',
    './',
    'h.example',
    '/',
    'a',
    '..',
    '@',
    ':',
    '?',
    '#',
    '%2e',
    '-',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), parts => {
      const url = parts.join('')
      try {
        const remote = submoduleUrl(url, BASE)
        expect(new URL(remote).href).toBe(remote)
        expect(remote).toMatch(/^https:\/\/[^@?#%]+$/)
        const { host } = new URL(remote)
        expect(host === new URL(BASE).host || url.startsWith(`https://${host}/`)).toBe(true)
      } catch (error) {
        if (!(error instanceof WaybillError)) throw error
        expect(error.code).toBe('source/submodule-url-refused')
      }
    }),
    { examples: [[['https://', 'h.example', '/', 'a']], [['../', 'a']]] },
  )
})

test('http is for this machine alone', () => {
  expect(submoduleUrl('http://127.0.0.1:3000/acme/lib', BASE)).toBe('http://127.0.0.1:3000/acme/lib')
  expect(submoduleUrl('../lib.git', 'http://localhost:3000/acme/app')).toBe('http://localhost:3000/acme/lib.git')
  expect(() => submoduleUrl('http://10.0.0.1/acme/lib', BASE)).toThrow('from where none is fetched')
})

test('what the short form of ssh says is told as an https address', () => {
  try {
    submoduleUrl('git@github.com:acme/lib.git', BASE)
    throw new Error('it was taken')
  } catch (error) {
    expect(asWaybillError(error).remedy).toContain('submodule.NAME.url https://github.com/acme/lib.git')
  }
})

test('a repository has one name with and without its suffix', () => {
  expect(bareRepository('https://h/a/b.git')).toBe('https://h/a/b')
  expect(bareRepository('https://h/a/b/')).toBe('https://h/a/b')
})

test('a flood of submodules is refused', () => {
  const many = Array.from(
    { length: 201 },
    (_, at) => `[submodule "${at}"]\n\tpath = p${at}\n\turl = https://h/a/${at}\n`,
  )
  expect(read(Buffer.from(many.join('')))).toEqual({ refused: 'source/gitmodules-malformed' })
  expect(read(Buffer.from('#'.repeat(70_000)))).toEqual({ refused: 'source/gitmodules-malformed' })
})
