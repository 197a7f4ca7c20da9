import { errorOf } from '../policy/world.ts'
import { admitted, BUILD, DEPLOYER, SOURCE } from './world.ts'

const rule = (match: string, more: string) => `{match: ${match}, build: ${BUILD}, ${more}}`
const FULL = 'require: [signature, provenance, source-signed], admit: [deploy-verified]'
const full = (match: string) => rule(match, `${FULL}, source: ${SOURCE}, deployer: ${DEPLOYER}`)

describe('admissionOf()', () => {
  test('every repository has its own deploy link, and each link its own signer', () => {
    const { rules } = admitted([full('[ghcr.io/acme/app, ghcr.io/acme/web]')])
    expect(rules.map(({ match }) => match.map(({ text }) => text))).toEqual([
      ['ghcr.io/acme/app'],
      ['ghcr.io/acme/web'],
    ])
    expect(rules.map(({ links }) => links.map(({ item }) => item))).toEqual([
      ['provenance', 'deploy-verified'],
      ['provenance', 'deploy-verified'],
    ])
    const [, deploy] = rules[0]?.links ?? []
    expect(deploy?.conditions).toEqual(
      expect.arrayContaining([
        { path: ['verificationResult'], is: 'equal', value: 'PASSED' },
        { path: ['resourceUri'], is: 'equal', value: 'oci://ghcr.io/acme/app?environment=production' },
        { path: ['verifiedLevels'], is: 'containing', value: 'ORG_DEPLOY_PRODUCTION' },
        { path: ['verifiedLevels'], is: 'containing', value: 'ORG_SOURCE_COMMITS_SIGNED' },
        { path: ['waybill_run', 'repository_id'], is: 'equal', value: '4712' },
        { path: ['waybill_run', 'environment'], is: 'equal', value: 'production' },
      ]),
    )
  })

  test('of a pattern the resource is that of the image itself', () => {
    const { rules } = admitted([full('["ghcr.io/acme/*"]')])
    expect(rules[0]?.links[1]?.conditions).toContainEqual({
      path: ['resourceUri'],
      is: 'resource',
      environment: 'production',
    })
  })
})

test('13-adversary 28: of a signer without facts about runs, no statement may call itself one of a pull request', () => {
  const person = '{sigstore: {identity: "https://ci.example.com/acme", issuer: "https://ci.example.com"}}'
  const deployer = person.replace('}}', '}, environment: production}')
  const { rules } = admitted([
    `{match: ghcr.io/acme/app, build: ${person}, require: [provenance], deployer: ${deployer}, admit: [deploy-verified]}`,
  ])
  const conditions = rules[0]?.links.map(link => link.conditions) ?? []
  const noPull = (path: readonly string[]) => ({
    is: 'any-of',
    of: [[{ path, is: 'absent' }], [{ path, is: 'not-matching', patterns: ['pull_request**'] }]],
  })
  expect(conditions[0]).toContainEqual(noPull(['buildDefinition', 'internalParameters', 'github', 'event_name']))
  expect(conditions[1]).toContainEqual(noPull(['waybill_run', 'event_name']))
})

describe('13-adversary 30: what no engine can say is refused', () => {
  test.each([
    ['an allow for everything', [rule('"**"', 'require: [provenance]')]],
    [
      'a lone signature of a workflow',
      [rule('ghcr.io/acme/app', 'require: [signature]').replace(', runner: github-hosted', '')],
    ],
    [
      'source without a deployer',
      [rule('ghcr.io/acme/app', `require: [provenance, source-signed], source: ${SOURCE}`)],
    ],
    ['an age where it runs', [rule('ghcr.io/acme/app', 'require: [provenance], max-age-at-run: 30d')]],
    [
      'rules that meet',
      [rule('ghcr.io/acme/app', 'require: [provenance]'), rule('"ghcr.io/acme/*"', 'require: [provenance]')],
    ],
  ])('%s', (_what, rules) => {
    expect(errorOf(() => admitted(rules)).code).toBe('policy/not-expressible')
  })

  test.each([
    ['an environment of the build', BUILD.replace('runner: github-hosted', 'environment: production')],
    ['a workflow by its commit', BUILD.replaceAll('yml@refs/tags/v*', `yml@${'a'.repeat(40)}`)],
    ['a workflow of another repository without a caller', BUILD.replace('signer: "acme/app', 'signer: "acme/shared')],
  ])('%s', (_what, build) => {
    const rules = [`{match: ghcr.io/acme/app, build: ${build}, require: [provenance]}`]
    expect(errorOf(() => admitted(rules)).code).toBe('policy/not-expressible')
  })

  test.each([
    ['a certificate', 'serial: 2A41'],
    ['what may be a certificate', `fingerprint: ${'AB'.repeat(32)}`],
    [
      'the signer itself',
      'identity: "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1", issuer: "https://token.actions.githubusercontent.com"',
    ],
  ])('%s is revoked', (_what, entry) => {
    const revoked = `revoked: [{${entry}, effective: 2026-05-01, mode: compromised}]\n`
    const error = errorOf(() => admitted([rule('ghcr.io/acme/app', 'require: [provenance]')], revoked))
    expect(error.code).toBe('policy/not-expressible')
  })

  test('revoked keys of persons concern no statement about an image', () => {
    const revoked = `revoked: [{fingerprint: ${'AB'.repeat(20)}, effective: 2026-05-01, mode: compromised}]\n`
    expect(admitted([rule('ghcr.io/acme/app', 'require: [provenance]')], revoked).rules.length).toBe(1)
  })

  test('a deny that lies across two allowing rules, one above it and one below, is refused', () => {
    const rules = [
      rule('"ghcr.io/acme/*-app"', 'require: [provenance]'),
      '{match: ["ghcr.io/acme/x*"], deny: true}',
      rule('"ghcr.io/acme/*-web"', 'require: [provenance]'),
    ]
    expect(errorOf(() => admitted(rules)).code).toBe('policy/not-expressible')
  })

  test('13-adversary 34: a deny above registries that are not named is refused: another spelling of its own would pass below it', () => {
    const deny = '{match: ["ghcr.io/acme/bad"], deny: true}'
    const error = errorOf(() => admitted([deny, rule('"*.io/acme/*"', 'require: [provenance]')]))
    expect([error.code, error.found]).toEqual(['policy/not-expressible', 'ghcr.io/acme/bad and *.io/acme/*'])
    expect(admitted([rule('"*.io/acme/*"', 'require: [provenance]')]).rules.length).toBe(1)
  })

  test('a deny above what it narrows stays, one below everything is what the cluster does anyway', () => {
    const deny = '{match: ["ghcr.io/acme/bad"], deny: true}'
    const allow = rule('"ghcr.io/acme/*"', 'require: [provenance]')
    const { rules } = admitted([deny, allow, '{match: ["**"], deny: true}'])
    expect(rules.map(({ match, links }) => [match[0].text, links.length])).toEqual([
      ['ghcr.io/acme/bad', 0],
      ['ghcr.io/acme/*', 1],
    ])
  })

  test('rules for files are not for a cluster, and a note says so', () => {
    const { rules, notes } = admitted([rule('["file:dist/**"]', 'require: [provenance]')])
    expect(rules).toEqual([])
    expect(notes).toEqual(['Rules for files are the gate’s alone: file:dist/**.'])
  })
})
