import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import {
  type ExpectationOptions,
  expectationFor,
  expectationFromFlags,
  type ImageSubject,
  judgeImage,
  ruleSigners,
} from '../../src/policy/gate.ts'
import type { Signed } from '../../src/policy/gate-case.ts'
import { lawFromFile } from '../../src/policy/law.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { filePath } from '../../src/policy/subject.ts'
import { MESSAGE_SIGNATURE, SIMPLE_SIGNING } from '../../src/statements/statement.ts'
import { QUARANTINE_PREDICATE } from '../../src/statements/uris.ts'
import { BUILD_TEXT, DEPLOYER, DEPLOYER_TEXT, deploySummary, GATE_POLICY } from './gate-world.ts'
import { certificate, IMAGE, ISSUER, provenance, SAN, signed } from './images.ts'
import { errorOf, NOW } from './world.ts'

const subject: ImageSubject = { name: 'ghcr.io/acme/app:v1', digest: IMAGE }
const context = { rejectedBundles: [], incomplete: false, now: NOW }

const policy = (text: string) => parsePolicy(utf8(`version: 1\n${text}`), 'p.yml')
const RULE = `deploy:
  - match: ["ghcr.io/acme/**", "file:dist/**"]
    build: {${BUILD_TEXT}}
    deployer: {${DEPLOYER_TEXT}}
    require: [signature, provenance]
    admit: [deploy-verified, sbom]
    max-age: 10d
    max-age-at-run: 100d
`
const at = (
  options: ExpectationOptions = {},
  text = RULE,
  target: Parameters<typeof expectationFor>[1] = 'ghcr.io/acme/app',
) => expectationFor(policy(text), target, { policy: GATE_POLICY, ...options })

describe('the stage', () => {
  test('deploy judges require with max-age, run judges admit too, with max-age-at-run', () => {
    expect(at()).toMatchObject({ stage: 'deploy', require: ['signature', 'provenance'], maxAgeSeconds: 864_000 })
    expect(at({ stage: 'run' })).toMatchObject({
      stage: 'run',
      require: ['signature', 'provenance', 'deploy-verified', 'sbom'],
      maxAgeSeconds: 8_640_000,
    })
    const { maxAgeSeconds } = at({ stage: 'run' }, RULE.replace(/ +max-age-at-run.*\n/, ''))
    expect(maxAgeSeconds).toBeUndefined()
  })
  test('says in words what it asks and of whom', () => {
    expect(at({ stage: 'run' }).description).toMatch(/deploy-verified, sbom by .*release.*deployed by .*deploy\.yml/)
    expect(at().description).not.toContain('deployed by')
  })
})

describe('13-adversary 27: by which policy a deploy was judged', () => {
  const local = { uri: 'file:waybill.yml', digest: GATE_POLICY.digest }
  const judge = (expectation: ReturnType<typeof at>, list: readonly Signed[]) => {
    const { verdict } = judgeImage(subject, [signed(), provenance(), ...list], expectation, context)
    return verdict.kind === 'rejected' ? [...new Set(verdict.findings.map(({ code }) => code))] : [verdict.kind]
  }
  const running = RULE.replace(', sbom', '')
  test('is compared by name, or for a policy on disk by its bytes', () => {
    expect(judge(at({ stage: 'run' }, running), [deploySummary()])).toEqual(['passed'])
    expect(judge(at({ stage: 'run', policy: local }, running), [deploySummary()])).toEqual(['passed'])
    const changed = { ...local, digest: sha256('another policy') }
    expect(judge(at({ stage: 'run', policy: changed }, running), [deploySummary()])).toEqual([
      'verify/deploy-other-policy',
    ])
  })
  test('is what the rule says, where it says', () => {
    const named = running.replace('deployer: {', 'deployer: {policy: "git+https://github.com/acme/ops#deploy.yml", ')
    expect(judge(at({ stage: 'run' }, named), [deploySummary()])).toEqual(['verify/deploy-other-policy'])
    const summary = deploySummary({ policy: { ...GATE_POLICY, uri: 'git+https://github.com/acme/ops#deploy.yml' } })
    expect(judge(at({ stage: 'run', policy: local }, named), [summary])).toEqual(['passed'])
  })
  test('has to be comparable with something', () => {
    const error = errorOf(() => expectationFor(policy(running), 'ghcr.io/acme/app', { stage: 'run' }))
    expect([error.code, error.kind]).toEqual(['policy/expectation-unclear', 'configuration'])
    expect(expectationFor(policy(running), 'ghcr.io/acme/app').require).toEqual(['signature', 'provenance'])
  })
  test('a file is deployed under its path', () => {
    const about = deploySummary({ resource: 'file:dist/app.tgz' })
    const expectation = at({ stage: 'run' }, running, { file: 'dist/app.tgz' })
    expect(judge(expectation, [about])).toEqual(['passed'])
    expect(judge(expectation, [deploySummary()])).toEqual(['verify/deploy-other-resource'])
  })
  test('one that counts hides behind none that does not', () => {
    const planted = deploySummary({}, { signer: certificate({ san: 'mallory@example.com' }) })
    expect(judge(at({ stage: 'run' }, running), [planted, deploySummary()])).toEqual(['passed'])
    const old = deploySummary({}, { signer: DEPLOYER, signedAt: new Date('2026-01-01T00:00:00Z') })
    expect(judge(at({ stage: 'run' }, running), [old])).toEqual(['verify/too-old'])
  })
})

describe('a rule for files', () => {
  const rules = `deploy:
  - {match: ["file:dist/*.tgz"], build: {key: keys/a.pem}, require: signature}
  - {match: ["**", "file:dist/deep/**"], deny: true}
`
  const of = (file: string) => () => expectationFor(policy(rules), { file })
  test.each(['dist/app.tgz', './dist/app.tgz', 'dist//app.tgz', 'dist/./app.tgz'])('matches %s', file => {
    expect(of(file)().resource).toBe('file:dist/app.tgz')
  })
  test.each([
    ['dist/a/app.tgz', 'policy/no-rule'],
    ['dist/app.zip', 'policy/no-rule'],
    ['DIST/app.tgz', 'policy/no-rule'],
    ['dist/deep/app.tgz', 'policy/denied'],
    ['/dist/app.tgz', 'policy/no-rule'],
    ['../dist/app.tgz', 'policy/no-rule'],
    ['dist/../dist/app.tgz', 'policy/no-rule'],
    ['C:/dist/app.tgz', 'policy/no-rule'],
    ['dist\\app.tgz', 'policy/no-rule'],
    ['dist/\u202eapp.tgz', 'policy/no-rule'],
    ['', 'policy/no-rule'],
    ['.', 'policy/no-rule'],
  ])('does not match %j', (file, code) => expect(errorOf(of(file)).code).toBe(code))
  test('13-adversary 34: never means an image, nor the other way round', () => {
    const image = 'dist/app.tgz'
    expect(errorOf(() => expectationFor(policy(rules.replace('"**", ', '')), image)).code).toBe('policy/no-rule')
    expect(errorOf(() => expectationFor(policy(rules.replace('"**", ', '')), 'file:dist/app.tgz')).code).toBe(
      'policy/no-rule',
    )
    const all = policy('deploy: [{match: "**", build: {key: keys/a.pem}, require: signature}]\n')
    expect(errorOf(() => expectationFor(all, { file: 'dist/app.tgz' })).code).toBe('policy/no-rule')
    expect(expectationFor(all, 'ghcr.io/acme/app').resource).toBe('ghcr.io/acme/app')
  })
  test('filePath() gives one spelling, from which it gives itself again', () => {
    const names = fc.string({ unit: fc.constantFrom('a', '.', '/', '\\', ':', 'C', ' '), maxLength: 10 })
    fc.assert(
      fc.property(names, name => {
        const path = filePath(name)
        if (path === undefined) return
        expect(filePath(path)).toBe(path)
        expect(path.split('/').some(part => ['', '.', '..'].includes(part))).toBe(false)
      }),
    )
  })
  test('a file is judged like an image: by its digest, not by its name', () => {
    const text = RULE.replace(/ +admit.*\n/, '').replace(/ +deployer.*\n/, '')
    const expectation = at({}, text, { file: 'dist/app.tgz' })
    const judge = (list: readonly Signed[]) =>
      judgeImage({ name: 'dist/app.tgz', digest: IMAGE }, list, expectation, context).verdict.kind
    expect(judge([signed(), provenance()])).toBe('passed')
    const digest = sha256('other bytes')
    expect(judge([signed({ digest }), provenance({}, { digest })])).toBe('rejected')
  })
})

describe('what the caller adds', () => {
  test('13-adversary 12: revocations of the source policy join those of the deploy policy', () => {
    const entry = { kind: 'serial', serial: '1', effective: new Date(0), mode: 'compromised' } as const
    const expectation = at(
      { revoked: [entry] },
      `revoked: [{serial: 2, effective: 2026-05-01, mode: retired}]\n${RULE}`,
    )
    expect(expectation.revoked.map(item => item.kind === 'serial' && item.serial)).toEqual(['2', '1'])
    const { verdict } = judgeImage(subject, [signed(), provenance()], expectation, context)
    expect(verdict).toMatchObject({ kind: 'rejected', findings: [{ code: 'verify/signer-revoked' }] })
  })
  test('13-adversary 39: whether registries of the rule may be inside', () => {
    expect(at().private).toBe(false)
    expect(at({}, `${RULE}    private: true\n`).private).toBe(true)
  })
  test.each([
    ['', 'public-good'],
    ['    trust: public-good\n', 'public-good'],
    ['    trust: github\n', 'github'],
    ['    trust: {file: trust/own.json}\n', { file: 'trust/own.json' }],
  ])('13-adversary 29: one trust root a rule: %j', (line, trust) => expect(at({}, RULE + line).trust).toEqual(trust))
  test('every signer of a rule, so that its keys can be loaded, bound to their files', () => {
    const text = `version: 1
deploy:
  - match: "ghcr.io/**"
    build: {key: keys/build.pem}
    source: {policy: "git+https://github.com/acme/app#.github/waybill.yml", anchor: ${'a'.repeat(40)}, exceptions: deny, signer: {key: keys/source.pem}}
    deployer: {key: keys/deploy.pem, environment: production}
    quarantine-by: {key: keys/guard.pem}
    require: [provenance, source-signed]
    admit: deploy-verified
`
    const pem =
      '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n'
    const { policy: bound } = lawFromFile(utf8(text), 'p.yml', () => utf8(pem))
    const [rule] = bound.deploy
    const signers = rule === undefined ? [] : ruleSigners(rule)
    expect(signers.map(signer => signer.kind === 'key' && signer.file)).toEqual(
      ['build', 'source', 'deploy', 'guard'].map(name => `keys/${name}.pem`),
    )
    expect(signers.every(signer => signer.kind === 'key' && /^[0-9a-f]{64}$/.test(signer.fingerprint ?? ''))).toBe(true)
    expect(bound.files).toHaveLength(4)
  })
})

describe('expectationFromFlags()', () => {
  const flags = (more: object) =>
    expectationFromFlags({ certificateIdentity: SAN, certificateOidcIssuer: ISSUER, ...more })
  const github = {
    repository: 'acme/app',
    repositoryId: '4711',
    signer: 'acme/app/.github/workflows/r.yml@refs/tags/v*',
    sourceRef: 'refs/tags/v*',
  }
  test('asks for what a flag can mean', () => {
    const require = ['sbom', 'materials-verified', 'materials-pinned', 'closed-world', 'reproducible']
    expect(flags({ require })).toMatchObject({ require, stage: 'deploy', quarantined: [], private: false })
  })
  test.each([
    ['deploy-verified', { require: ['deploy-verified'] }, 'deployer'],
    ['a source item', { require: ['source-reviewed'] }, 'source'],
    ['where it runs', { stage: 'run' }, 'admit'],
  ])('leaves to a policy: %s', (_what, more, expected) => {
    const error = errorOf(() => flags(more))
    expect([error.code, error.kind]).toEqual(['policy/expectation-unclear', 'configuration'])
    expect(error.expected).toContain(expected)
  })
  test.each([
    ['a type that is no URI', { predicateType: 'sbom' }],
    ['the name of what has no type', { predicateType: MESSAGE_SIGNATURE }],
    ['a type where no signature is asked for', { predicateType: 'https://spdx.dev/Document', require: ['provenance'] }],
  ])('refuses %s', (_what, more) => expect(errorOf(() => flags(more)).code).toBe('policy/expectation-unclear'))
  test.each([
    [ISSUER, 'https://github.com'],
    ['https://ghe.example.com/_services/token', 'https://ghe.example.com'],
    ['https://ghe.example.com:8443/_services/token', 'https://ghe.example.com:8443'],
    ['https://token.actions.acme.ghe.com', 'https://acme.ghe.com'],
    ['https://oidc.example.com', 'https://github.com'],
    ['https://token.actions.acme.ghe.com.evil.example', 'https://github.com'],
  ])('a repository with the issuer %s lies at %s', (issuer, server) => {
    expect(expectationFromFlags({ ...github, certificateOidcIssuer: issuer }).build).toMatchObject({ issuer, server })
  })
})

describe('13-adversary 22: what was signed without a statement', () => {
  const message = { ...signed({ predicateType: MESSAGE_SIGNATURE }), form: 'message' } as Signed
  const simple = { ...signed({ predicateType: SIMPLE_SIGNING }), form: 'simple-signing' } as Signed
  const judge = (item: Signed, more = {}) =>
    judgeImage(
      subject,
      [item],
      expectationFromFlags({ certificateIdentity: SAN, certificateOidcIssuer: ISSUER, ...more }),
      context,
    ).verdict.kind
  test('is a signature and nothing else', () => {
    for (const item of [message, simple]) {
      expect(judge(item)).toBe('passed')
      for (const require of ['provenance', 'sbom', 'materials-pinned'])
        expect(judge(item, { require: [require] })).toBe('rejected')
      expect(judge(item, { predicateType: 'https://spdx.dev/Document' })).toBe('rejected')
    }
    const sly = { ...message, statement: provenance().statement } as Signed
    expect(judge(sly, { require: ['provenance'] })).toBe('rejected')
  })
})

describe('13-adversary 43: a flood', () => {
  const subjects = (from: number) =>
    Array.from({ length: 2_000 }, (_, i) => ({
      name: `s${i}`,
      digest: { sha256: sha256(`${from + i}`).slice(7) },
    })) as never
  const many = (make: (i: number) => Signed) =>
    Array.from({ length: 200 }, (_, i) => {
      const item = make(i)
      return { ...item, statement: { ...item.statement, subject: subjects(i * 7) } } as Signed
    })

  test('of subjects and platforms is judged once through', () => {
    const text = RULE.replace(/ +max-age.*\n/g, '')
      .replace('[signature, provenance]', '[signature, provenance, materials-pinned, closed-world, sbom]')
      .replace(', sbom]\n', ']\n')
    const expectation = at({}, text)
    const platforms = Array.from({ length: 60 }, (_, i) => sha256(`${i}`))
    const index = { ...subject, platforms }
    const mallory = certificate({ san: 'mallory@example.com' })
    const planted = [...many(i => provenance({}, i % 2 === 0 ? {} : { signer: mallory })), signed()]
    const begin = performance.now()
    const { verdict, findings } = judgeImage(index, planted, expectation, context)
    expect(verdict.kind).toBe('rejected')
    expect(findings.length).toBeLessThan(60)
    expect(performance.now() - begin).toBeLessThan(60_000)
  })
})

test.each([
  'https://slsa.dev/verification_summary/v1',
  'https://slsa.dev/verification_summary/v0.2',
  QUARANTINE_PREDICATE,
])(
  '13-adversary 27: --predicate-type %s is refused: a summary may say FAILED, and a record speaks against',
  predicateType => {
    const flags = { certificateIdentity: 'alice@example.com', certificateOidcIssuer: 'https://accounts.example.com' }
    expect(() => expectationFromFlags({ ...flags, predicateType })).toThrow(
      expect.objectContaining({ code: 'policy/expectation-unclear', found: predicateType }),
    )
  },
)
