import { utf8 } from '../../src/core/bytes.ts'
import { type Digest, hexOf, sha256 } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import { findingOf } from '../../src/core/verdict.ts'
import { pullsOf } from '../../src/materials/dockerfile/pulls.ts'
import type { MaterialItem } from '../../src/materials/manifest/item.ts'
import { parseManifest } from '../../src/materials/manifest/parse.ts'
import { lockFiles } from '../../src/pipeline/materials-command-lock.ts'
import type { LockPorts } from '../../src/pipeline/materials-command-lock-images.ts'
import type { JudgedFiles } from '../../src/pipeline/materials-command-request.ts'
import { imagesNamed } from '../../src/pipeline/materials-images-named.ts'
import type { ImagesRequest, JudgedImage } from '../../src/pipeline/materials-images-request.ts'
import type { JudgedMaterial } from '../../src/pipeline/materials-outcome.ts'
import { baseImageRule } from '../../src/policy/base-images.ts'
import { lawFromFile } from '../../src/policy/law.ts'
import { formatReference, type Reference } from '../../src/registry/reference.ts'
import { renderLock } from '../../src/report/lock.ts'

const PATH = '.github/waybill.materials.yml'
const POLICY = `version: 1
base-images:
  - {match: "docker.io/library/**", digest-lock: true}
  - match: "ghcr.io/acme/**"
    signers: [{sigstore: {identity: alice@example.com, issuer: "https://issuer.example"}}]
materials:
  - {match: "https://example.com/**"}
  - {match: "git+https://example.com/**"}
`
const OLD = 'ab'.repeat(32)
const digestOf = (what: string): Digest => sha256(what)
const now = (name: string) => hexOf(digestOf(name))

interface World {
  /** Images that the registry has; of others it says nothing. */
  readonly images?: readonly string[]
  /** Of `ghcr.io/acme`: who of them is signed. */
  readonly signed?: readonly string[]
  /** Names of manifest items that are refused when they are fetched. */
  readonly refused?: readonly string[]
  /** Base image → image that its ONBUILD names. */
  readonly onbuild?: Readonly<Record<string, string>>
}

/** Rules are the real ones; registries and servers are tables, and every request is written down. */
function portsOf({
  images = [],
  signed = [],
  refused = [],
  onbuild = {},
}: World): LockPorts & { readonly asked: string[] } {
  const asked: string[] = []
  const judgeOne = (reference: Reference, request: ImagesRequest, places: readonly string[]): JudgedImage => {
    const name = formatReference({ ...reference, digest: undefined } as unknown as Reference).replace('@undefined', '')
    const told = { name, kind: 'image', uri: `docker-image://${name}`, places } as const
    try {
      const rule = baseImageRule(request.policy, reference.canonical)
      const digest =
        reference.digest ?? request.declared.get(name) ?? (rule.kind === 'signers' ? digestOf(name) : undefined)
      if (digest === undefined) throw fail('materials/not-pinned', 'Nothing says which digest was reviewed')
      if (rule.kind === 'signers' && !signed.includes(name)) throw fail('verify/no-attestation', 'Nobody signed it')
      const proof: JudgedMaterial['proof'] =
        rule.kind === 'signers'
          ? { kind: 'signature', keys: 'policy', by: 'alice@example.com', evidence: digest }
          : { kind: 'digest' }
      const judged = { ...told, digest: { sha256: hexOf(digest) }, verdict: 'passed', findings: [], proof } as const
      return { judged, allowed: { reference, digest, names: [name], use: 'base', private: false } }
    } catch (error) {
      return {
        judged: {
          ...told,
          digest: {},
          verdict: 'rejected',
          findings: [findingOf(error as ReturnType<typeof fail>, name)],
        },
      }
    }
  }
  return {
    asked,
    images: async request => {
      const pulls = request.builds.flatMap(options => pullsOf(request.dockerfile, options))
      const more = pulls.flatMap(({ source = '' }) => {
        const name = onbuild[source]
        return name === undefined ? [] : [{ canonical: name, use: 'base' as const, place: 'ONBUILD' }]
      })
      const builds = request.builds.map(options => ({ options, pulls: pullsOf(request.dockerfile, options) }))
      const named = imagesNamed(builds, { path: request.path, more: [...request.more, ...more] })
      return { images: named.images.map(({ reference, places }) => judgeOne(reference, request, [...places])), pulls }
    },
    bring: async ({ items }) =>
      items.map((item: MaterialItem) => {
        asked.push(item.uri.canonical)
        expect([item.digest.size, item.mirrors.length]).toEqual([0, 0])
        const kind = item.uri.kind === 'git' ? ('git' as const) : ('url' as const)
        const told = { name: item.name, kind, uri: item.uri.canonical, places: [] }
        if (refused.includes(item.name)) {
          const findings = [findingOf(fail('materials/signature-wrong', 'Not signed by that key'), item.name)]
          return { item, judged: { ...told, digest: {}, verdict: 'rejected' as const, findings } }
        }
        const digest: Record<string, string> =
          kind === 'git' ? { gitCommit: '12'.repeat(20) } : { sha256: now(item.uri.canonical) }
        const judged = { ...told, digest, verdict: 'passed' as const, findings: [], proof: { kind: 'digest' as const } }
        return { item, judged, path: item.uri.canonical }
      }),
    file: async () => undefined,
    folder: async () => '/nowhere',
    clock: () => 0,
    resolve: async reference => {
      const name = formatReference(reference)
      asked.push(name)
      if (!images.includes(name)) throw fail('registry/unreachable', `${name} did not answer`)
      return digestOf(name)
    },
    hash: async (path, algorithm) => (algorithm === 'sha512' ? now(path).repeat(2) : now(path)),
  }
}

function checkout(dockerfile: string, manifest?: string, policy = POLICY): JudgedFiles {
  const bytes = utf8(manifest ?? '')
  const read = { path: PATH, bytes, digest: sha256(bytes) }
  return {
    dockerfile: { path: 'Dockerfile', bytes: utf8(dockerfile) },
    builds: [
      { buildArgs: new Map(), contexts: new Map(), buildPlatform: 'linux/amd64', targetPlatform: 'linux/amd64' },
    ],
    policy: { path: 'waybill.yml', law: lawFromFile(utf8(policy), 'waybill.yml', () => undefined) },
    ...(manifest === undefined ? {} : { manifest: { ...read, items: parseManifest(bytes, PATH) } }),
    contextPaths: [],
  }
}

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString())
const NODE = 'docker.io/library/node:24'

test('lockFiles() makes a manifest with an item for each base image under digest-lock', async () => {
  const ports = portsOf({ images: [NODE], signed: ['ghcr.io/acme/base:1'] })
  const out = await lockFiles(checkout('FROM node:24\nFROM ghcr.io/acme/base:1\nCOPY --from=0 / /\n'), PATH, ports)
  expect(text(out.bytes)).toBe(`# What a build takes in beside its source.
version: 1
materials:
  - name: node-24
    uri: docker-image://${NODE}
    digest: {sha256: ${now(NODE)}}
    use: {base-image: true}
`)
  expect(out.changes).toEqual([
    {
      name: 'node-24',
      uri: `docker-image://${NODE}`,
      algorithm: 'sha256',
      next: now(NODE),
      proof: 'pinned',
      added: true,
    },
  ])
  // A rule with signers needs no item; nobody asked what its tag is.
  expect(ports.asked).toEqual([NODE])
})

test('lockFiles() changes digests alone, told old and new, with what the new one rests on', async () => {
  const manifest = `version: 1
materials:
  # reviewed by bob
  - {name: node, uri: "docker-image://node:24", digest: {sha256: ${OLD}}, use: {base-image: true}} # kept
  - {name: base, uri: "docker-image://ghcr.io/acme/base:1", digest: {sha256: ${OLD}}, use: {build-context: base}}
  - {name: tool, uri: "https://example.com/tool", mirrors: ["https://example.com/m"], digest: {sha512: ${OLD}${OLD}}, use: {path: tool}}
  - {name: lib, uri: "git+https://example.com/lib@v1", digest: {gitCommit: ${'0f'.repeat(20)}}, use: {build-context: lib}}
`
  const ports = portsOf({ images: [NODE], signed: ['ghcr.io/acme/base:1'] })
  const out = await lockFiles(checkout('FROM node:24\nFROM base\nCOPY --from=0 / /\n', manifest), PATH, ports)
  expect(text(out.bytes)).toBe(
    manifest
      .replace(`24", digest: {sha256: ${OLD}`, `24", digest: {sha256: ${now(NODE)}`)
      .replace(`base:1", digest: {sha256: ${OLD}`, `base:1", digest: {sha256: ${now('ghcr.io/acme/base:1')}`)
      .replace(`${OLD}${OLD}`, now('https://example.com/tool').repeat(2))
      .replace('0f'.repeat(20), `"${'12'.repeat(20)}"`),
  )
  expect(
    out.changes.map(({ name, algorithm, old, proof, by }) => [name, algorithm, old?.slice(0, 4), proof, by]),
  ).toEqual([
    ['node', 'sha256', 'abab', 'pinned', undefined],
    ['base', 'sha256', 'abab', 'signed', 'alice@example.com'],
    ['tool', 'sha512', 'abab', 'pinned', undefined],
    ['lib', 'gitCommit', '0f0f', 'pinned', undefined],
  ])
  const shown = renderLock(out, 'written', { colour: false, columns: 80 })
  expect(shown).toContain('materials lock: 4 digests change\n')
  expect(shown).toContain(`sha256 abababababab → ${now(NODE).slice(0, 12)} (pinned: nobody signed it)`)
  expect(shown).toContain('(signed by alice@example.com)')
})

test('lockFiles() twice changes nothing the second time', async () => {
  const ports = portsOf({ images: [NODE] })
  const first = await lockFiles(checkout('FROM node:24\n'), PATH, ports)
  const second = await lockFiles(checkout('FROM node:24\n', text(first.bytes)), PATH, ports)
  expect([second.outcome, second.changes, second.bytes]).toEqual(['passed', [], undefined])
  expect(renderLock(second, 'checked', { colour: false })).toBe(`materials lock: ${PATH} is up to date\n`)
})

const ITEMS = `version: 1
materials:
  - {name: node, uri: "docker-image://node:24", digest: {sha256: ${OLD}}, use: {base-image: true}}
  - {name: tool, uri: "https://example.com/tool", digest: {sha256: ${OLD}}, verify: {minisign: {signature: "{uri}.minisig", key: carol}}, use: {path: tool}}
`

test.each([
  ['a signature that is wrong', { images: [NODE], refused: ['tool'] }, 'rejected', 'materials/signature-wrong'],
  ['a registry that does not answer', { images: [] }, 'unknown', 'registry/unreachable'],
] as const)('13-adversary 20: %s leaves the whole manifest as it is', async (_what, world, outcome, code) => {
  const out = await lockFiles(checkout('FROM node:24\n', ITEMS), PATH, portsOf(world))
  expect([out.outcome, out.bytes, out.changes]).toEqual([outcome, undefined, []])
  expect(out.failed.flatMap(({ findings }) => findings.map(finding => finding.code))).toEqual([code])
  expect(renderLock(out, 'written', { colour: false })).toContain('Nothing was written')
})

test('an image of the manifest that its signer did not sign is not locked', async () => {
  const manifest = `version: 1\nmaterials:\n  - {name: base, uri: "docker-image://ghcr.io/acme/base:1", digest: {sha256: ${OLD}}, use: {base-image: true}}\n`
  const out = await lockFiles(checkout('FROM scratch\n', manifest), PATH, portsOf({}))
  expect([out.outcome, out.bytes]).toEqual(['rejected', undefined])
})

test('13-adversary 39: an image that no rule matches is not asked about, and does not keep others from being locked', async () => {
  const ports = portsOf({ images: [NODE] })
  const out = await lockFiles(checkout('FROM quay.io/who/x:1\nFROM node:24\nCOPY --from=0 / /\n'), PATH, ports)
  expect(ports.asked).toEqual([NODE])
  expect([out.outcome, out.changes.length]).toEqual(['passed', 1])
})

test('what the Dockerfile pins itself gets no item, and an item beside it the same digest', async () => {
  const dockerfile = `FROM node:24@sha256:${'cd'.repeat(32)}\n`
  const ports = portsOf({ images: [NODE] })
  expect((await lockFiles(checkout(dockerfile), PATH, ports)).changes).toEqual([])
  const manifest = `version: 1\nmaterials:\n  - {name: node, uri: "docker-image://node:24", digest: {sha256: ${OLD}}, use: {base-image: true}}\n`
  const out = await lockFiles(checkout(dockerfile, manifest), PATH, ports)
  expect(out.changes.map(({ next }) => next)).toEqual(['cd'.repeat(32)])
  expect(ports.asked).toEqual([])
})

test('an image that only ONBUILD of another names gets an item, too', async () => {
  const ports = portsOf({
    images: [NODE, 'docker.io/library/certs:1'],
    onbuild: { 'node:24': 'docker.io/library/certs:1' },
  })
  const out = await lockFiles(checkout('FROM node:24\n'), PATH, ports)
  expect(out.changes.map(({ name }) => name)).toEqual(['node-24', 'certs-1'])
})

test('a name is asked for once, whatever fails', async () => {
  const ports = portsOf({ images: [] })
  const out = await lockFiles(checkout('FROM node:24\n'), PATH, ports)
  expect(ports.asked).toEqual([NODE])
  expect([out.outcome, out.failed.length]).toEqual(['unknown', 1])
})
