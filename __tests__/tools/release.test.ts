import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OWN_URI_BASE, requireOwnNames } from '../../src/statements/uris.ts'
import { asRelease } from '../../tools/release.ts'
import { errorOf } from '../policy/world.ts'

test('13-adversary 44: a release refuses to sign with a placeholder as its own name, a development build does not', () => {
  expect(errorOf(() => requireOwnNames(true))).toMatchObject({
    code: 'statements/placeholder-uri',
    kind: 'configuration',
    found: OWN_URI_BASE,
  })
  expect(() => requireOwnNames(false)).not.toThrow()
  expect(() => requireOwnNames(true, 'https://example.com/waybill')).not.toThrow()
})

test('13-adversary 44: the build of a release changes the one constant, and fails where it is not', () => {
  const compiled = 'export const RELEASE_BUILD = false\n'
  expect(asRelease(`export const X = 1\n${compiled}`)).toBe('export const X = 1\nexport const RELEASE_BUILD = true\n')
  expect(() => asRelease('export const X = 1')).toThrow('does not say')
  expect(() => asRelease(compiled + compiled)).toThrow('does not say')
})

test('13-adversary 44: the sources are a development build, in the words that a release replaces', () => {
  const source = readFileSync(join(import.meta.dirname, '../../src/entry/version.ts'), 'utf8')
  expect(asRelease(source.replace(': boolean', ''))).toContain('RELEASE_BUILD = true')
})
