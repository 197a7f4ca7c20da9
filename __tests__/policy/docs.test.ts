import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse as parseYaml } from 'yaml'
import { utf8 } from '../../src/core/bytes.ts'
import { KEYS, REQUIREMENTS } from '../../src/policy/keys.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { type Schema as AnySchema, breaks } from '../report/schema.ts'
import { sshLine } from './world.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAGE = readFileSync(join(ROOT, 'docs/policy.md'), 'utf8')
const SCHEMA = JSON.parse(readFileSync(join(ROOT, 'schemas/policy.json'), 'utf8')) as Schema

interface Schema extends AnySchema {
  readonly properties: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
  readonly $defs: Readonly<Record<string, { readonly properties: object; readonly additionalProperties: unknown }>>
}

const SNAPSHOT_SCHEMA = JSON.parse(readFileSync(join(ROOT, 'schemas/snapshot.json'), 'utf8')) as Schema
const [, SNAPSHOT = ''] = /```json\n([\s\S]*?)```/.exec(PAGE) ?? []
const readFile = (path: string) => (path === '.github/keys/platform-team.json' ? utf8(SNAPSHOT) : undefined)

const EXAMPLES = [...PAGE.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text)

/** The source part of the policy that the design shows; its kinds of keys are tested with the keys. */
const WHOLE = `version: 1
principals:
  alice:
    github: {login: alice, id: 1234567}
    emails: [alice@example.com]
    signers:
      - {openpgp: {fingerprint: ${'3D5E07B2'.repeat(5)}, file: keys/alice.asc}}
      - {ssh: {key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICvYBsl/DgCvGh/DMo+nY6kmlyPI24+sT5OvcdsYbW6Q"}}
  bob: {github: {login: bob, id: 7}, emails: [bob@example.com], signers: [{ssh: {key: "${sshLine('another key of bob')}"}}]}
  dave: {emails: [dave@example.com], signers: [{ssh: {key: "${sshLine('dave')}"}}]}
  renovate: {github: {login: "renovate[bot]", id: 29139614}}
roles: {maintainers: [alice, bob], developers: ["@maintainers", dave], bots: [renovate]}
snapshots: [{file: keys/platform-team.json, role: maintainers, warn-after-days: 30}]
source:
  - refs: ["refs/heads/main"]
    commits: {signers: ["@developers", "@bots"], min-rsa: 3072}
    platform: {merge: clean, squash: evidence, rebase: deny, content: ["@bots"]}
    review: {approvals: 1, by: ["@maintainers"], distinct-from: [author, committers, last-pusher], strength: platform-recorded}
    allow-other-commit: false
  - refs: ["refs/tags/v*"]
    tag: {signers: ["@maintainers"], on: [refs/heads/main]}
policy-change: {signers: ["@maintainers"], approvals: 2, workflows: {signers: ["@maintainers", "@bots"], approvals: 1}}
exceptions: [{commit: ${'0123abcd'.repeat(5)}, reason: "before signing began", approved-by: alice}, {until: ${'77aabbcc'.repeat(5)}, reason: "history before adoption"}]
source-workflows: [.github/workflows/ci.yml]
gate-refs: [refs/heads/main]
revoked: [{fingerprint: ${'AB'.repeat(20)}, effective: 2026-05-01, mode: compromised}]
`

test('the source part of a whole policy is read, and meets the schema', () => {
  expect(parsePolicy(utf8(WHOLE), '.github/waybill.yml', readFile).tags).toHaveLength(1)
  expect(breaks(SCHEMA, parseYaml(WHOLE))).toEqual([])
})

/** The deploy part of the same policy, with every key a rule can have. */
const DEPLOY = `version: 1
quarantined: [{digest: "sha256:${'ab'.repeat(32)}", reason: "wrong signer", since: 2026-05-02}]
deploy:
  - match: ["ghcr.io/my-org/**", "file:dist/**"]
    trust: public-good
    build:
      github: {repository: my-org/app, repository-id: 4711, signer: "my-org/app/.github/workflows/release.yml@refs/tags/v*", source-ref: ["refs/tags/v*"], trigger: [push, release], runner: github-hosted}
      builders: [buildx, buildah]
    source: {policy: "git+https://github.com/my-org/app#.github/waybill.yml", anchor: ${'88fc58d0'.repeat(5)}, exceptions: allow}
    deployer: {github: {repository: my-org/app, repository-id: 4711, signer: "my-org/app/.github/workflows/deploy.yml@refs/heads/main", source-ref: [refs/heads/main], environment: production}}
    quarantine-by: {github: {repository: my-org/app, repository-id: 4711, signer: "my-org/app/.github/workflows/deploy.yml@refs/heads/main", source-ref: [refs/heads/main]}}
    require: [signature, provenance, source-signed, source-reviewed, materials-verified]
    admit: [deploy-verified]
    allow-audit: false
    max-age: 90d
    max-age-at-run: 400d
    private: true
  - {match: ["registry.example.com/**"], trust: github, build: {key: keys/a.pem}, quarantine-by: {key: keys/b.pem}, require: sbom}
  - {match: ["registry.k8s.io/**"], build: {sigstore: {identity: krel-trust@k8s-releng-prod.iam.gserviceaccount.com, issuer: https://accounts.google.com}}, require: [signature]}
  - {match: ["**"], deny: true}
`

test('the deploy part of a whole policy is read, and meets the schema', () => {
  const { deploy, quarantined } = parsePolicy(utf8(DEPLOY), '.github/waybill.yml', readFile)
  expect([deploy.length, quarantined.length]).toEqual([4, 1])
  expect(deploy[0]).toMatchObject({
    admit: ['deploy-verified'],
    deployer: { environment: 'production' },
    quarantineBy: { kind: 'github' },
    maxAgeAtRunSeconds: 400 * 86_400,
    private: true,
  })
  expect(deploy[1]).toMatchObject({ trust: 'github', admit: [], private: false })
  expect(breaks(SCHEMA, parseYaml(DEPLOY))).toEqual([])
})

test.each([
  ['another item', '[deploy-verified]', '[deploy-verify]'],
  ['an item twice', '[deploy-verified]', '[deploy-verified, deploy-verified]'],
  ['two deployers', 'deployer: {', 'deployer: {key: a.pem, '],
  ['a deployer by key without an environment', /deployer: .*/, 'deployer: {key: a.pem}'],
  ['nobody who may quarantine', /quarantine-by: \{github.*/, 'quarantine-by: {}'],
  ['another trust root', 'trust: github', 'trust: gitlab'],
  ['an age in years', '400d', '1y'],
  ['a short digest', /sha256:[ab]+/, 'sha256:abc'],
  ['a quarantine without a reason', ', reason: "wrong signer"', ''],
  ['a key of commits', 'build: {key: keys/a.pem}', 'build: {ssh: keys/a.pem}'],
])('schemas/policy.json refuses in a deploy rule %s', (_what, from, to) => {
  const changed = DEPLOY.replace(from, to)
  expect(changed).not.toBe(DEPLOY)
  expect(breaks(SCHEMA, parseYaml(changed))).not.toEqual([])
})

/** What may go into a build, with every key a rule can have. */
const MATERIALS = `version: 1
base-images:
  - {match: "ghcr.io/my-org/bad", deny: true}
  - match: ["ghcr.io/my-org/**"]
    signers: [{key: keys/base.pem}, {sigstore: {identity: a@example.com, issuer: "https://accounts.google.com"}}]
    predicate: https://slsa.dev/provenance/v1
    trust: {file: keys/root.json}
    max-age: 90d
    private: true
  - {match: "quay.io/my-org/**", waybill: {build: {key: keys/base.pem, builders: buildx}, quarantine-by: {key: keys/base.pem}, require: [signature, provenance], allow-audit: true, trust: github, max-age: 12h}}
  - {match: "docker.io/docker/**", docker: true}
  - {match: "**", digest-lock: true}
materials:
  - {match: ["https://example.com/**"], keys: [tini, zig], private: true}
  - {match: "git+https://example.com/**", deny: true}
material-keys:
  tini: {openpgp: {fingerprint: ${'3D5E07B2'.repeat(5)}, file: keys/tini.asc}}
  zig: {minisign: {file: keys/zig.pub}}
  carol: {ssh: {key: "${sshLine('carol')}"}}
  next: {sigstore: {identity: a@example.com, issuer: "https://accounts.google.com"}, trust: github}
`

test('what may go into a build is read, and meets the schema', () => {
  const { baseImages, materials, materialKeys } = parsePolicy(utf8(MATERIALS), '.github/waybill.yml', readFile)
  expect([baseImages?.length, materials?.length, materialKeys?.size]).toEqual([5, 2, 4])
  expect(breaks(SCHEMA, parseYaml(MATERIALS))).toEqual([])
})

test.each([
  ['two ways to trust', 'docker: true', 'docker: true, digest-lock: true'],
  ['a signer beside a pin', 'digest-lock: true', 'digest-lock: true, signers: {key: a.pem}'],
  ['no way to trust', ', docker: true', ''],
  ['a way that is off', 'docker: true', 'docker: false'],
  ['something beside a denial', 'bad", deny: true', 'bad", deny: true, docker: true'],
  ['a denial of what is signed', 'signers: [', 'deny: true\n    signers: ['],
  ['a statement of Docker', 'docker: true', 'docker: true, predicate: "https://slsa.dev/provenance/v1"'],
  ['no signers', /signers: \[.*\]/, 'signers: []'],
  ['a signer of two kinds', '{key: keys/base.pem}, {', '{key: keys/base.pem, '],
  ['a key of commits for an image', '[{key: keys/base.pem}', '[{openpgp: {file: a.asc}}'],
  ['a deploy of a base image', '[signature, provenance]', '[signature, deploy-verified]'],
  ['a chain without a builder', 'build: {key: keys/base.pem, builders: buildx}, ', ''],
  ['an image by its URI', 'docker.io/docker/**', '/docker/**'],
  ['any host', '"https://example.com/**"', '"https://*/**"'],
  ['a login', '"https://example.com/**"', '"https://alice@example.com/**"'],
  ['another scheme', '"https://example.com/**"', '"ftp://example.com/**"'],
  ['keys beside a denial', 'deny: true}\nmaterial-keys', 'deny: true, keys: zig}\nmaterial-keys'],
  ['two keys under one name', '{minisign: {file: keys/zig.pub}}', '{minisign: {file: a.pub}, ssh: {key: x}}'],
  ['a root without certificates', '{minisign: {file: keys/zig.pub}}', '{minisign: {file: a.pub}, trust: github}'],
])('schemas/policy.json and the parser refuse of materials %s', (_what, from, to) => {
  const changed = MATERIALS.replace(from, to)
  expect(changed).not.toBe(MATERIALS)
  expect(breaks(SCHEMA, parseYaml(changed))).not.toEqual([])
  expect(() => parsePolicy(utf8(changed), '.github/waybill.yml', readFile)).toThrow()
})

test.each([
  ['commits and tag in one rule', 'tag: {', 'commits: {signers: [alice]}\n    tag: {'],
  ['a rule without either', 'tag: {signers: ["@maintainers"], on: [refs/heads/main]}', 'allow-other-commit: false'],
  ['no approvals', 'review: {approvals: 1', 'review: {approvals: 0'],
  ['another word for a switch', 'merge: clean', 'merge: evidence'],
  ['a pattern in on', 'on: [refs/heads/main]', 'on: ["refs/heads/*"]'],
])('schemas/policy.json refuses %s', (_what, from, to) => {
  expect(breaks(SCHEMA, parseYaml(WHOLE.replace(from, to)))).not.toEqual([])
})

/** The table at the end of the page, rendered from the parser's own list of keys. */
function keyTable(): string {
  const code = (keys: readonly string[]) => keys.map(key => `\`${key}\``).join(', ')
  return Object.entries(KEYS)
    .map(([place, { judged, later, ...keys }]) => {
      const refused = later.length === 0 ? '' : ` (refused so far: ${code(later)})`
      const never = 'never' in keys ? ` (never: ${code(Object.keys(keys.never))})` : ''
      return `| ${place} | ${code(judged)}${refused}${never} |\n`
    })
    .join('')
}

describe('docs/policy.md', () => {
  test('has examples', () => expect(EXAMPLES.length).toBeGreaterThan(4))

  test.each(EXAMPLES.map((text, index) => [index + 1, text] as const))('example %i is a policy', (_index, text) => {
    expect(parsePolicy(utf8(text), '.github/waybill.yml', readFile).version).toBe(1)
    expect(breaks(SCHEMA, parseYaml(text))).toEqual([])
  })

  test('shows a snapshot that meets its schema', () => {
    expect(breaks(SNAPSHOT_SCHEMA, JSON.parse(SNAPSHOT))).toEqual([])
  })

  test('lists every key as the parser knows it', () => {
    expect(PAGE.slice(PAGE.indexOf('## Every key')).split('|---|---|\n')[1]).toBe(keyTable())
  })

  test('names every requirement that is judged, and every key somewhere before the list', () => {
    const text = PAGE.slice(0, PAGE.indexOf('## Every key'))
    const keys = Object.values(KEYS).flatMap(({ judged }) => [...judged])
    for (const key of [...REQUIREMENTS.judged, ...keys]) expect([key, text.includes(key)]).toEqual([key, true])
  })
})

describe('schemas/policy.json', () => {
  test.each(Object.entries(KEYS))('knows the keys of %s that the parser judges, and no others', (place, { judged }) => {
    const part = place === 'policy' ? SCHEMA : SCHEMA.$defs[place]
    expect(Object.keys(part?.properties ?? {}).sort()).toEqual([...judged].sort())
    expect(part).toMatchObject({ additionalProperties: false })
  })
  test('has no definition the parser does not know', () => {
    expect(Object.keys(SCHEMA.$defs).sort()).toEqual(
      Object.keys(KEYS)
        .filter(place => place !== 'policy')
        .sort(),
    )
  })
})
