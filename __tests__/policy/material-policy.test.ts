import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { materialKey, materialRule, refuseRevoked } from '../../src/policy/material-policy.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { compileUriPattern, isCanonicalUri, matchesUri, resemblesUri } from '../../src/policy/uri-pattern.ts'
import { errorOf, filled, NOW, sshFingerprintOf, sshLine } from './world.ts'

const policy = (text: string) => parsePolicy(utf8(filled(`version: 1\n${text}`)), '.github/waybill.yml')
const FINGERPRINT = '3D5E07B2'.repeat(5)
const KEYS = `material-keys:
  tini: {openpgp: {fingerprint: ${FINGERPRINT}, file: keys/tini.asc}}
  zig: {minisign: {file: keys/zig.pub}}
  carol: {ssh: {key: "{{carol}} carol@example.com"}}
  next: {sigstore: {identity: release@example.com, issuer: "https://accounts.example.com"}, trust: {file: keys/root.json}}
  core: {github: {repository: acme/core, repository-id: 4714, signer: "acme/core/.github/workflows/build.yml@refs/heads/main", source-ref: [refs/heads/main], trigger: [push]}}
`
const POLICY = policy(`materials:
  - {match: "https://github.com/krallin/tini/releases/download/*/*", keys: [tini, zig]}
  - {match: "https://example.com/data/old/**", deny: true}
  - {match: ["https://example.com/data/**", "https://example.com:8443/data/*?v=*"], private: true}
  - {match: "git+https://github.com/acme/libfoo@v*", keys: carol}
  - {match: "artifact://acme/core/build.yml/*", keys: core}
  - {match: "http://127.0.0.1:8080/**"}
${KEYS}`)
const codeOf = (uri: string, from = POLICY) => {
  try {
    return materialRule(from, uri)
      ?.match.map(({ text }) => text)
      .join()
  } catch (error) {
    return (error as { readonly code: string }).code
  }
}

describe('materialRule()', () => {
  test.each([
    ['https://github.com/krallin/tini/releases/download/v0.19.0/tini-amd64', ['tini', 'zig'], false],
    ['https://example.com/data/new/x.tgz', [], true],
    ['https://example.com:8443/data/x?v=1', [], true],
    ['git+https://github.com/acme/libfoo@v1.2', ['carol'], false],
    ['artifact://acme/core/build.yml/core.tgz', ['core'], false],
    ['http://127.0.0.1:8080/x', [], false],
  ])('%s', (uri, keys, inside) => {
    expect(materialRule(POLICY, uri)).toMatchObject({ keys, deny: false, private: inside })
  })

  test('a policy without the block says nothing, and one with it denies what no rule matches', () => {
    expect(materialRule(policy(KEYS), 'https://mallory.example/x')).toBeUndefined()
    expect(codeOf('https://mallory.example/x')).toBe('policy/no-rule')
  })

  test('the YAML of the remedy is a rule that matches', () => {
    const uri = 'https://mallory.example/a?b=c'
    const { remedy = '' } = errorOf(() => materialRule(POLICY, uri))
    const line = remedy.slice(remedy.indexOf('- {'))
    expect(materialRule(policy(`materials:\n  ${line}\n`), uri)?.keys).toEqual([])
  })
})

describe('13-adversary 20: the policy decides about URIs, and brings the keys', () => {
  test.each([
    ['another owner', 'https://github.com/mallory/tini/releases/download/v0.19.0/tini-amd64', 'policy/no-rule'],
    ['another segment', 'https://github.com/krallin/tini/releases/download/v0.19.0/x/tini', 'policy/no-rule'],
    ['another workflow of the repository', 'artifact://acme/core/other.yml/core.tgz', 'policy/no-rule'],
    ['another repository of the owner', 'artifact://acme/other/build.yml/core.tgz', 'policy/no-rule'],
    ['another branch', 'git+https://github.com/acme/libfoo@main', 'policy/no-rule'],
    ['a folder in the ref', 'git+https://github.com/acme/libfoo@v1/x', 'policy/no-rule'],
    ['the same path without git', 'https://github.com/acme/libfoo@v1', 'policy/no-rule'],
    ['an image', 'docker-image://docker.io/library/alpine:3.22', 'policy/no-rule'],
    ['what is denied', 'https://example.com/data/old/x', 'policy/denied'],
    ['a query where none is written', 'https://example.com/data/x?redirect=https://mallory.example/', 'policy/no-rule'],
    ['no query where one is written', 'https://example.com:8443/data/x', 'policy/no-rule'],
  ])('%s', (_what, uri, code) => expect(codeOf(uri)).toBe(code))

  test('a key is known by its name alone', () => {
    expect(materialKey(POLICY, 'tini')).toEqual({
      kind: 'openpgp',
      fingerprint: FINGERPRINT,
      file: '.github/keys/tini.asc',
    })
    expect(materialKey(POLICY, 'zig')).toEqual({ kind: 'minisign', file: '.github/keys/zig.pub' })
    expect(materialKey(POLICY, 'carol')).toEqual({
      kind: 'ssh',
      fingerprint: sshFingerprintOf('carol'),
      key: sshLine('carol'),
    })
    expect(materialKey(POLICY, 'next')).toMatchObject({ kind: 'signer', trust: { file: '.github/keys/root.json' } })
    expect(materialKey(POLICY, 'core')).toMatchObject({ kind: 'signer', trust: 'public-good' })
  })
  test.each(['other', 'toString', '__proto__', ''])('there is no key called "%s"', name => {
    expect(errorOf(() => materialKey(POLICY, name))).toMatchObject({ code: 'policy/no-key', kind: 'rejected' })
  })
  test('files of keys are part of the law', () => {
    expect(POLICY.files.map(({ path, use }) => [path, use])).toEqual([
      ['.github/keys/tini.asc', 'openpgp'],
      ['.github/keys/zig.pub', 'minisign'],
      ['.github/keys/root.json', 'trust'],
    ])
  })
  test('a weak RSA key is refused', () => {
    const blob = Buffer.concat(
      [Buffer.from('ssh-rsa'), Buffer.from([1, 0, 1]), Buffer.from([0, ...Buffer.alloc(128, 0xc1)])].map(part =>
        Buffer.concat([Buffer.from([0, 0, 0, part.length]), part]),
      ),
    )
    const text = `material-keys: {a: {ssh: {key: "ssh-rsa ${blob.toString('base64')}"}}}`
    expect(errorOf(() => policy(text)).message).toContain('is an RSA key of 1024 bits')
  })
})

describe('13-adversary 12: keys of materials can be revoked', () => {
  const revoked = (entry: string) => policy(`revoked: [${entry}]`)
  const signed = { fingerprint: 'AB'.repeat(20), primary: FINGERPRINT }
  test.each([
    ['compromised', `{fingerprint: ${FINGERPRINT}, effective: 2030-01-01, mode: compromised}`, 'policy/key-revoked'],
    ['retired before', `{fingerprint: ${FINGERPRINT}, effective: 2026-05-01, mode: retired}`, 'policy/key-revoked'],
    ['retired later', `{fingerprint: ${FINGERPRINT}, effective: 2030-01-01, mode: retired}`, undefined],
    ['another key', `{fingerprint: ${'CD'.repeat(20)}, effective: 2026-05-01, mode: compromised}`, undefined],
  ])('%s', (_what, entry, code) => {
    const refuse = () => refuseRevoked(revoked(entry), signed, NOW)
    if (code === undefined) expect(refuse).not.toThrow()
    else expect(errorOf(refuse).code).toBe(code)
  })
})

describe('13-adversary 34: a URI counts in one spelling alone', () => {
  test.each([
    'https://example.com/',
    'https://example.com/a//b',
    'https://example.com/v1.2%2Bk3s1/x',
    'https://example.com/a%20b?x=%2F',
    'https://xn--mnchen-3ya.de/a',
    'https://[::1]:8443/a',
    'http://localhost/a',
    'git+https://github.com/acme/lib@release/1.x',
    'artifact://acme/core/build.yaml/core_1.2-x.tgz',
  ])('%s is one', uri => expect(isCanonicalUri(uri)).toBe(true))

  const OPEN = policy(
    'materials: [{match: "https://example.com/bad/**", deny: true}, {match: "https://example.com/**"}]',
  )
  test.each([
    ['upper case in the host', 'https://EXAMPLE.com/bad/x'],
    ['upper case in the scheme', 'HTTPS://example.com/bad/x'],
    ['the default port', 'https://example.com:443/bad/x'],
    ['a trailing dot', 'https://example.com./bad/x'],
    ['a login', 'https://alice:secret@example.com/bad/x'],
    ['an empty login', 'https://@example.com/bad/x'],
    ['a fragment', 'https://example.com/bad/x#y'],
    ['dot segments', 'https://example.com/a/../bad/x'],
    ['encoded dot segments', 'https://example.com/a/%2e%2E/bad/x'],
    ['an encoded slash', 'https://example.com/a/..%2fbad/x'],
    ['an encoded backslash', 'https://example.com/a/..%5Cbad/x'],
    ['a slash encoded twice', 'https://example.com/a/..%252fbad/x'],
    ['dots with parameters', 'https://example.com/a/..;/bad/x'],
    ['a backslash', 'https://example.com\\bad\\x'],
    ['a control character', 'https://example.com/ba\td/x'],
    ['an encoded control character', 'https://example.com/ba%00d/x'],
    ['no path', 'https://example.com'],
    ['plain http', 'http://example.com/bad/x'],
    ['another scheme', 'file:///bad/x'],
    ['an address in other numbers', 'https://0x7f.1/x'],
    ['an address written as IPv6', 'https://[::ffff:7f00:1]/x'],
    ['a repository with a login', 'git+https://github.com@example.com/x@v1'],
    ['a repository whose path holds the ref', 'git+https://example.com/x@v1/y@v2'],
    ['a repository without ref', 'git+https://example.com/x'],
    ['a ref that is an option', 'git+https://example.com/x@--upload-pack=x'],
    ['a ref with dots', 'git+https://example.com/x@a..b'],
    ['a repository by http', 'git+http://example.com/x@v1'],
    ['an artifact with dots', 'artifact://acme/../build.yml/x'],
    ['an artifact of a folder', 'artifact://acme/core/build.yml/a/b'],
    ['nothing', ''],
    ['too much', `https://example.com/${'a'.repeat(9_000)}`],
  ])('%s', (_what, uri) => {
    expect(isCanonicalUri(uri)).toBe(false)
    expect(codeOf(uri, OPEN)).toBe('policy/no-rule')
  })

  test.each([
    ['other letter case', 'https://example.com/Bad/x'],
    ['encoded letters', 'https://example.com/b%61d/x'],
    ['doubled slashes', 'https://example.com//bad//x'],
    ['a query', 'https://example.com/bad/x?y'],
  ])('a rule that denies is not walked around by %s', (_what, uri) => {
    expect(isCanonicalUri(uri)).toBe(true)
    expect(codeOf(uri, OPEN)).toBe('policy/denied')
  })
  test('nor by .git', () => {
    const git = policy(
      'materials: [{match: "git+https://github.com/acme/bad@**", deny: true}, {match: "git+https://github.com/**"}]',
    )
    expect(codeOf('git+https://github.com/Acme/bad.git@main', git)).toBe('policy/denied')
    expect(codeOf('git+https://github.com/acme/bad/@main', git)).toBe('policy/denied')
    expect(codeOf('git+https://github.com/acme/good.git@main', git)).toBe('git+https://github.com/**')
  })
  test('and what is allowed is compared to the letter', () => {
    const one = policy('materials: [{match: "https://example.com/Good/*"}]')
    expect(codeOf('https://example.com/Good/x', one)).toBe('https://example.com/Good/*')
    for (const uri of ['https://example.com/good/x', 'https://example.com/G%6Fod/x', 'https://example.com//Good/x'])
      expect(codeOf(uri, one)).toBe('policy/no-rule')
  })
})

describe('patterns of URIs', () => {
  const HOSTS = ['example.com', 'example.com:8443', 'localhost', '[::1]', 'a.example.com', 'acme']
  const SEGMENT = fc.constantFrom('*', '**', 'a', 'b*', '*c', 'a*d', '**.yml', 'x@*', 'x@**', '%2B', '..', 'x?y=*', '')
  const PATTERN = fc
    .tuple(
      fc.constantFrom('https://', 'git+https://', 'artifact://', 'http://'),
      fc.constantFrom(...HOSTS),
      fc.array(SEGMENT, { minLength: 1, maxLength: 4 }),
    )
    .map(([scheme, host, path]) => `${scheme}${host}/${path.join('/')}`)
  /** What somebody would put where a star stands, to get somewhere else. */
  const FILLING = fc.constantFrom(
    'x',
    '',
    'x/y',
    '@mallory.example/x',
    'x@v1',
    '../..',
    '//mallory.example',
    '?u=x',
    '#',
    '%2F',
    '\\',
    ':80',
  )
  const OTHER = fc.constantFrom(
    'mallory.example',
    'example.com.mallory.example',
    'example.com@mallory.example',
    'mallory',
  )
  /** A pattern, and a URI made from one: of the same host, or of another. */
  const PAIR = PATTERN.chain(text =>
    fc.tuple(
      fc.constant(text),
      fc.array(FILLING, { minLength: 4, maxLength: 4 }),
      fc.option(fc.oneof(fc.constantFrom(...HOSTS), OTHER)),
    ),
  ).map(([text, fillings, host]) => {
    const left = [...fillings]
    const filled = text.replace(/\*+/g, () => left.pop() ?? 'x')
    return [text, host === null ? filled : filled.replace(/:\/\/[^/]*/, `://${host}`)] as const
  })
  const parsed = (text: string) => {
    try {
      return policy(`materials: [{match: ${JSON.stringify(text)}}]`).materials?.[0]?.match[0]
    } catch {
      return undefined
    }
  }

  test('property: a pattern never matches another scheme, host or port', () => {
    let matched = 0
    fc.assert(
      fc.property(PAIR, ([text, uri]) => {
        const pattern = parsed(text)
        if (pattern === undefined || !isCanonicalUri(uri) || !matchesUri(pattern, uri)) return
        matched++
        const origin = /^([a-z+]+:\/\/[^/]*)\//
        expect(origin.exec(uri)?.[1]).toBe(origin.exec(text)?.[1])
        if (!uri.startsWith('artifact:')) expect(new URL(uri.replace('git+', '')).username).toBe('')
      }),
      { numRuns: 4_000 },
    )
    expect(matched).toBeGreaterThan(10)
  })

  test('property: a pattern that is accepted matches what stands where its stars are', () => {
    let tried = 0
    fc.assert(
      fc.property(PATTERN, text => {
        const pattern = parsed(text)
        if (pattern === undefined || text.startsWith('artifact:')) return
        const filled = text.replace(/\*+/g, 'x')
        const sample = filled.startsWith('git+') && !filled.includes('@') ? `${filled}@x` : filled
        tried++
        expect([sample, isCanonicalUri(sample), matchesUri(pattern, sample)]).toEqual([sample, true, true])
      }),
      { numRuns: 2_000 },
    )
    expect(tried).toBeGreaterThan(10)
  })

  test('property: a rule that denies refuses at least what one that allows would take', () => {
    fc.assert(
      fc.property(PAIR, ([text, uri]) => {
        const pattern = parsed(text)
        if (pattern === undefined || !isCanonicalUri(uri)) return
        const deny = policy(`materials: [{match: ${JSON.stringify(text)}, deny: true}]`)
        if (matchesUri(pattern, uri)) expect(codeOf(uri, deny)).toBe('policy/denied')
      }),
      { numRuns: 2_000 },
    )
  })

  test('property: looking at a URI never throws', () => {
    const all = compileUriPattern('https://example.com/**')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), text => {
        for (const uri of [text, `https://${text}`, `git+https://${text}`, `https://example.com/${text}`]) {
          const canonical = isCanonicalUri(uri)
          if (all !== undefined && matchesUri(all, uri) && canonical) expect(resemblesUri(all, uri)).toBe(true)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
