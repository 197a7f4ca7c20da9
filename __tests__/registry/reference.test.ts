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
  ['XN--BCHER-KVA.example/x', 'xn--bcher-kva.example/x'],
  ['xn--bcher-kva.example.:443/x', 'xn--bcher-kva.example/x'],
  ['INDEX.DOCKER.IO/library/alpine', 'docker.io/library/alpine'],
  ['index.docker.io./alpine', 'docker.io/library/alpine'],
  ['index.docker.io:443/alpine', 'docker.io/library/alpine'],
  ['registry.hub.docker.com/acme/app', 'docker.io/acme/app'],
  ['docker.io:5000/alpine', 'docker.io:5000/alpine'],
  ['library/alpine', 'docker.io/library/alpine'],
  ['ghcr.io.:443/acme/app', 'ghcr.io/acme/app'],
  ['ghcr.io:80/acme/app', 'ghcr.io:80/acme/app'],
  ['[::1]:443/x', '[::1]/x'],
  ['[2001:DB8::A]/x', '[2001:db8::a]/x'],
  ['[2001:db8:0:0:0:0:0:a]/x', '[2001:db8::a]/x'],
  ['127.0.0.1.:5000/x', '127.0.0.1:5000/x'],
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
  ['a Cyrillic letter in the host', 'ghсr.io/x'],
  ['a full-width letter in the host', 'ｇhcr.io/x'],
  ['an A-label that decodes to nothing but its own letters', 'xn--ghcr-.io/x'],
  ['an IPv4 address dressed as IPv6', '[::ffff:127.0.0.1]:5000/x'],
  ['the same in hex', '[::FFFF:7f00:1]:5000/x'],
  ['a zone', '[fe80::1%25eth0]:5000/x'],
  ['a zone without its percent code', '[fe80::1%eth0]/x'],
  ['an underscore in the host', 'my_registry.example/x'],
  ['a host that begins with a dash', '-registry.example/x'],
  ['white space', 'ghcr.io/x '],
  ['a tab in the tag', 'ghcr.io/x:a\tb'],
  ['templating left in', 'ghcr.io/{{ .Values.image }}:1'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what a shell or compose would have replaced
  ['a variable left in', 'ghcr.io/${IMAGE}:1'],
  ['upper-case digits of a digest', `ghcr.io/a@sha256:${'A'.repeat(64)}`],
  ['a tag behind the digest', `ghcr.io/a@sha256:${HEX}:1`],
  ['a decimal host', '2130706433.:5000/x'],
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

test('13-adversary 34: with a digest the tag is display only: what is compared and fetched is the same without it', () => {
  const digest = `@sha256:${HEX}`
  const spellings = ['', ':1.2', ':latest', ':sha256-abc'].map(tag =>
    parseReference(`GHCR.io:443/acme/app${tag}${digest}`),
  )
  for (const { canonical, digest: found } of spellings)
    expect([canonical, found]).toEqual(['ghcr.io/acme/app', `sha256:${HEX}`])
  expect(new Set(spellings.map(({ tag }) => tag)).size).toBe(4)
})

test('13-adversary 34: every host is connected to under exactly the spelling that is compared', () => {
  const hosts = ['GHCR.IO.:443', 'XN--BCHER-KVA.example', '[0:0::1]:5000', '127.0.0.1.:5000', 'LOCALHOST:443']
  for (const given of hosts) {
    const { host } = parseReference(`${given}/x`)
    const url = new URL(`https://${host}/v2/`)
    expect(url.host === '' ? host : url.host).toBe(host.replace(/:443$/, ''))
  }
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
