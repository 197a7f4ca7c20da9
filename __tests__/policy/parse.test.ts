import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { WaybillError } from '../../src/core/error.ts'
import { KEYS } from '../../src/policy/keys.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { errorOf, filled, POLICY } from './world.ts'

const PATH = '.github/waybill.yml'
const parse = (text: string) => parsePolicy(utf8(filled(text)), PATH)
const messageOf = (text: string) => errorOf(() => parse(text)).message

const DEPLOY = `deploy:
  - match: ["ghcr.io/acme/**"]
    build:
      github:
        repository: acme/app
        repository-id: 4711
        signer: "acme/app/.github/workflows/release.yml@refs/tags/v*"
        source-ref: ["refs/tags/v*"]
    require: [signature, provenance]
`

/** `source` of a deploy rule, with a place for one more key. */
const SOURCE = `    source:
      policy: "git+https://github.com/acme/app#.github/waybill.yml"
      anchor: ${'a'.repeat(40)}
      exceptions: deny
      KEY
`

describe('parsePolicy() refuses, naming file, line and column,', () => {
  const FOLDER = join(import.meta.dirname, '../vectors/policy/parse')
  const files = readdirSync(FOLDER).sort()
  test('more than thirty broken files', () => expect(files.length).toBeGreaterThan(30))
  test.each(files)('%s', name => {
    const text = readFileSync(join(FOLDER, name), 'utf8')
    const [, code, at, words] = /^# expect: (\S+) (\S+) (.*)$/m.exec(text) ?? []
    const error = errorOf(() => parse(text))
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(`${PATH}:${at}: `)])
    expect(error.message).toContain(words)
  })
})

describe('parsePolicy() with keys that are not judged', () => {
  /** One place for each map of the file; `KEY` is where the key under test goes. */
  const PLACES: Readonly<Record<keyof typeof KEYS, string>> = {
    policy: `${POLICY}KEY: x\n`,
    principal: POLICY.replace('alice: {', 'alice: {KEY: x, '),
    account: POLICY.replace('alice: {', 'alice: {github: {KEY: x, login: alice, id: 1}, '),
    principalSigner: POLICY.replace('signers: [{ssh:', 'signers: [{KEY: x}, {ssh:'),
    openpgp: POLICY.replace('signers: [', 'signers: [{openpgp: {KEY: x}}, '),
    ssh: POLICY.replace('{ssh: {', '{ssh: {KEY: x, '),
    'ssh-ca': POLICY.replace('signers: [', 'signers: [{ssh-ca: {KEY: x}}, '),
    x509: POLICY.replace('signers: [', 'signers: [{x509: {KEY: x}}, '),
    sourceRule: POLICY.replace('commits:', 'KEY: x\n    commits:'),
    commits: POLICY.replace('commits: {', 'commits: {KEY: x, '),
    policyChange: POLICY.replace('policy-change: {', 'policy-change: {KEY: x, '),
    snapshot: `${POLICY}snapshots: [{KEY: x}]\n`,
    platformKey: `${POLICY}platform-keys: [{KEY: x}]\n`,
    platformOpenpgp: `${POLICY}platform-keys: [{openpgp: {KEY: x}}]\n`,
    platform: POLICY.replace('commits:', 'platform: {KEY: x}\n    commits:'),
    review: POLICY.replace('commits:', 'review: {KEY: x}\n    commits:'),
    tag: POLICY.replace('policy-change', '  - {refs: "refs/tags/v*", tag: {KEY: x}}\npolicy-change'),
    workflowsChange: POLICY.replace('policy-change: {', 'policy-change: {workflows: {KEY: x, signers: [alice]}, '),
    exception: `${POLICY}exceptions: [{KEY: x}]\n`,
    revocation: `${POLICY}revoked: [{KEY: x}]\n`,
    quarantined: `${POLICY}quarantined: [{KEY: x}]\n`,
    deployer:
      POLICY + DEPLOY.replace('    require: [', '    deployer: {KEY: x}\n    admit: deploy-verified\n    require: ['),
    quarantineBy: POLICY + DEPLOY.replace('    require', '    quarantine-by: {KEY: x}\n    require'),
    deployRule: POLICY + DEPLOY.replace('    require', '    KEY: x\n    require'),
    trust: POLICY + DEPLOY.replace('    require', '    trust: {KEY: x}\n    require'),
    build: POLICY + DEPLOY.replace('      github', '      KEY: x\n      github'),
    sigstore: `${POLICY}deploy: [{match: "**", build: {sigstore: {KEY: x}}, require: signature}]\n`,
    identity: `${POLICY}deploy: [{match: "**", build: {sigstore: {identity: {KEY: x}, issuer: "https://x"}}, require: signature}]\n`,
    github: POLICY + DEPLOY.replace('        repository:', '        KEY: x\n        repository:'),
    deploySource: POLICY + DEPLOY.replace('    require: [', '    source: {KEY: x}\n    require: [source-signed, '),
    baseImageRule: `${POLICY}base-images: [{match: "**", KEY: x}]\n`,
    baseSigner: `${POLICY}base-images: [{match: "**", signers: [{KEY: x}]}]\n`,
    waybillBase: `${POLICY}base-images: [{match: "**", waybill: {KEY: x}}]\n`,
    materialRule: `${POLICY}materials: [{match: "https://example.com/**", KEY: x}]\n`,
    materialKey: `${POLICY}material-keys: {a: {KEY: x}}\n`,
    materialOpenpgp: `${POLICY}material-keys: {a: {openpgp: {KEY: x}}}\n`,
    materialSsh: `${POLICY}material-keys: {a: {ssh: {KEY: x}}}\n`,
    materialMinisign: `${POLICY}material-keys: {a: {minisign: {KEY: x}}}\n`,
    deploySourceSigner:
      POLICY +
      DEPLOY.replace('    require: [', `${SOURCE.replace('KEY', 'signer: {KEY: x}')}    require: [source-signed, `),
  }
  const later = Object.entries(KEYS).flatMap(([place, keys]) =>
    (keys.later as readonly string[]).map(key => [place as keyof typeof KEYS, key] as const),
  )
  test.each(later)('13-adversary 4: %s: refuses %s by name', (place, key) => {
    const error = errorOf(() => parse(PLACES[place].replace('KEY', key)))
    expect(error.code).toBe('policy/unsupported')
    expect(error.message).toContain(key)
    expect(error.message).toContain('does not judge')
    expect(error.kind).toBe('configuration')
  })
  test.each(Object.keys(KEYS) as (keyof typeof KEYS)[])('13-adversary 4: %s: refuses an unknown key', place => {
    const error = errorOf(() => parse(PLACES[place].replace('KEY', 'singers')))
    expect(error.code).toBe('policy/unsupported')
    expect(error.message).toContain('singers is not a key of a policy')
    expect(error.message).toMatch(/^\.github\/waybill\.yml:\d+:\d+: /)
  })
  const never = Object.entries(KEYS).flatMap(([place, keys]) =>
    'never' in keys
      ? Object.entries(keys.never).map(([key, why]) => [place as keyof typeof KEYS, key, why] as const)
      : [],
  )
  test.each(never)('13-adversary 4: %s: refuses %s for ever, with the reason', (place, key, why) => {
    const error = errorOf(() => parse(PLACES[place].replace('KEY', key)))
    expect([error.code, error.kind]).toEqual(['policy/unsupported', 'configuration'])
    expect(error.message).toContain(`${key} cannot stand here: ${key} ${why}`)
  })
  test('nothing but signers that cannot sign commits is left for later versions', () => {
    const rest = Object.entries(KEYS).filter(([, { later }]) => later.length > 0)
    expect(rest.map(([place]) => place)).toEqual(['principalSigner'])
  })
})

describe('parsePolicy()', () => {
  test('reads what it judges', () => {
    const policy = parse(POLICY + DEPLOY)
    expect([...policy.principals.keys()]).toEqual(['alice', 'bob', 'carol'])
    expect(policy.roles.get('developers')).toEqual(['alice', 'bob', 'carol'])
    expect(policy.source[0]?.minRsa).toBe(2048)
    expect(policy.source[0]?.allowOtherCommit).toBe(false)
    expect([...policy.policyChange.workflows.signers]).toEqual(['alice', 'bob'])
    expect(policy.deploy[0]).toMatchObject({ trust: 'public-good', builders: ['buildx', 'buildah'], allowAudit: false })
  })

  test('keeps the digits of ids and fingerprints that look like numbers', () => {
    const commit = '1234567890123456789012345678901234567e12'
    const fingerprint = '0'.repeat(40)
    const policy = parse(
      `${POLICY}exceptions: [{commit: ${commit}, reason: x, approved-by: bob}]\nrevoked: [{fingerprint: ${fingerprint}, effective: 2026-01-01, mode: retired}]\n`,
    )
    expect(policy.exceptions[0]?.commit).toBe(commit)
    expect(policy.revoked[0]).toMatchObject({ kind: 'key', fingerprint })
  })

  test('resolves named files against its own folder', () => {
    const text = POLICY.replace(
      'signers: [',
      `signers: [{openpgp: {fingerprint: "${'AB'.repeat(20)}", file: keys/alice.asc}}, `,
    )
    const here = parsePolicy(utf8(text), 'policies/team/waybill.yml')
    expect(here.files.map(file => file.path)).toEqual(['policies/team/keys/alice.asc'])
  })

  test('accepts a few anchors', () => {
    expect(
      parse(POLICY.replace('[alice, bob]', '&m [alice, bob]').replace('["@maintainers", carol]', '*m')).roles.get(
        'developers',
      ),
    ).toEqual(['alice', 'bob'])
  })

  test('13-adversary 10: two principals may not share a key, an account or an e-mail', () => {
    const messages = [
      POLICY.replace('{{carol}}', '').replace(/carol: \{emails: \[carol@/, 'carol: {emails: [alice@'),
      POLICY.replace('carol: {', 'carol: {github: {login: x, id: 5}, ').replace(
        'bob: {',
        'bob: {github: {login: y, id: 5}, ',
      ),
      POLICY.replace('carol: {', 'carol: {github: {login: x, id: 5}, ').replace(
        'bob: {',
        'bob: {github: {login: X, id: 6}, ',
      ),
      POLICY.replaceAll(filled('{{bob}}'), filled('{{alice}}')),
      POLICY.replace('bob@example.com', 'alice@EXAMPLE.com'),
    ].map(messageOf)
    for (const message of messages) expect(message).toMatch(/could not be told apart/)
  })

  test('13-adversary 43: stays quick for hostile files', () => {
    const begin = performance.now()
    const many = Array.from({ length: 60_000 }, (_, i) => `k${i}: v`).join('\n')
    const roles = Array.from(
      { length: 190 },
      (_, i) => `  r${i}: [${Array.from({ length: 100 }, (_, j) => `"@r${(i + j + 1) % 190}"`).join()}]`,
    )
    const stars = Array.from({ length: 400 }, (_, i) => `  - {match: "${'*a'.repeat(20)}**/${i}", deny: true}`)
    for (const text of [
      '['.repeat(200_000),
      '{a: '.repeat(100_000),
      many,
      `version: 1\n${many}`,
      '---\n'.repeat(50_000),
    ])
      expect(() => parse(text)).toThrow(WaybillError)
    expect(() => parse(`version: 1\nroles:\n${roles.join('\n')}\n`)).toThrow(WaybillError)
    expect(parse(`version: 1\ndeploy:\n${stars.join('\n')}\n`).deploy).toHaveLength(400)
    expect(performance.now() - begin).toBeLessThan(90_000)
  })

  test('gives a policy or one of its two errors for any bytes', () => {
    const only = (bytes: Uint8Array) => {
      try {
        parsePolicy(bytes, PATH)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
        expect(['policy/unusable', 'policy/unsupported']).toContain((error as WaybillError).code)
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), only))
    const whole = utf8(POLICY + DEPLOY)
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(4), (at, byte, cut) => {
        const bytes = new Uint8Array(whole)
        bytes[at] = byte
        only(cut === 0 ? bytes.slice(0, at) : bytes)
      }),
      { numRuns: 1000 },
    )
    const words = fc.constantFrom(
      ...Object.values(KEYS).flatMap(k => [...k.judged]),
      'alice',
      '1',
      '@x',
      '**',
      '[',
      '{',
      '&a',
      '*a',
      '!!x',
    )
    fc.assert(fc.property(fc.array(words, { maxLength: 40 }), list => only(utf8(`version: 1\n${list.join(': ')}`))))
  })
})
