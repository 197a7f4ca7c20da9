import fc from 'fast-check'
import { parse } from 'yaml'
import { celText } from '../../src/admission/cel.ts'
import { conditionsCel } from '../../src/admission/cel-conditions.ts'
import { imageValidatingPolicies, type KyvernoOptions } from '../../src/admission/kyverno.ts'
import { cosignOf } from '../../src/admission/kyverno-attestor.ts'
import type { Admission, AdmissionCondition, AdmissionRule } from '../../src/admission/link.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { compilePattern, type Pattern } from '../../src/policy/match.ts'
import type { SubjectPattern } from '../../src/policy/policy.ts'
import { admitted, BUILD, DEPLOYER, SOURCE } from './world.ts'

const OPTIONS: KyvernoOptions = { header: ['Generated; do not edit.', ''] }

interface Generated {
  readonly spec: {
    readonly matchConstraints: { readonly namespaceSelector?: object }
    readonly matchImageReferences: readonly { readonly expression: string }[]
    readonly attestors: readonly { readonly name: string; readonly cosign: object }[]
    readonly attestations: readonly { readonly name: string; readonly intoto: { readonly type: string } }[]
    readonly variables: readonly { readonly name: string; readonly expression: string }[]
    readonly validations: readonly { readonly expression: string; readonly message: string }[]
  }
}

function generated(admission: Admission, options = OPTIONS): Generated {
  const [file] = imageValidatingPolicies(admission, options)
  return parse(file?.text ?? '') as Generated
}

function pattern(text: string): Pattern {
  const compiled = compilePattern(text)
  if (compiled === undefined) throw new Error(`no pattern: ${text}`)
  return compiled
}

function subject(text: string): SubjectPattern {
  return { ...pattern(text), of: 'image' }
}

const RULE = `{match: ["ghcr.io/acme/**"], build: ${BUILD}, source: ${SOURCE}, deployer: ${DEPLOYER}, require: [provenance, source-signed], admit: [deploy-verified]}`

/** Texts that would like to be code. */
const hostile = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom(
      '"',
      '\\',
      '\n',
      '\r',
      '\u2028',
      '\u0085',
      '\0',
      "'",
      '`',
      '$',
      '{',
      '}',
      '#',
      ': ',
      'x',
      '🚀',
    ),
  }),
  fc.constantFrom('" || true || "', '\\" || true || \\"', '\\u0022', '"""', 'a\\', '\n- expression: "true"\n'),
)

/** Reads an expression as the language definition has it: literals give their text, everything else stays. */
function literalsOf(expression: string): { readonly texts: readonly string[]; readonly code: string } {
  const texts: string[] = []
  const code = expression.replace(/"((?:[^"\\\n\r]|\\.)*)"/g, (_, raw: string) => {
    texts.push(
      raw.replace(/\\(?:U([0-9a-f]{8})|u([0-9a-f]{4})|(["\\]))/g, (_, long?: string, short?: string, self?: string) =>
        self === undefined ? String.fromCodePoint(Number.parseInt(long ?? short ?? '', 16)) : self,
      ),
    )
    return '""'
  })
  return { texts, code }
}

describe('texts of a policy in expressions', () => {
  test('are one literal, whatever they hold', () => {
    fc.assert(
      fc.property(hostile, text => {
        const literal = celText(text)
        expect(literal).toMatch(/^[ -~]*$/)
        expect(literalsOf(literal)).toEqual({ texts: [text], code: '""' })
      }),
    )
  })

  test('never change what a condition asks', () => {
    const of = (value: string): readonly AdmissionCondition[] => [
      { path: ['a', value], is: 'equal', value },
      { path: ['a'], is: 'one-of', values: [value, { [value]: value }, [value]] },
      { path: ['a'], is: 'containing', value },
      { path: ['a'], is: 'resource', environment: value },
      { path: ['a'], is: 'some', where: [{ path: [value], is: 'absent' }] },
    ]
    const scope = { root: 'said', name: 'name' }
    fc.assert(
      fc.property(
        hostile.filter(text => !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(text)),
        text => {
          const { code } = literalsOf(conditionsCel(of(text), scope))
          expect(code).toBe(literalsOf(conditionsCel(of('-'), scope)).code)
        },
      ),
    )
  })

  test('nor the shape of the file', () => {
    const of = (text: string): Admission => {
      const { rules } = admitted([RULE])
      const shown = rules.map((rule): AdmissionRule => {
        const [first] = rule.match
        return { ...rule, match: [{ ...first, text }] }
      })
      return { rules: shown, quarantined: [text], notes: [] }
    }
    const shape = (text: string) => {
      const { spec } = generated(of(text))
      return spec.validations.map(({ expression }) => literalsOf(expression).code)
    }
    const patterns = hostile.filter(text => compilePattern(text) !== undefined)
    fc.assert(fc.property(patterns, text => expect(shape(text)).toEqual(shape('-'))))
  })

  test('half a surrogate pair is refused', () => {
    expect(() => celText('\ud800')).toThrow(expect.objectContaining({ code: 'policy/not-expressible' }))
  })
})

describe('signers', () => {
  const issuer = 'https://token.actions.githubusercontent.com'
  const none = new Map()
  const github = (ref: string) => {
    const path = 'acme/app/.github/workflows/release.yml'
    const signer = { path, at: { ref: pattern(ref) }, text: `${path}@${ref}` }
    return {
      kind: 'github',
      repository: 'acme/app',
      repositoryId: '1',
      signer,
      sourceRef: 'any',
      issuer,
      server: 'https://github.com',
    } as const
  }
  const identity = (signer: Parameters<typeof cosignOf>[0]) => {
    const { keyless } = cosignOf(signer, 'public-good', none) as {
      keyless: { identities: readonly { subject?: string; subjectRegExp?: string }[] }
    }
    return keyless.identities[0]
  }

  test('an exact ref is compared, one with stars is a whole regular expression', () => {
    const workflow = 'https://github.com/acme/app/.github/workflows/release.yml'
    expect(identity(github('refs/heads/main'))).toEqual({ issuer, subject: `${workflow}@refs/heads/main` })
    const { subjectRegExp = '' } = identity(github('refs/tags/v*')) ?? {}
    const accepts = (text: string) => new RegExp(subjectRegExp).test(text)
    expect(accepts(`${workflow}@refs/tags/v1.2`)).toBe(true)
    for (const other of [
      `${workflow}@refs/tags/v1/x`,
      `${workflow}@refs/heads/v1`,
      `x${workflow}@refs/tags/v1`,
      `${workflow.replace('.github/', 'xgithub/')}@refs/tags/v1`,
    ])
      expect(accepts(other)).toBe(false)
  })

  test('13-adversary 28: below a prefix no run for a pull request counts', () => {
    const prefix = 'https://github.com/acme/'
    const { subjectRegExp = '' } = identity({ kind: 'sigstore', identity: { prefix }, issuer }) ?? {}
    const accepts = (rest: string) => new RegExp(subjectRegExp).test(prefix + rest)
    const workflow = 'app/.github/workflows/a.yml'
    for (const good of [
      '',
      'app',
      `${workflow}@refs/heads/main`,
      `${workflow}@refs/tags/v1`,
      `${workflow}@${'a'.repeat(40)}`,
    ])
      expect(accepts(good)).toBe(true)
    for (const bad of [
      'refs/pull/1/merge',
      'refs/pull',
      'refs/heads/@refs/pull/1/merge',
      'refs/pull/1@refs/heads/main',
    ])
      expect(accepts(`${workflow}@${bad}`)).toBe(false)
  })

  test.each([
    ['refs/', 'refs/heads/main', true],
    ['refs/', 'refs/tags/v1/x', true],
    ['refs/', 'refs/pull/1/merge', false],
    ['refs/heads/', 'refs/heads/main', true],
    ['refs/heads/', 'refs/tags/v1', false],
  ])('13-adversary 28: nor does one below a prefix that ends in %s: %s', (below, ref, admitted) => {
    const workflow = 'https://github.com/acme/app/.github/workflows/a.yml@'
    const { subjectRegExp = '' } = identity({ kind: 'sigstore', identity: { prefix: workflow + below }, issuer }) ?? {}
    expect(new RegExp(subjectRegExp.replaceAll('(?s:.*)', '[^]*')).test(workflow + ref)).toBe(admitted)
  })

  test('13-adversary 28: a prefix of pull requests is refused', () => {
    const prefix = 'https://github.com/acme/app/.github/workflows/a.yml@refs/pull/'
    const refused = expect.objectContaining({ code: 'policy/not-expressible' })
    expect(() => identity({ kind: 'sigstore', identity: { prefix }, issuer })).toThrow(refused)
  })

  test('13-adversary 30: what Kyverno cannot check is refused', () => {
    const refused = expect.objectContaining({ code: 'policy/not-expressible' })
    const key = { kind: 'key', file: 'keys/deploy.pem', fingerprint: 'ab' } as const
    expect(() => cosignOf(key, 'public-good', none)).toThrow(refused)
    expect(() => cosignOf(github('refs/heads/main'), 'github', none)).toThrow(refused)
    expect(() => cosignOf(github('refs/heads/main'), { file: 'root.json' }, none)).toThrow(refused)
    const any = { ...github('refs/heads/main').signer, at: { any: true } as const }
    expect(() => cosignOf({ ...github('refs/heads/main'), signer: any }, 'public-good', none)).toThrow(refused)
    const file: AdmissionRule = { match: [{ ...pattern('file:dist/**'), of: 'file' }], trust: 'public-good', links: [] }
    expect(() => generated({ rules: [file], quarantined: [], notes: [] })).toThrow(refused)
    const scope = { root: 'said', name: 'name' }
    for (const value of [null, 0.5, 2 ** 60, [1, 'a'], { a: null }])
      expect(() => conditionsCel([{ path: ['a'], is: 'equal', value }], scope)).toThrow(refused)
  })

  test('13-adversary 29: a rule’s own trust root stands beside its signers alone', () => {
    const rules = ['ghcr.io/acme/**', 'ghcr.io/other/**'].map(
      match => `{match: ["${match}"], build: ${BUILD}, require: [provenance]}`,
    )
    const [first, second] = admitted(rules).rules
    if (first === undefined || second === undefined) throw new Error('two rules')
    const trust = new Map([
      ['root.json', { tuf: { mirror: 'https://tuf.example.com', root: utf8('{}') }, trustedRoot: '{}' }],
    ])
    const { spec } = generated(
      { rules: [{ ...first, trust: { file: 'root.json' } }, second], quarantined: [], notes: [] },
      { ...OPTIONS, trust },
    )
    expect(spec.attestors.map(({ cosign }) => Object.keys(cosign))).toEqual([
      ['keyless', 'tuf', 'trustedRoot'],
      ['keyless'],
    ])
  })
})

describe('the file', () => {
  test('is the same for the same policy', () => {
    const [file] = imageValidatingPolicies(admitted([RULE]), OPTIONS)
    expect(file?.name).toBe('waybill-images.yaml')
    expect(file?.text.startsWith('# Generated; do not edit.\n#\napiVersion:')).toBe(true)
    expect(imageValidatingPolicies(admitted([RULE]), OPTIONS)).toEqual([file])
  })

  test('is for every namespace, or for those that are named', () => {
    const selectors = [[], ['shop', 'bank']].map(namespaces => {
      const { spec } = generated(admitted([RULE]), { ...OPTIONS, namespaces })
      return spec.matchConstraints.namespaceSelector
    })
    const named = { key: 'kubernetes.io/metadata.name', operator: 'In', values: ['shop', 'bank'] }
    expect(selectors).toEqual([undefined, { matchExpressions: [named] }])
  })

  test('checks every link, each check before what it found is read', () => {
    const { spec } = generated({ ...admitted([RULE]), quarantined: [`sha256:${'a'.repeat(64)}`] })
    expect(spec.attestations.map(({ intoto }) => intoto.type)).toEqual([
      'https://slsa.dev/provenance/v1',
      'https://slsa.dev/verification_summary/v1',
    ])
    expect(spec.attestors.map(({ name }) => name)).toEqual(['rule1Provenance1', 'rule1DeployVerified2'])
    const [unnamed, quarantined, provenance, deploy, ...more] = spec.validations.map(({ expression }) => expression)
    expect(more).toEqual([])
    expect(unnamed).toBe('variables.images.all(image, image in variables.rule1)')
    expect(quarantined).toContain(`in ["sha256:${'a'.repeat(64)}"]`)
    for (const [expression = '', attestor] of [
      [provenance, 'rule1Provenance1'],
      [deploy, 'rule1DeployVerified2'],
    ] as const)
      expect(expression).toMatch(
        new RegExp(
          `^variables\\.rule1\\.all\\(image,\nverify.*\\[attestors\\.${attestor}\\]\\) > 0 &&\ncel\\.bind\\(said, extractPayload`,
        ),
      )
    expect(deploy).toContain('said.?waybill_run.?environment == optional.of("production")')
  })

  test('every statement type of a link has its own check', () => {
    const [rule] = admitted([RULE]).rules
    const [link] = rule?.links ?? []
    if (rule === undefined || link === undefined) throw new Error('a link')
    const types = ['https://a.example/x/v1', 'https://b.example/x/v1'] as const
    const perType = new Map([[types[1], [{ path: ['only'], is: 'absent' } as const]]])
    const { spec } = generated({
      rules: [{ ...rule, links: [{ ...link, predicateTypes: types, conditions: [], perType }] }],
      quarantined: [],
      notes: [],
    })
    expect(spec.attestations.map(({ name }) => name)).toEqual(['typeXV1', 'typeXV1N1'])
    expect(spec.validations[1]?.expression).toMatch(/typeXV1, .* > 0 \|\| verify.*typeXV1N1, .* > 0 &&\ncel\.bind\(/)
  })

  test('without a rule that admits, nothing is', () => {
    const denied: AdmissionRule = { match: [subject('ghcr.io/acme/**')], trust: 'public-good', links: [] }
    const { spec } = generated({ rules: [denied], quarantined: [], notes: [] })
    expect(spec.matchImageReferences).toEqual([{ expression: 'false' }])
    expect(spec.validations.map(({ expression }) => expression)).toEqual([
      'variables.rule1.size() == 0',
      'variables.images.all(image, false)',
    ])
  })
})
