import { utf8 } from '../../src/core/bytes.ts'
import { fail } from '../../src/core/error.ts'
import { acceptedRefs, checkPolicy, type RulesetPort } from '../../src/pipeline/policy-check.ts'
import { lawFromFile } from '../../src/policy/law.ts'
import { filled, NOW, POLICY } from '../policy/world.ts'

const DEPLOY = `gate-refs: [refs/heads/main]
deploy:
  - match: "ghcr.io/acme/**"
    build:
      github:
        repository: acme/other
        repository-id: 4711
        signer: "acme/other/.github/workflows/release.yml@refs/tags/v*"
        source-ref: ["refs/tags/v*"]
    require: [signature]
  - match: "ghcr.io/open/**"
    build:
      github: {repository: acme/open, repository-id: 4712, signer: "acme/open/.github/workflows/r.yml@refs/heads/main", source-ref: any}
    require: [signature]
  - {match: "quay.io/**", deny: true}
`
const TAGS = `  - refs: ["refs/tags/v*"]
    tag: {signers: [alice], on: [refs/heads/main]}
policy-change:`
const QUARANTINED = `quarantined: [{digest: "sha256:${'a'.repeat(64)}", reason: stolen key, since: 2026-05-02}]\n`
const law = (text: string) => lawFromFile(utf8(filled(text)), 'waybill.yml', () => undefined)
const FULL = law(POLICY.replace('policy-change:', TAGS) + DEPLOY)

/** A platform on which these refs are protected, and of which nothing is known about the others named. */
function platform(
  guarded: readonly string[],
  unknown: readonly string[] = [],
): RulesetPort & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    isProtected: async (repository, ref) => {
      asked.push(`${repository} ${ref}`)
      if (unknown.includes(ref))
        return { kind: 'unavailable', cause: fail('core/internal', 'No permission to read rulesets') }
      const by = guarded.includes(ref) ? ['ruleset 1 (main)'] : []
      return { kind: 'known', value: { protected: by.length > 0, by } }
    },
  }
}

test('acceptedRefs() names each ref of source, tag, gate and deploy rules once, in its own repository', () => {
  expect(acceptedRefs(FULL.policy, 'acme/app')).toEqual([
    { repository: 'acme/app', ref: 'refs/heads/main', why: 'gate-refs' },
    { repository: 'acme/app', ref: 'refs/tags/v*', why: 'source tag' },
    { repository: 'acme/other', ref: 'refs/tags/v*', why: 'deploy source-ref' },
    { repository: 'acme/open', ref: 'any', why: 'deploy source-ref' },
  ])
})

test('13-adversary 28: who may deploy or put into quarantine is asked about like who may build', () => {
  const onMain = (name: string, ref: string) =>
    `{github: {repository: acme/ops, repository-id: 4713, signer: "acme/ops/.github/workflows/${name}.yml@refs/heads/main", source-ref: [${ref}], environment: production}}`
  const text = DEPLOY.replace(
    '    require: [signature]\n',
    `    deployer: ${onMain('deploy', 'refs/heads/main')}\n    quarantine-by: ${onMain('guard', 'refs/heads/guard')}\n    require: [signature]\n    admit: deploy-verified\n`,
  )
  const refs = acceptedRefs(law(POLICY + text).policy, 'acme/app').filter(({ repository }) => repository === 'acme/ops')
  expect(refs.map(({ ref }) => ref)).toEqual(['refs/heads/main', 'refs/heads/guard'])
})

test('13-adversary 28: every accepted ref that is not protected is named, and the check is rejected', async () => {
  const rulesets = platform(['refs/heads/main'])
  const check = await checkPolicy(FULL, NOW, { repository: 'acme/app', rulesets })
  expect(check.outcome).toBe('rejected')
  expect(check.findings.map(({ code, severity, subject }) => [code, severity, subject])).toEqual([
    ['policy/ref-unprotected', 'reject', 'acme/app refs/tags/v*'],
    ['policy/ref-unprotected', 'reject', 'acme/other refs/tags/v*'],
    ['policy/ref-unprotected', 'reject', 'acme/open any'],
  ])
  expect(check.refs[0]).toMatchObject({ state: 'protected', by: ['ruleset 1 (main)'] })
  expect(rulesets.asked).not.toContain('acme/open any')
})

test('13-adversary 28: what could not be asked is unknown, never protected', async () => {
  const rulesets = platform(['refs/heads/main'], ['refs/tags/v*'])
  const tagged = law(POLICY.replace('policy-change:', TAGS))
  const check = await checkPolicy(tagged, NOW, { repository: 'acme/app', rulesets })
  expect(check.outcome).toBe('unknown')
  expect(check.refs.map(ref => ref.state)).toEqual(['protected', 'unknown'])
  expect(check.findings[0]?.message).toContain('No permission')
})

test('everything protected passes; without the platform nothing is asked', async () => {
  const tagged = law(POLICY.replace('policy-change:', TAGS))
  const rulesets = platform(['refs/heads/main', 'refs/tags/v*'])
  expect(await checkPolicy(tagged, NOW, { repository: 'acme/app', rulesets })).toMatchObject({
    outcome: 'passed',
    findings: [],
  })
  expect(await checkPolicy(FULL, NOW)).toMatchObject({ outcome: 'passed', refs: [], findings: [] })
})

test('checkPolicy() says in plain words what the policy means', async () => {
  const { sections } = await checkPolicy(FULL, NOW)
  const words = (title: string) => sections.find(section => section.title === title)?.lines
  expect(words('Commits')).toEqual([
    'refs/heads/main: every commit signed by alice, bob, carol (RSA from 2048 bits)',
    'refs/heads/main: signed by the platform: nothing',
    'refs/heads/main: reviews are not asked for',
  ])
  expect(words('Tags')).toEqual(['refs/tags/v*: signed by alice (RSA from 2048 bits), on a commit of refs/heads/main'])
  expect(words('Changes of the policy and of what it names')).toEqual([
    'The policy: signed by alice, bob',
    'Workflows and actions alone: signed by alice, bob',
  ])
  const listed = await checkPolicy(law(`${POLICY}${QUARANTINED}`), NOW)
  expect(listed.sections.find(({ title }) => title === 'In quarantine')?.lines).toEqual([
    `sha256:${'a'.repeat(64)} since 2026-05-02T00:00:00.000Z: stolen key`,
  ])
  expect(words('Deployments')?.[0]).toBe('A gate may use this file on refs/heads/main')
})

test('checkPolicy() notes an old snapshot', async () => {
  const snapshot = { schemaVersion: 1, taken: '2026-01-01T00:00:00Z', source: 'a list', principals: { dave: {} } }
  const text = `${POLICY}snapshots: [{file: team.json, role: guests}]\n`
  const withPeople = lawFromFile(utf8(text), 'waybill.yml', () => utf8(JSON.stringify(snapshot)))
  const { outcome, findings } = await checkPolicy(withPeople, NOW)
  expect([outcome, findings.map(({ code }) => code)]).toEqual(['passed', ['policy/snapshot-old']])
})
