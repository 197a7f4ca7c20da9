import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { parseCommand } from '../../src/entry/cli-arguments.ts'
import { USAGE } from '../../src/entry/cli-usage.ts'

test('parseCommand() reads images and who is expected', () => {
  const words = ['verify', 'image', 'a/b:1', 'c/d', '--certificate-identity', 'x', '--certificate-oidc-issuer', 'y']
  expect(parseCommand([...words, '--require', 'signature,provenance', '--json'])).toEqual({
    kind: 'verify image',
    images: ['a/b:1', 'c/d'],
    flags: { certificateIdentity: 'x', certificateOidcIssuer: 'y', require: ['signature', 'provenance'] },
    insecureRegistries: [],
    json: true,
    quiet: false,
  })
})

test('parseCommand() without words is help', () => {
  expect(parseCommand([])).toEqual({ kind: 'help' })
})

test.each([
  ['an unknown command', ['frobnicate']],
  ['a command of a later version', ['deploy']],
  ['another subject of a later version', ['verify', 'cluster']],
  ['no reference', ['verify', 'image']],
  ['an unknown option', ['verify', 'image', 'a/b', '--frobnicate']],
  ['an option without its value', ['verify', 'image', 'a/b', '--policy']],
  ['a trust root beside a policy', ['verify', 'image', 'a/b', '--policy', 'p', '--trusted-root', 't']],
])('parseCommand() refuses %s as usage, exit code 3', (_, words) => {
  expect(() => parseCommand(words)).toThrow(expect.objectContaining({ code: 'entry/usage', kind: 'configuration' }))
})

test('parseCommand() gives a command or a typed error for any words', () => {
  const word = fc.oneof(fc.string(), fc.constantFrom('verify', 'image', '--json', '--policy', '--', '--require', '-h'))
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), words => {
      try {
        expect(['help', 'version', 'verify image']).toContain(parseCommand(words).kind)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})

test('every option of the usage text is one that parseCommand() knows', () => {
  for (const [option] of USAGE.matchAll(/--[a-z-]+/g)) {
    const known = ['--help', '--version', '--json', '--quiet'].includes(option)
    const words = ['verify', 'image', 'a/b', option, ...(known ? [] : ['value'])]
    expect(() => parseCommand(words)).not.toThrow()
  }
})
