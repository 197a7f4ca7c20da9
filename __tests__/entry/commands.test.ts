import fc from 'fast-check'
import { CATALOGUE } from '../../src/core/catalogue.ts'
import { WaybillError } from '../../src/core/error.ts'
import { usageText } from '../../src/entry/cli-usage.ts'
import { COMMANDS, readCall } from '../../src/entry/commands/table.ts'
import { readVerifyImage } from '../../src/entry/commands/verify-image.ts'

test('readVerifyImage() takes images and who is expected', () => {
  const values = {
    'certificate-identity': 'x',
    'certificate-oidc-issuer': 'y',
    require: ['signature,provenance'],
    json: true,
  }
  expect(readVerifyImage({ values, references: ['a/b:1', 'c/d'] })).toEqual({
    images: ['a/b:1', 'c/d'],
    flags: { certificateIdentity: 'x', certificateOidcIssuer: 'y', require: ['signature', 'provenance'] },
    stage: 'deploy',
    bundles: [],
    offline: false,
    insecureRegistries: [],
    pin: false,
    pipes: false,
    format: 'json',
    quiet: false,
  })
})

test.each([
  ['no words', []],
  ['-h', ['-h']],
  ['--help before other words', ['--help', 'verify']],
  ['the first word of a command', ['verify', '--help']],
])('readCall() gives help for %s', (_, words) => {
  expect(readCall(words)).toEqual({ kind: 'help' })
})

test.each(COMMANDS)('readCall() gives help of waybill $words alone', command => {
  expect(readCall([...command.words.split(' '), '--help'])).toEqual({ kind: 'help', of: command })
})

test.each([
  ['an unknown command', ['frobnicate']],
  ['a command of a later version', ['deploy']],
  ['another subject of a later version', ['verify', 'commit']],
  ['an option before the command', ['--json', 'verify', 'image', 'a/b']],
  ['no reference', ['verify', 'image']],
  ['an unknown option', ['verify', 'image', 'a/b', '--frobnicate']],
  ['an option without its value', ['verify', 'image', 'a/b', '--policy']],
  ['two formats', ['verify', 'image', 'a/b', '--json', '--format', 'sarif']],
  ['an unknown format', ['verify', 'image', 'a/b', '--format', 'xml']],
  ['an unknown stage', ['verify', 'image', 'a/b', '--stage', 'build']],
  ['an image with --pin', ['verify', 'image', 'a/b', '--pin']],
  ['a file with --pin', ['verify', 'file', 'a', '--pin']],
  ['no file', ['verify', 'file']],
  ['no manifest', ['verify', 'manifest']],
  ['no compose file', ['verify', 'compose']],
  ['a pinned manifest and a result on one output', ['verify', 'manifest', '-', '--pin', '--json']],
  ['a bundle beside a replay', ['verify', 'image', 'a/b', '--replay', 'd', '--bundle', 'b.json']],
  ['a repository of bundles beside a replay', ['verify', 'file', 'a', '--replay', 'd', '--files-repository', 'a.b/c']],
  ['a replay that writes digests', ['verify', 'manifest', 'a.yaml', '--replay', 'd', '--pin']],
  ['a trust root beside a policy', ['verify', 'image', 'a/b', '--policy', 'p', '--trusted-root', 't']],
])('readCall() refuses %s as usage, exit code 3', (_, words) => {
  expect(() => readCall(words)).toThrow(expect.objectContaining({ code: 'entry/usage', kind: 'configuration' }))
})

test('readCall() gives a call or a typed error for any words', () => {
  const known = COMMANDS.flatMap(({ words }) => words.split(' '))
  const word = fc.oneof(fc.string(), fc.constantFrom(...known, '--json', '--policy', '--', '--require', '-h'))
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), words => {
      try {
        expect(['help', 'version', 'run']).toContain(readCall(words).kind)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})

test.each(COMMANDS)('every option that the usage of waybill $words names is one that it knows', ({ words, usage }) => {
  for (const [option] of usage.matchAll(/--[a-z-]+/g)) {
    for (const given of [[option], [option, 'value']]) {
      const error = thrownBy(() => readCall([...words.split(' '), ...given]))
      expect(error?.message ?? '').not.toMatch(/^Unknown option/)
    }
  }
})

test('the usage text names every command', () => {
  for (const { words } of COMMANDS) expect(usageText()).toContain(`  waybill ${words} `)
})

function thrownBy(act: () => unknown): WaybillError | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof WaybillError) return error
    throw error
  }
}

/** Whole command lines in the remedies of the catalogue, up to the end of their clause. */
const NAMED = Object.entries(CATALOGUE).flatMap(([code, { remedy }]) =>
  [...remedy.matchAll(/\bwaybill ([a-z][^;,)]*?)(?= makes | with |[;,)]|\.?$)/g)].map(([, words = '']) => ({
    code,
    words,
  })),
)

test('remedies of the catalogue name commands', () => {
  expect(NAMED.length).toBeGreaterThan(5)
})

test.each(NAMED)('the remedy of $code can be pasted: waybill $words', ({ words }) => {
  expect(() => readCall(words.split(' '))).not.toThrow()
})
