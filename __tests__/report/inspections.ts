import { createHash } from 'node:crypto'
import { type Digest, parseDigest } from '../../src/core/digest.ts'
import type { InspectedCommit, InspectedNode, Inspection } from '../../src/report/inspection.ts'

export const digestOf = (digit: string): Digest => parseDigest(`sha256:${digit.repeat(64)}`)
const RUN = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main'
const BY = `${RUN} of https://github.com/acme/app (https://token.actions.githubusercontent.com)`
const POLICY = 'git+https://github.com/acme/app#.github/waybill.yml'

/** So many commits, of alice and bob in turn. */
export function commitsOf(count: number, from = 0): readonly InspectedCommit[] {
  return Array.from({ length: count }, (_, at) => ({
    id: createHash('sha1')
      .update(`commit ${at + from}`)
      .digest('hex'),
    kind: at % 3 === 0 ? 'openpgp' : 'ssh',
    basis: 'signed',
    principal: at % 2 === 0 ? 'alice' : 'bob',
    key: at % 3 === 0 ? '3D5E07B2AAAABBBBCCCCDDDDEEEEFFFF00001111' : `SHA256:${'k'.repeat(43)}`,
    ...(at % 4 === 0 ? { reviewedBy: ['carol'] } : {}),
  }))
}

interface Choice {
  readonly commits?: readonly InspectedCommit[]
  readonly digit?: string
  readonly base?: string
  readonly standing?: 'verified' | 'seen'
  readonly name?: string
}

/** An image with everything: two platforms, signature, provenance, source, materials, deploy summary. */
export function inspectionOf(choice: Choice = {}): Inspection {
  const { commits = commitsOf(6), digit = '1', base = '7', standing = 'seen', name = 'ghcr.io/acme/app:v1' } = choice
  const digest = digestOf(digit)
  const commit = commits.at(-1)?.id ?? ''
  const materials = [
    {
      name: 'docker.io/library/node:24-slim',
      uri: `pkg:docker/node@24-slim?digest=${digestOf(base)}`,
      digest: digestOf(base),
      claims: [],
    },
    { name: 'https://example.com/data.tar.gz', digest: digestOf('8'), claims: [] },
  ]
  const signed = (bundle: string) => ({
    standing,
    about: digest,
    by: BY,
    signedAt: '2026-03-01T12:00:00.000Z',
    log: { url: 'https://rekor.sigstore.dev', index: '123456789' },
    bundle: digestOf(bundle),
  })
  const detail: InspectedNode = {
    ...signed('c'),
    what: 'source-detail',
    about: commit,
    facts: [
      { name: 'anchor', value: commits[0]?.id ?? '' },
      { name: 'commits judged', value: String(commits.length) },
      { name: 'signers', value: 'alice, bob' },
    ],
    commits,
    below: [],
  }
  const source: InspectedNode = {
    ...signed('b'),
    what: 'source',
    about: commit,
    facts: [
      { name: 'result claimed', value: 'PASSED' },
      { name: 'levels', value: 'SLSA_SOURCE_LEVEL_UNEVALUATED, ORG_SOURCE_COMMITS_SIGNED, ORG_SOURCE_REVIEWED' },
      { name: 'policy', value: POLICY },
    ],
    below: [detail],
  }
  const provenance: InspectedNode = {
    ...signed('a'),
    what: 'provenance',
    facts: [
      { name: 'builder', value: RUN },
      { name: 'made by', value: 'buildx' },
      { name: 'run', value: 'https://github.com/acme/app/actions/runs/17/attempts/1' },
    ],
    below: [
      {
        what: 'commit',
        standing: standing === 'verified' ? 'verified' : 'claimed',
        about: commit,
        by: BY,
        facts: [{ name: 'repository', value: 'git+https://github.com/acme/app@refs/heads/main' }],
        below: [source],
      },
      { what: 'materials', standing: 'claimed', by: BY, facts: [], materials, below: [] },
      {
        ...signed('e'),
        what: 'materials-claims',
        facts: [{ name: 'BASE_IMAGE_SIGNATURE_VERIFIED', value: 'docker.io/library/node:24-slim' }],
        below: [],
      },
    ],
  }
  const platforms = [
    { platform: 'linux/amd64', digest: digestOf('2'), size: 31_000_000 },
    { platform: 'linux/arm64', digest: digestOf('3'), size: 29_500_000 },
  ]
  return {
    name,
    digest,
    kind: 'index',
    platforms,
    labels: [{ from: 'label', name: 'org.opencontainers.image.source', value: 'https://github.com/acme/app' }],
    chain: {
      what: 'image',
      standing: 'held',
      about: digest,
      facts: [],
      below: [
        ...platforms.map(item => ({
          what: 'platform' as const,
          standing: 'held' as const,
          about: item.digest,
          facts: [{ name: 'platform', value: item.platform }],
          below: [],
        })),
        { ...signed('9'), what: 'signature', facts: [], below: [] },
        provenance,
        { what: 'deploy', standing: 'missing', facts: [], below: [] },
        { what: 'quarantine', standing: 'missing', facts: [], below: [] },
      ],
    },
    origin: {
      standing,
      by: BY,
      builder: RUN,
      buildType: 'https://actions.github.io/buildtypes/workflow/v1',
      repository: 'git+https://github.com/acme/app',
      commit,
      materials,
      source: {
        standing,
        by: BY,
        policy: { uri: POLICY, digest: digestOf('4'), anchor: commits[0]?.id ?? '' },
        commits,
        count: commits.length,
      },
    },
    stories: 1,
    ignored: [],
    complete: true,
    trust: 'the public Sigstore instance',
  }
}

export const SEEN = inspectionOf()

export const PASSED: Inspection = {
  ...inspectionOf({ standing: 'verified' }),
  expected: 'signature, provenance, source-signed by a run of acme/app (rule ghcr.io/acme/**)',
  gate: {
    name: 'ghcr.io/acme/app:v1',
    digest: digestOf('1'),
    verdict: 'passed',
    basis: 'signed',
    by: BY,
    findings: [],
  },
}

/** Somebody else signed it, and a bundle is broken. */
export const REFUSED: Inspection = {
  ...SEEN,
  chain: {
    ...SEEN.chain,
    below: [
      {
        what: 'signature',
        standing: 'refused',
        about: digestOf('1'),
        by: 'https://github.com/mallory/app/.github/workflows/release.yml@refs/heads/main of https://github.com/mallory/app (https://token.actions.githubusercontent.com)',
        signedAt: '2026-03-01T12:00:00.000Z',
        bundle: digestOf('9'),
        facts: [],
        below: [],
      },
      { what: 'provenance', standing: 'missing', facts: [], below: [] },
      { what: 'deploy', standing: 'missing', facts: [], below: [] },
      { what: 'quarantine', standing: 'missing', facts: [], below: [] },
    ],
  },
  origin: undefined as never,
  stories: 0,
  expected: 'signature, provenance by a run of acme/app (rule ghcr.io/acme/**)',
  gate: {
    name: 'ghcr.io/acme/app:v1',
    digest: digestOf('1'),
    verdict: 'rejected',
    findings: [
      {
        code: 'verify/repository-mismatch',
        severity: 'reject',
        subject: 'ghcr.io/acme/app:v1',
        message: 'The repository is not the expected one',
        expected: 'https://github.com/acme/app',
        found: 'https://github.com/mallory/app',
        remedy: 'Deploy an image that your own workflow signed.',
      },
    ],
  },
  ignored: [
    {
      code: 'sigstore/bundle-malformed',
      severity: 'note',
      subject: digestOf('f'),
      message: 'The bundle is malformed',
      expected: 'a Sigstore bundle',
      found: 'nothing that parses',
      remedy: 'Nothing rests on it.',
    },
  ],
}

/** One text in every field that comes from outside. */
export function hostileInspection(text: string): Inspection {
  const node = (what: InspectedNode['what'], below: readonly InspectedNode[] = []): InspectedNode => ({
    what,
    standing: 'seen',
    about: text,
    by: text,
    signedAt: text,
    log: { url: text, index: text },
    facts: [
      { name: text, value: text },
      { name: 'run', value: text },
      { name: 'repository', value: text },
    ],
    materials: [{ name: text, uri: text, digest: text, claims: [text] }],
    commits: [{ id: text, kind: text, basis: text, principal: text, key: text, reviewedBy: [text] }],
    below,
  })
  const whats = ['signature', 'commit', 'materials', 'sbom', 'deploy', 'quarantine', 'statement', 'platform'] as const
  const commit = { id: text, kind: text, basis: text, principal: text, key: text, reviewedBy: [text] }
  return {
    ...SEEN,
    name: text,
    platforms: [{ platform: text, digest: digestOf('2'), size: 1 }],
    labels: [
      { from: 'label', name: text, value: text },
      { from: 'annotation', name: text, value: text },
    ],
    chain: node('image', [
      node('provenance', [node('source', [node('source-detail')])]),
      ...whats.map(what => node(what)),
    ]),
    origin: {
      standing: 'seen',
      by: text,
      builder: text,
      buildType: text,
      repository: text,
      commit: text,
      materials: [{ name: text, uri: text, digest: text, claims: [text] }],
      source: {
        standing: 'seen',
        by: text,
        policy: { uri: text, digest: text, anchor: text },
        commits: [commit],
        count: 1,
      },
    },
    ignored: [
      {
        code: 'sigstore/bundle-malformed',
        severity: 'note',
        subject: text,
        message: text,
        expected: text,
        found: text,
        remedy: text,
      },
    ],
    trust: text,
    expected: text,
    gate: {
      name: text,
      digest: text,
      verdict: 'rejected',
      findings: [
        {
          code: 'verify/repository-mismatch',
          severity: 'reject',
          subject: text,
          message: text,
          expected: text,
          found: text,
          remedy: text,
        },
      ],
    },
  }
}
