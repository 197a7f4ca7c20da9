import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleToJSON } from '@sigstore/bundle'
import { sha256 } from '../../src/core/digest.ts'
import { writeLayout } from '../fakes/layout.ts'
import { referenceBundle } from '../fakes/reference-signer.ts'
import type { CaseWorld, GateCase } from './gate-case-world.ts'
import type { GateBench } from './gate-support.ts'

const TYPE = 'https://in-toto.io/Statement/v1'
const SLSA = 'https://slsa.dev/provenance/v1'

const both = (flags: readonly string[]): readonly string[] => [...flags, '--require', 'signature,provenance']
const hex = (digest: string): string => digest.replace('sha256:', '')

/** A statement of the right signer that claims to be provenance. */
function statement(digests: readonly object[], predicateType = SLSA, predicate: object = {}): object {
  return { _type: TYPE, subject: digests.map((digest, at) => ({ name: `s${at}`, digest })), predicateType, predicate }
}

/** By the public client libraries: Waybill itself signs no such things. */
async function signedBy({ scenario }: GateBench, payload: object): Promise<Uint8Array> {
  const bundle = await referenceBundle(scenario.stack, { payload: JSON.stringify(payload) })
  return Buffer.from(JSON.stringify(bundleToJSON(bundle)))
}

function bundleOf(bytes: Uint8Array): { [key: string]: unknown } {
  return JSON.parse(Buffer.from(bytes).toString())
}

/** A row about one image with these bundles. */
function attached(
  group: string,
  given: string,
  expected: string,
  bundles: (world: CaseWorld) => readonly ((digest: string) => Uint8Array | Promise<Uint8Array>)[],
  flags: (world: CaseWorld) => readonly string[] = world => world.expected,
): GateCase {
  return {
    group,
    given,
    expected,
    run: async world => world.image(await world.signed(given, ...bundles(world)), flags(world)),
  }
}

const WHO = 'Who signed'

function identity(given: string, expected: string, change: (identity: string) => string): GateCase {
  const name = '--certificate-identity'
  return {
    group: WHO,
    given,
    expected,
    run: async world => {
      const right = world.expected[1] ?? ''
      return world.waybill(['verify', 'image', world.bench.reference, ...world.instead(name, change(right))])
    },
  }
}

const WHO_CASES: readonly GateCase[] = [
  identity('the right identity', '0', text => text),
  identity('expected with a suffix', '1 verify/identity-mismatch', text => `${text}-2`),
  identity('expected without its last letter', '1 verify/identity-mismatch', text => text.slice(0, -1)),
  identity('expected in another case', '1 verify/identity-mismatch', text => text.replace('acme/app', 'Acme/App')),
  identity('expected of a repository with a longer name', '1 verify/identity-mismatch', text =>
    text.replace('acme/app/', 'acme/app-2/'),
  ),
  identity('expected with a Cyrillic letter that looks the same', '3 policy/expectation-unclear', text =>
    text.replace('acme', 'аcme'),
  ),
  identity('expected of a tag, signed on a branch', '1 verify/identity-mismatch', text =>
    text.replace('refs/heads/', 'refs/tags/'),
  ),
  {
    group: WHO,
    given: 'the same name at another issuer',
    expected: '1 verify/issuer-mismatch',
    run: world =>
      world.waybill([
        ...['verify', 'image', world.bench.reference],
        ...world.instead('--certificate-oidc-issuer', 'https://token.actions.githubusercontent.com'),
      ]),
  },
  {
    group: WHO,
    given: 'a repository that was deleted and made again: other numbers',
    expected: '1 verify/repository-recreated',
    run: async ({ bench, image, expected }) => {
      const digest = await bench.image('made again')
      await bench.github.attach(digest, await bench.github.signature(digest, { repository_id: '666' }))
      const workflow = 'acme/app/.github/workflows/release.yml@refs/heads/main'
      return image(digest, [
        ...['--repository', 'acme/app', '--repository-id', '792829709', '--signer', workflow],
        ...['--source-ref', 'refs/heads/main', '--certificate-oidc-issuer', expected[3] ?? ''],
        ...['--trusted-root', expected[5] ?? ''],
      ])
    },
  },
  {
    group: WHO,
    given: 'nobody is named',
    expected: '3 policy/no-expectation',
    run: world => world.waybill(['verify', 'image', world.bench.reference]),
  },
]

const WHAT = 'What was signed'

const WHAT_CASES: readonly GateCase[] = [
  attached(
    WHAT,
    'signature and provenance',
    '0',
    ({ bench }) => [bench.here.signature, bench.here.provenance],
    world => both(world.expected),
  ),
  attached(
    WHAT,
    'the right signer, an SBOM in place of provenance',
    '1 verify/no-attestation',
    ({ bench }) => [digest => signedBy(bench, statement([{ sha256: hex(digest) }], 'https://spdx.dev/Document'))],
    world => [...world.expected, '--require', 'provenance'],
  ),
  attached(
    WHAT,
    'the right provenance of another image',
    '1 verify/no-attestation',
    ({ bench }) => [() => bench.here.provenance(`sha256:${'1'.repeat(64)}`)],
    world => [...world.expected, '--require', 'provenance'],
  ),
  attached(
    WHAT,
    'provenance by somebody else beside the right signature',
    '1 verify/identity-mismatch',
    ({ bench }) => [
      bench.here.signature,
      digest => bench.here.provenance(digest, { repository: 'mallory/app', repository_id: '666' }),
    ],
    world => both(world.expected),
  ),
  attached(WHAT, 'a statement without subjects', '1 verify/no-attestation', ({ bench }) => [
    () => signedBy(bench, statement([])),
  ]),
  attached(WHAT, 'the same subject twice', '0', ({ bench }) => [
    digest => signedBy(bench, statement([{ sha256: hex(digest) }, { sha256: hex(digest) }])),
  ]),
  attached(WHAT, 'a subject with SHA-1 only', '1 verify/no-attestation', ({ bench }) => [
    () => signedBy(bench, statement([{ sha1: 'a'.repeat(40) }])),
  ]),
  attached(WHAT, '100,000 subjects, the right one among them', '1 verify/no-attestation', ({ bench }) => [
    digest =>
      signedBy(
        bench,
        statement(
          Array.from({ length: 100_000 }, (_, n) => ({
            sha256: n === 0 ? hex(digest) : n.toString(16).padStart(8, '0'),
          })),
        ),
      ),
  ]),
  attached(WHAT, 'a predicate of 10 MB', '1 verify/no-attestation', ({ bench }) => [
    digest => signedBy(bench, statement([{ sha256: hex(digest) }], SLSA, { padding: 'x'.repeat(10 * 1024 * 1024) })),
  ]),
]

const BUNDLES = 'Bundles'

const BUNDLE_CASES: readonly GateCase[] = [
  attached(BUNDLES, 'none', '1 verify/no-attestation', () => []),
  attached(
    BUNDLES,
    'a good one and one with a changed byte',
    '0 sigstore/signature-invalid verify/bundles-ignored',
    ({ bench }) => [
      bench.here.signature,
      async digest =>
        Buffer.from(
          Buffer.from(await bench.here.signature(digest))
            .toString()
            .replace('"payload":"ey', '"payload":"fy'),
        ),
    ],
  ),
  attached(BUNDLES, 'a version that does not exist yet', '2 verify/incomplete', ({ bench }) => [
    async digest => {
      const mediaType = 'application/vnd.dev.sigstore.bundle.v0.9+json'
      return Buffer.from(JSON.stringify({ ...bundleOf(await bench.here.signature(digest)), mediaType }))
    },
  ]),
  attached(
    BUNDLES,
    'a certificate that expired, without any time that is trusted',
    '1 verify/no-attestation',
    ({ bench }) => [
      async digest => {
        const bundle = bundleOf(await bench.here.signature(digest)) as { verificationMaterial: Record<string, unknown> }
        const { tlogEntries: _, timestampVerificationData: __, ...material } = bundle.verificationMaterial
        return Buffer.from(JSON.stringify({ ...bundle, verificationMaterial: { ...material, tlogEntries: [] } }))
      },
    ],
  ),
  {
    group: BUNDLES,
    given: 'an entry of a log that the trust root does not name',
    expected: '1 verify/no-attestation',
    run: async world => {
      const root = structuredClone(world.bench.scenario.stack.trustedRoot) as { tlogs: { logId: { keyId: string } }[] }
      for (const log of root.tlogs) log.logId.keyId = Buffer.from('another log'.padEnd(32)).toString('base64')
      const path = world.file('other-log.json', JSON.stringify(root))
      return world.waybill(['verify', 'image', world.bench.reference, ...world.instead('--trusted-root', path)])
    },
  },
  attached(
    BUNDLES,
    '100 planted ones beside the right one',
    '0 sigstore/bundle-malformed verify/bundles-ignored',
    ({ bench }) => [
      bench.here.signature,
      ...Array.from({ length: 100 }, (_, n) => () => Buffer.from(JSON.stringify({ planted: n }))),
    ],
  ),
  attached(BUNDLES, '300 planted ones and no right one', '2 verify/incomplete', () =>
    Array.from({ length: 300 }, (_, n) => () => Buffer.from(JSON.stringify({ planted: n }))),
  ),
  {
    group: BUNDLES,
    given: 'a list of referrers that answers 500',
    expected: '2 verify/incomplete',
    run: async ({ bench, image }) => {
      const { faults } = bench.scenario.stack.registry
      const digest = await bench.image('referrers fail')
      let failing = true
      faults.hook(({ path }) => (failing && path.includes('/referrers/') ? { status: 500 } : undefined))
      const got = await image(digest)
      failing = false
      return got
    },
  },
  {
    group: BUNDLES,
    given: 'one platform of two is signed, the index is asked for',
    expected: '1 verify/platform-unproven',
    run: async ({ bench, image }) => {
      const platforms = ['linux/amd64', 'linux/arm64']
      const layout = writeLayout(join(bench.scenario.stack.folder, 'half'), { content: 'half', platforms })
      const digest = await bench.here.push(layout.folder)
      const [child = ''] = layout.children
      await bench.here.attach(child, await bench.here.signature(child))
      return image(digest)
    },
  },
]

const NAMES = 'Names'

function reference(given: string, expected: string, text: (host: string, digest: string) => string): GateCase {
  return {
    group: NAMES,
    given,
    expected,
    run: ({ bench, waybill, expected: flags }) => {
      const { host } = bench.scenario.stack.registry
      return waybill(['verify', 'image', text(host, bench.published.outputs.digest ?? ''), ...flags])
    },
  }
}

const NAME_CASES: readonly GateCase[] = [
  reference(
    'port, tag and digest together: the digest decides',
    '0',
    (host, digest) => `${host}/acme/app:nonsense@${digest}`,
  ),
  reference('a tag', '0', host => `${host}/acme/app:v1`),
  reference('upper case in the repository', '3 registry/reference-malformed', host => `${host}/Acme/app:v1`),
  reference('a digest that is too short', '3 registry/reference-malformed', host => `${host}/acme/app@sha256:12`),
  reference(
    'a digest of SHA-512',
    '3 registry/reference-malformed',
    host => `${host}/acme/app@sha512:${'a'.repeat(128)}`,
  ),
  reference('a host with letters of another script', '3 registry/reference-malformed', () => 'аcme.example/app:v1'),
  reference(
    'a number as host, which a URL reads as an address',
    '3 registry/reference-malformed',
    host => `2130706433:${host.split(':')[1]}/acme/app:v1`,
  ),
  reference('a URL', '3 registry/reference-malformed', host => `http://${host}/acme/app:v1`),
  reference('a registry that does not answer', '2 registry/unreachable', () => '127.0.0.1:1/acme/app:v1'),
]

const MANIFESTS = 'Manifests'
const pod = (image: string): string => `apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: ${image}}]}\n`

function manifest(given: string, expected: string, text: (reference: string) => string): GateCase {
  return {
    group: MANIFESTS,
    given,
    expected,
    run: async ({ bench, waybill, expected: flags }) => {
      const host = bench.scenario.stack.registry.host
      const args = ['verify', 'manifest', '-', ...flags, '--insecure-registry', host]
      return waybill(args, { stdin: text(bench.reference) })
    },
  }
}

const MANIFEST_CASES: readonly GateCase[] = [
  manifest('one image', '0', pod),
  manifest('10,000 documents with the same image', '0', image => Array(10_000).fill(pod(image)).join('---\n')),
  manifest('10,001 documents', '2 verify/manifest-unreadable', image => Array(10_001).fill(pod(image)).join('---\n')),
  manifest('a template that was not filled in', '2 verify/unexamined-image', () => pod('"{{ .Values.image }}"')),
  manifest(
    'an image behind an anchor',
    '0',
    image => `${pod(`&image ${image}`).replace('}]}', '}, {name: b, image: *image}]}')}`,
  ),
  manifest('an alias bomb', '2 verify/manifest-unreadable', () => {
    const lines = Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`)
    return `a0: &a0 [x, x]\n${lines.join('\n')}\n`
  }),
  manifest('a key that stands twice', '2 verify/manifest-unreadable', image => `${pod(image)}kind: Pod\n`),
  manifest(
    'an image in a custom resource, without a tag',
    '2 verify/unexamined-image',
    () => 'apiVersion: acme.example/v1\nkind: App\nspec: {image: ghcr.io/acme/app}\n',
  ),
  manifest(
    'a container that names no image',
    '2 verify/unexamined-image',
    () => 'apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a}]}\n',
  ),
  manifest('nothing', '2 verify/manifest-empty', () => ''),
]

const FILES = 'Files'

const FILE_CASES: readonly GateCase[] = [
  {
    group: FILES,
    given: 'the bundle beside it',
    expected: '0',
    run: async world => signedFile(world, 'good.bin', 'good'),
  },
  {
    group: FILES,
    given: 'changed after it was signed',
    expected: '1 verify/digest-mismatch verify/no-attestation',
    run: async world => signedFile(world, 'changed.bin', 'changed', 'original'),
  },
  {
    group: FILES,
    given: 'a symbolic link to a signed file',
    expected: '3 verify/file-not-plain',
    run: async world => {
      await signedFile(world, 'target.bin', 'target')
      symlinkSync('target.bin', join(world.folder, 'link.bin'))
      return world.waybill(['verify', 'file', 'link.bin', ...world.expected])
    },
  },
  {
    group: FILES,
    given: 'written to while it is hashed',
    expected: '2 verify/file-changed',
    run: async world => {
      const path = world.file('growing.bin', Buffer.alloc(64 * 1024 * 1024))
      // In the same process and event loop, so that it happens between two pieces for certain.
      const preload = world.file(
        'grow.cjs',
        `setInterval(() => require('node:fs').appendFileSync(${JSON.stringify(path)}, 'x'), 1).unref()`,
      )
      return world.waybill(['verify', 'file', 'growing.bin', ...world.expected], { preload })
    },
  },
  {
    group: FILES,
    given: 'a pattern that matches nothing',
    expected: '3 verify/no-files',
    run: world => world.waybill(['verify', 'file', 'none/*.bin', ...world.expected]),
  },
]

async function signedFile(world: CaseWorld, name: string, content: string, about = content): Promise<string> {
  world.file(name, content)
  world.file(`${name}.sigstore.json`, await world.bench.here.signature(sha256(about)))
  return world.waybill(['verify', 'file', name, ...world.expected])
}

const POLICIES = 'Policies'

function policy(given: string, expected: string, text: (world: CaseWorld) => string | undefined): GateCase {
  return {
    group: POLICIES,
    given,
    expected,
    run: world => {
      world.file('policy/trust/root.json', JSON.stringify(world.bench.scenario.stack.trustedRoot))
      world.file('policy/waybill.yml', world.bench.policy(text(world)))
      return world.waybill(['verify', 'image', world.bench.reference, '--policy', 'policy/waybill.yml'])
    },
  }
}

const POLICY_CASES: readonly GateCase[] = [
  policy('a rule for it', '0', () => undefined),
  policy('no rule for it', '1 policy/no-rule', () => 'deploy: [{ match: ["ghcr.io/**"], deny: true }]\n'),
  policy('a rule that denies it', '1 policy/denied', () => 'deploy: [{ match: ["127.0.0.1:*/**"], deny: true }]\n'),
  policy('its digest is in quarantine', '1 verify/quarantined', ({ bench }) => {
    const digest = bench.published.outputs.digest ?? ''
    const rules = /deploy:[\s\S]*/.exec(bench.policy())?.[0] ?? ''
    return `quarantined: [{ digest: "${digest}", reason: "an exercise", since: 2026-05-02 }]\n${rules}`
  }),
  policy('a word that this version does not know', '3 policy/unsupported', () => 'deplyo: []\n'),
]

const KEPT = 'Judged again (`--replay`)'

function replay(
  given: string,
  expected: string,
  change: (folder: string) => void,
  flags?: (world: CaseWorld) => readonly string[],
): GateCase {
  return {
    group: KEPT,
    given,
    expected,
    run: async world => {
      const name = `kept-${given.replace(/\W+/g, '-')}`
      world.file('policy/trust/root.json', JSON.stringify(world.bench.scenario.stack.trustedRoot))
      world.file('policy/waybill.yml', world.bench.policy())
      const own = ['--policy', 'policy/waybill.yml']
      const first = await world.waybill(['verify', 'image', world.bench.reference, ...own, '--out', name])
      if (!first.startsWith('0')) throw new Error(`nothing was kept: ${first}`)
      change(join(world.folder, name))
      const args = ['verify', 'image', world.bench.reference, '--replay', name]
      return world.waybill([...args, ...(flags?.(world) ?? own)])
    },
  }
}

/** One character of a file of the folder becomes another one. */
function flip(folder: string): void {
  const [name = ''] = readdirSync(folder)
  const path = join(folder, name)
  const bytes = readFileSync(path)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

const KEPT_CASES: readonly GateCase[] = [
  replay('under the caller’s policy', '0', () => {}),
  replay('with one changed byte in a bundle', '1 pipeline/kept-changed', folder => flip(join(folder, 'bundles'))),
  replay('with another policy put in', '1 pipeline/kept-changed', folder =>
    writeFileSync(join(folder, 'policy/waybill.yml'), 'version: 1\n'),
  ),
  replay('with one more file', '1 pipeline/kept-malformed', folder => writeFileSync(join(folder, 'more.json'), '{}')),
  replay(
    'a folder of anybody, under its own policy',
    '2 pipeline/as-recorded',
    () => {},
    () => [],
  ),
  replay(
    'under another identity',
    '1 verify/identity-mismatch',
    () => {},
    world => world.instead('--certificate-identity', 'https://github.com/mallory'),
  ),
]

export const GATE_CASES: readonly GateCase[] = [
  ...WHO_CASES,
  ...WHAT_CASES,
  ...BUNDLE_CASES,
  ...NAME_CASES,
  ...MANIFEST_CASES,
  ...FILE_CASES,
  ...POLICY_CASES,
  ...KEPT_CASES,
]
