import fc from 'fast-check'
import { holdsKnownSecret, looksLikeSecret } from '../../src/build/secret-detector.ts'

/** Put together at run time, so that scanners of this repository find no token. */
const join = (...parts: string[]): string => parts.join('')
const word = (length: number): string => 'aB3dE5fG7hJ9kL1mN0pQ2rS4tU6vW8xY'.repeat(4).slice(0, length)
const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const JWT = [base64url({ alg: 'RS256', typ: 'JWT' }), base64url({ sub: 'alice', aud: 'x' }), word(43)].join('.')
const PEM = join('-----BEGIN ', 'EC PRIVATE', ' KEY-----')

test.each([
  ['a classic GitHub token', join('gh', 'p_', word(36))],
  ['a job token', join('gh', 's_', word(36))],
  ['a job token in the newer dotted form', join('gh', 's_', word(12), '.', word(20), '-', word(8))],
  ['a GitHub refresh token', join('gh', 'r_', word(76))],
  ['a fine-grained GitHub token', join('github', '_pat_', word(22), '_', word(59))],
  ['an AWS key id', join('AK', 'IA', 'IOSFODNN7EXAMPLQ')],
  ['a temporary AWS key id', join('AS', 'IA', 'IOSFODNN7EXAMPLQ')],
  ['a private key', PEM],
  ['an OpenSSH private key', join('-----BEGIN ', 'OPENSSH PRIVATE', ' KEY-----')],
  ['an OpenPGP private key', join('-----BEGIN ', 'PGP PRIVATE KEY', ' BLOCK-----')],
  ['a private key squeezed into base64', Buffer.from(`${PEM}\nMHcCAQEEI`).toString('base64')],
  ['a JSON web token', JWT],
  ['a JSON web token after a scheme', `Bearer ${JWT}`],
  ['an npm token', join('npm', '_', word(36))],
  ['a GitLab token', join('gl', 'pat-', word(20))],
  ['a Slack bot token', join('xo', 'xb-', '123456789012-', word(24))],
  ['a Docker token', join('dckr', '_pat_', word(27))],
  ['a PyPI token', join('py', 'pi-AgEIcHlwaS5vcmc', word(40))],
  ['a Google API key', join('AI', 'za', word(35))],
  ['a payment key', join('sk', '_live_', word(24))],
  ['a key of an AI service', join('sk', '-proj-', word(48))],
  ['an older key of an AI service', join('sk', '-', word(48))],
  ['a password in a URL', join('https://alice:', 'hunter2', '@pypi.example.com/simple')],
  ['a token inside a longer value', join('--index=https://x/?token=gh', 'p_', word(36), '&y=1')],
])('looksLikeSecret() finds %s', (_what, value) => {
  expect(looksLikeSecret(value)).toEqual(expect.any(String))
})

test.each([
  ['a version', '1.24.3-alpine'],
  ['a commit id', '9a04d11c0ffee9a04d11c0ffee9a04d11c0ffee0'],
  ['a digest', `sha256:${'4f'.repeat(32)}`],
  ['a URL without a password', 'https://proxy.example.com:8080/path@v1'],
  ['a URL with a user only', 'https://alice@example.com/x'],
  ['a password that is a variable', join('https://alice:', '$', '{PASSWORD}', '@example.com/x')],
  ['an ssh remote', 'ssh://git@example.com:22/acme/app'],
  ['a public certificate', '-----BEGIN CERTIFICATE-----'],
  ['a public key', '-----BEGIN PUBLIC KEY-----'],
  ['a word that begins like a GitHub token', 'ghp_enabled'],
  ['a kebab-case name that begins with sk-', 'sk-learn-pipeline-for-testing-things'],
  ['a word in capitals that begins like an AWS key', 'AKIAM'],
  ['a word that contains an AWS prefix', 'MAKIAVELLI-BUILD-2026-EDITION'],
  ['a package scope', 'npm_config_registry'],
  ['a dotted name that begins like a JSON web token', 'eyJ.example.com'],
  ['compiler flags', '-O2 -fstack-protector'],
  ['an e-mail address', 'alice@example.com'],
  ['an image', 'ghcr.io/acme/app:v1@sha256:00'],
  ['nothing', ''],
])('looksLikeSecret() lets %s pass', (_what, value) => {
  expect(looksLikeSecret(value)).toBeUndefined()
})

test('looksLikeSecret() is linear: a long value of token-like parts ends at once', () => {
  for (const part of ['eyJaaaaaaaa.', 'gh', '://a:', 'sk-', '-----BEGIN ', 'xoxb-', 'LS0tLS1CRUdJTi']) {
    const started = performance.now()
    looksLikeSecret(part.repeat(200_000 / part.length))
    expect(performance.now() - started).toBeLessThan(20_000)
  }
})

test.each([
  ['equals it', 'hunter22x', ['hunter22x'], true],
  ['equals it but for white space', ' hunter22x\n', ['hunter22x'], true],
  ['contains it', 'a-hunter22x-b', ['hunter22x'], true],
  ['encodes it', Buffer.from('hunter22x').toString('base64'), ['hunter22x'], true],
  ['equals a short one', 'ab', ['ab'], true],
  ['contains a short one by chance', 'cabbage', ['ab'], false],
  ['has nothing to do with it', 'v1', ['hunter22x', ''], false],
  ['is empty as an unset secret is', '', [''], false],
] as const)('holdsKnownSecret() when the value %s', (_what, value, secrets, expected) => {
  expect(holdsKnownSecret(value, secrets)).toBe(expected)
})

test('holdsKnownSecret() finds every secret of eight characters or more wherever it stands', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 8 }), fc.string(), fc.string(), (secret, before, after) => {
      expect(holdsKnownSecret(`${before}${secret}${after}`, [secret])).toBe(true)
    }),
  )
})
