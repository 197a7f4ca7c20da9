import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { formatReference, parseReference, repositoryOf } from '../../src/registry/reference.ts'
import { codeOf } from './support.ts'

const HEX = 'a'.repeat(64)

test.each([
  ['alpine', 'docker.io/library/alpine'],
  ['acme/app', 'docker.io/acme/app'],
  ['index.docker.io/alpine', 'docker.io/library/alpine'],
  ['registry-1.docker.io/acme/app', 'docker.io/acme/app'],
  ['docker.io:443/alpine', 'docker.io/library/alpine'],
  ['GHCR.IO/acme/app', 'ghcr.io/acme/app'],
  ['ghcr.io:443/acme/app', 'ghcr.io/acme/app'],
  ['ghcr.io./acme/app', 'ghcr.io/acme/app'],
  ['[::1]:5000/x', '[::1]:5000/x'],
  ['[0:0:0:0:0:0:0:1]:5000/x', '[::1]:5000/x'],
  ['localhost/x', 'localhost/x'],
  ['registry:443/x', 'registry:443/x'],
  ['registry.:443/x', 'registry:443/x'],
  ['LOCALHOST:5000/x', 'localhost:5000/x'],
  ['127.0.0.1:5000/a/b/c', '127.0.0.1:5000/a/b/c'],
  ['xn--bcher-kva.example/x', 'xn--bcher-kva.example/x'],
])('13-adversary 34: parseReference(%j) has the one canonical form %j', (given, canonical) => {
  expect(parseReference(given).canonical).toBe(canonical)
})

test.each([
  ['upper case in the repository', 'ghcr.io/Acme/app'],
  ['upper case without a host', 'Acme/app'],
  ['a host that is one label and a dot', 'B./ghcr.io'],
  ['a URL', 'https://ghcr.io/acme/app'],
  ['a host written as a number', '0x7f.1/x'],
  ['an octal host', '0177.0.0.1/x'],
  ['a short IPv4 address', '127.1:5000/x'],
  ['characters outside ASCII in the host', 'bücher.example/x'],
  ['a full-width dot', 'ghcr。io/x.y/z'],
  ['an impossible port', 'ghcr.io:99999/x'],
  ['a port with a leading zero', 'ghcr.io:0443/x'],
  ['an empty port', 'ghcr.io:/x'],
  ['two trailing dots', 'ghcr.io../x'],
  ['user information', 'user@ghcr.io/x'],
  ['no repository', 'ghcr.io/'],
  ['an empty component', 'ghcr.io/a//b'],
  ['a parent component', 'ghcr.io/a/../b'],
  ['a percent sign', 'ghcr.io/a%2fb'],
  ['a query', 'ghcr.io/a?x=1'],
  ['a line break', 'ghcr.io/a\n'],
  ['a short digest', 'ghcr.io/a@sha256:abc'],
  ['another digest algorithm', `ghcr.io/a@sha512:${'a'.repeat(128)}`],
  ['two digests', `ghcr.io/a@sha256:${HEX}@sha256:${HEX}`],
  ['a malformed tag', 'ghcr.io/a:-x'],
  ['an image id', HEX],
  ['nothing', ''],
  ['half a bracket', '[::1/x'],
])('13-adversary 34: parseReference() refuses %s', async (_what, given) => {
  expect(await codeOf(() => parseReference(given))).toBe('registry/reference-malformed')
})

test('parseReference() keeps tag and digest apart and formatReference() writes them again', () => {
  const text = `127.0.0.1:5000/acme/app:1.2@sha256:${HEX}`
  const reference = parseReference(text)
  expect(reference).toMatchObject({ tag: '1.2', digest: `sha256:${HEX}`, canonical: '127.0.0.1:5000/acme/app' })
  expect(formatReference(reference)).toBe(text)
  expect(repositoryOf(reference)).toEqual({ host: '127.0.0.1:5000', repository: 'acme/app' })
})

test('parseReference() given any text returns a reference that reads the same again, or a typed error', () => {
  const piece = fc.constantFrom(
    'ghcr.io',
    'a',
    'B',
    '/',
    ':',
    '@',
    '.',
    '[',
    ']',
    '::1',
    `sha256:${HEX}`,
    '5000',
    '-',
    '_',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(piece).map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(text, given => {
      try {
        const reference = parseReference(given)
        expect(parseReference(formatReference(reference))).toEqual(reference)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
    { numRuns: 2000 },
  )
})

test('parseReference() takes linear time on hostile names', () => {
  const started = performance.now()
  for (const given of ['a-'.repeat(340), 'a'.repeat(699), `${'a.'.repeat(340)}/`, '['.repeat(600)])
    expect(() => parseReference(given)).toThrow(WaybillError)
  expect(performance.now() - started).toBeLessThan(20_000)
})
