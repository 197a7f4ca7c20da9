import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import {
  type BaseContext,
  baseExpectations,
  baseImageRule,
  baseSigners,
  refuseQuarantined,
} from '../../src/policy/base-images.ts'
import { type ImageSubject, judgeImage } from '../../src/policy/gate.ts'
import type { Signed } from '../../src/policy/gate-case.ts'
import { imageName } from '../../src/policy/image-name.ts'
import { keyFingerprint } from '../../src/policy/key-file.ts'
import { lawFromFile } from '../../src/policy/law.ts'
import type { SignedBase, WaybillBase } from '../../src/policy/material-rules.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { formatReference, parseReference } from '../../src/registry/reference.ts'
import { PROVENANCE_PREDICATE } from '../../src/statements/statement.ts'
import { BUILD_TEXT, GATE_POLICY, quarantine } from './gate-world.ts'
import { certificate, IMAGE, provenance, signed } from './images.ts'
import { errorOf, NOW } from './world.ts'

const PEM = String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }))
const policy = (text: string) => lawFromFile(utf8(`version: 1\n${text}`), 'p.yml', () => utf8(PEM)).policy
const RULES = `base-images:
  - {match: "ghcr.io/acme/bad", deny: true}
  - {match: "ghcr.io/acme/**", signers: [{key: base.pem}, {${BUILD_TEXT}}], predicate: "${PROVENANCE_PREDICATE}", max-age: 30d, trust: github}
  - {match: ["docker.io/library/*", "docker.io/moby/buildkit"], digest-lock: true}
  - {match: "docker.io/docker/**", docker: true}
  - {match: "[::1]:5000/**", private: true, waybill: {build: {${BUILD_TEXT}, builders: buildah}, require: [signature, provenance], allow-audit: true, max-age: 2d}}
`
const POLICY = policy(RULES)

describe('baseImageRule()', () => {
  test.each([
    ['ghcr.io/acme/app', 'signers'],
    ['ghcr.io/acme/team/app:v1', 'signers'],
    [`docker.io/library/alpine:3.22@${IMAGE}`, 'digest-lock'],
    [`docker.io/moby/buildkit@${IMAGE}`, 'digest-lock'],
    ['docker.io/docker/dockerfile:1', 'docker'],
    ['[::1]:5000/acme/app:v1', 'waybill'],
  ])('%s is trusted by %s', (canonical, kind) => expect(baseImageRule(POLICY, canonical).kind).toBe(kind))

  test('keeps the order: the first rule that matches decides, also when it denies', () => {
    const error = errorOf(() => baseImageRule(POLICY, 'ghcr.io/acme/bad:v1'))
    expect([error.code, error.kind, error.found]).toEqual([
      'policy/denied',
      'rejected',
      'deny: true for ghcr.io/acme/bad',
    ])
  })

  test.each([
    ['another host', 'quay.io/acme/app'],
    ['a host that begins like it', 'ghcr.io.mallory.example/acme/app'],
    ['a path that begins like it', 'ghcr.io/acme-evil/app'],
    ['a segment more', 'docker.io/library/team/alpine'],
    ['an address inside', '169.254.169.254/latest/meta-data'],
  ])('13-adversary 39: without a match everything is denied, before anybody is asked: %s', (_what, canonical) => {
    const error = errorOf(() => baseImageRule(POLICY, canonical))
    expect([error.code, error.kind]).toEqual(['policy/no-rule', 'rejected'])
    expect(error.remedy).toContain(`{match: "${canonical}", digest-lock: true}`)
  })

  test('the YAML of the remedy is a rule that matches', () => {
    const { remedy = '' } = errorOf(() => baseImageRule(POLICY, 'quay.io/acme/app:v1'))
    const line = remedy.slice(remedy.indexOf('- {'))
    expect(baseImageRule(policy(`base-images:\n  ${line}\n`), 'quay.io/acme/app:v1').kind).toBe('digest-lock')
  })

  test('a policy without the block allows none', () => {
    expect(errorOf(() => baseImageRule(policy(''), 'ghcr.io/acme/app'))).toMatchObject({
      code: 'policy/no-rule',
      expected: 'a base-images block',
    })
  })
})

describe('13-adversary 34: a reference counts in its canonical form alone', () => {
  const OPEN = policy('base-images: [{match: "ghcr.io/acme/bad", deny: true}, {match: "**", digest-lock: true}]')
  test.each([
    ['upper case', 'GHCR.IO/acme/bad'],
    ['upper case in the path', 'ghcr.io/acme/Bad'],
    ['the default port', 'ghcr.io:443/acme/bad'],
    ['a trailing dot', 'ghcr.io./acme/bad'],
    ['an alias of Docker Hub', 'index.docker.io/library/alpine'],
    ['an alias with a port', 'registry-1.docker.io:443/library/alpine'],
    ['Docker Hub without library', 'docker.io/alpine'],
    ['a short name', 'alpine'],
    ['a host without a domain', 'registry/alpine'],
    ['an empty part', 'ghcr.io/acme//bad'],
    ['a slash at the end', 'ghcr.io/acme/bad/'],
    ['dots', 'ghcr.io/acme/x/../bad'],
    ['an address in other numbers', '0x7f.1:5000/acme/bad'],
    ['an address in one number', '2130706433.:5000/acme/bad'],
    ['an address written as IPv6', '[::ffff:7f00:1]:5000/acme/bad'],
    ['an address in one number, with the port of https', '0:443/acme/bad'],
    ['a long form of IPv6', '[0:0:0:0:0:0:0:1]:5000/acme/bad'],
    ['a scheme', 'docker-image://ghcr.io/acme/bad'],
    ['another digest', 'ghcr.io/acme/bad@sha512:00'],
    ['two digests', `ghcr.io/acme/bad@${IMAGE}@${IMAGE}`],
    ['a tag that is none', 'ghcr.io/acme/bad:-x'],
    ['a login', 'alice@ghcr.io/acme/bad'],
    ['a space', 'ghcr.io/acme/bad '],
    ['other letters', 'ghсr.io/acme/bad'],
    ['nothing', ''],
  ])('%s', (_what, reference) => {
    expect(imageName(reference)).toBeUndefined()
    const error = errorOf(() => baseImageRule(OPEN, reference))
    expect([error.code, error.expected]).toEqual(['policy/no-rule', expect.stringContaining('lower case')])
  })

  test.each([
    'ghcr.io',
    'localhost',
    'localhost:5000',
    'registry:443',
    '[::1]:5000',
    '10.0.0.1:5000',
    'xn--mnchen-3ya.de',
  ])('the host %s is one', host => expect(imageName(`${host}/acme/app:v1`)).toBe(`${host}/acme/app`))

  const HOSTS = [
    'ghcr.io',
    'GHCR.io',
    'docker.io',
    'index.docker.io',
    'localhost',
    'registry',
    '[::1]',
    '0',
    '[::0:1]',
    '10.0.0.1',
    '1.2.3',
    'a..b',
  ]
  const WORD = fc.oneof(
    fc.constantFrom('acme', 'library', 'app', 'a-b', 'a__b', 'App', '', '.'),
    fc.stringMatching(/^[a-z0-9._:@-]{1,8}$/),
  )
  const REFERENCE = fc
    .tuple(
      fc.oneof(fc.constantFrom(...HOSTS), WORD),
      fc.constantFrom('', '', ':443', ':5000', ':0', ':65536', '.'),
      fc.array(WORD, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('', ':v1', ':', `@${IMAGE}`, `:v1@${IMAGE}`),
    )
    .map(([host, port, path, suffix]) => `${host}${port}/${path.join('/')}${suffix}`)
  test('property: exactly what the reader of references would write is accepted, and means the same', () => {
    fc.assert(
      fc.property(REFERENCE, text => {
        const parsed = canonicalOf(text)
        // The reader puts every spelling right; rules take the right one alone.
        expect(imageName(text)).toBe(parsed?.text === text ? parsed.canonical : undefined)
        if (parsed !== undefined) expect(imageName(parsed.text)).toBe(parsed.canonical)
      }),
      { numRuns: 5_000 },
    )
  })
})

function canonicalOf(text: string): { readonly text: string; readonly canonical: string } | undefined {
  try {
    const reference = parseReference(text)
    return { text: formatReference(reference), canonical: reference.canonical }
  } catch {
    return undefined
  }
}

const context = (change: Partial<BaseContext> = {}): BaseContext => ({
  canonical: 'ghcr.io/acme/app:v1',
  law: POLICY,
  ...change,
})
const trusted = (from: typeof POLICY, canonical: string) => baseImageRule(from, canonical) as SignedBase | WaybillBase

describe('baseExpectations()', () => {
  const both = baseExpectations(trusted(POLICY, 'ghcr.io/acme/app'), context({ policy: GATE_POLICY }))
  test('asks a signature of each signer, under the one root of the rule', () => {
    expect(both).toHaveLength(2)
    for (const expectation of both)
      expect(expectation).toMatchObject({
        require: ['signature'],
        stage: 'deploy',
        sourceMode: 'any',
        trust: 'github',
        predicateType: PROVENANCE_PREDICATE,
        maxAgeSeconds: 30 * 86_400,
        resource: 'ghcr.io/acme/app',
        private: false,
        policy: GATE_POLICY,
      })
    expect(both.map(({ build }) => build.kind)).toEqual(['key', 'github'])
    expect(both[0].description).toContain('base-images rule ghcr.io/acme/**')
  })
  test('knows the keys of files', () => {
    expect(both[0].build).toEqual({ kind: 'key', file: 'base.pem', fingerprint: keyFingerprint(utf8(PEM), 'base.pem') })
  })
  test('asks the chain of a deploy rule of an image made by Waybill', () => {
    const rule = trusted(POLICY, '[::1]:5000/acme/app')
    expect(baseExpectations(rule, context({ canonical: '[::1]:5000/acme/app' }))).toMatchObject([
      {
        require: ['signature', 'provenance'],
        builders: ['buildah'],
        sourceMode: 'audit',
        trust: 'public-good',
        maxAgeSeconds: 2 * 86_400,
        resource: '[::1]:5000/acme/app',
        private: true,
      },
    ])
  })
  test('takes no other spelling', () => {
    const rule = trusted(POLICY, 'ghcr.io/acme/app')
    expect(errorOf(() => baseExpectations(rule, context({ canonical: 'GHCR.io/acme/app' }))).code).toBe(
      'policy/no-rule',
    )
  })
  test('13-adversary 12: revocations of the policy and of the caller count', () => {
    const entry = '{fingerprint: "ABABABABABABABABABABABABABABABABABABABAB", effective: 2026-05-01, mode: compromised}'
    const own = policy(`${RULES}revoked: [${entry}]\n`)
    const rule = trusted(own, 'ghcr.io/acme/app')
    const [first] = baseExpectations(rule, context({ law: own, revoked: own.revoked }))
    expect(first.revoked).toEqual([...own.revoked, ...own.revoked])
  })
})

describe('a base image is judged by the gate', () => {
  const subject: ImageSubject = { name: 'ghcr.io/acme/app:v1', digest: IMAGE }
  const judge = (from: typeof POLICY, list: readonly Signed[]) =>
    baseExpectations(trusted(from, 'ghcr.io/acme/app'), context({ law: from })).map(expectation => {
      const outcome = judgeImage(subject, list, expectation, { rejectedBundles: [], incomplete: false, now: NOW })
      return outcome.verdict.kind === 'rejected'
        ? [...new Set(outcome.verdict.findings.map(({ code }) => code))].join()
        : outcome.verdict.kind
    })
  const ONE = policy(`base-images: [{match: "ghcr.io/**", signers: {${BUILD_TEXT}}}]`)
  const TYPED = policy(
    `base-images: [{match: "ghcr.io/**", predicate: "${PROVENANCE_PREDICATE}", signers: {${BUILD_TEXT}}}]`,
  )
  const CHAIN = policy(
    `base-images: [{match: "ghcr.io/**", waybill: {build: {${BUILD_TEXT}}, require: [signature, provenance]}}]`,
  )
  const other = certificate({ ci: { sourceRepositoryIdentifier: '4712' } })

  test.each<[string, typeof POLICY, readonly Signed[], string]>([
    ['signed by one on the list', ONE, [signed()], 'passed'],
    ['unsigned', ONE, [], 'verify/no-attestation'],
    ['signed by a repository made again', ONE, [signed({ signer: other })], 'verify/repository-recreated'],
    ['signed for another digest', ONE, [signed({ digest: sha256('other') })], 'verify/no-attestation'],
    ['with another statement than asked for', TYPED, [signed()], 'verify/no-attestation'],
    ['with the statement that is asked for', TYPED, [provenance()], 'passed'],
    ['made by Waybill', CHAIN, [signed(), provenance()], 'passed'],
    ['signed, without its provenance', CHAIN, [signed()], 'verify/no-attestation'],
  ])('%s', (_what, from, list, expected) => {
    const [code] = judge(from, list)
    expect(code).toBe(expected)
  })

  test('too old', () => {
    const young = policy(`base-images: [{match: "ghcr.io/**", max-age: 1d, signers: {${BUILD_TEXT}}}]`)
    expect(judge(young, [signed()])).toEqual(['passed'])
    expect(judge(young, [signed({ signedAt: new Date('2026-05-01T00:00:00Z') })])[0]).toBe('verify/too-old')
  })

  test('13-adversary 31: a digest in quarantine is refused whatever speaks for it', () => {
    const entry = `{digest: "${IMAGE}", reason: "stolen key", since: 2026-05-02}`
    const held = policy(`quarantined: [${entry}]\nbase-images: [{match: "ghcr.io/**", signers: {${BUILD_TEXT}}}]`)
    expect(judge(held, [signed()])).toEqual(['verify/quarantined'])
    const error = errorOf(() => refuseQuarantined(held, 'docker.io/library/alpine', [sha256('child'), IMAGE]))
    expect([error.code, error.found]).toEqual(['verify/quarantined', 'in quarantine since 2026-05-02T00:00:00.000Z'])
    expect(() => refuseQuarantined(held, 'docker.io/library/alpine', [sha256('child')])).not.toThrow()
  })

  test('13-adversary 31: a record by whom the rule believes refuses an image made by Waybill', () => {
    const text = `base-images: [{match: "ghcr.io/**", waybill: {build: {${BUILD_TEXT}}, quarantine-by: {key: guard.pem}, require: signature}}]`
    const record = quarantine({ policy: undefined, environment: undefined } as never, {
      signer: { kind: 'key', fingerprint: keyFingerprint(utf8(PEM), 'guard.pem') } as never,
    })
    expect(judge(policy(text), [signed(), record])).toEqual(['verify/quarantined'])
  })
})

test('baseSigners() names every signer whose key has to be loaded', () => {
  const kinds = (POLICY.baseImages ?? []).map(rule => baseSigners(rule).map(({ kind }) => kind))
  expect(kinds).toEqual([[], ['key', 'github'], [], [], ['github']])
})

describe('files that base-images names', () => {
  const text = 'version: 1\nbase-images: [{match: "ghcr.io/**", trust: {file: root.json}, signers: {key: base.pem}}]\n'
  test('are part of the law', () => {
    expect(parsePolicy(utf8(text), '.github/waybill.yml').files).toMatchObject([
      { path: '.github/base.pem', use: 'key' },
      { path: '.github/root.json', use: 'trust' },
    ])
  })
  test('must be there, and hold a key', () => {
    const law = (bytes: Uint8Array | undefined) =>
      errorOf(() => lawFromFile(utf8(text), 'p.yml', path => (path === 'base.pem' ? bytes : utf8('{}')))).code
    expect([law(undefined), law(utf8('no key'))]).toEqual(['policy/unusable', 'policy/unusable'])
  })
})
