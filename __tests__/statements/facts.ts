import { type CommitId, type Digest, parseCommitId, parseDigest } from '../../src/core/digest.ts'
import type { RunClaims } from '../../src/statements/claims.ts'
import type { ProvenanceFacts } from '../../src/statements/provenance.ts'

export function digestOf(digit: string): Digest {
  return parseDigest(`sha256:${digit.repeat(64)}`)
}

export function commitOf(digit: string): CommitId {
  return parseCommitId(digit.repeat(40))
}

export const CLAIMS: RunClaims = {
  repository: 'acme/app',
  repository_id: '4711',
  repository_owner_id: '42',
  ref: 'refs/heads/main',
  sha: 'a'.repeat(40),
  job_workflow_ref: 'acme/app/.github/workflows/release.yml@refs/heads/main',
  workflow_ref: 'acme/app/.github/workflows/release.yml@refs/heads/main',
  event_name: 'push',
  runner_environment: 'github-hosted',
  run_id: '1000',
  run_attempt: '2',
}

/** A build by buildx of the token's own commit on a push; tests change one thing. */
export const FACTS: ProvenanceFacts = {
  subjects: [
    { name: 'ghcr.io/acme/app', digest: { sha256: '1'.repeat(64) } },
    { name: 'ghcr.io/acme/app#linux/amd64', digest: { sha256: '2'.repeat(64) } },
  ],
  builder: 'buildx',
  claims: CLAIMS,
  serverUrl: 'https://github.com',
  commit: { id: commitOf('a'), ref: 'refs/heads/main' },
  context: { gitTree: commitOf('b'), digest: digestOf('c') },
  source: { mode: 'enforce', verdict: 'passed' },
  materials: { mode: 'off', verdict: 'not-asked' },
  inputs: {
    context: '.',
    file: 'Dockerfile',
    platforms: ['linux/amd64'],
    buildArgs: [{ name: 'VERSION', value: '1.2.3' }, { name: 'MIRROR' }],
    labels: ['org.opencontainers.image.title'],
    sourceDateEpoch: 1_750_000_000,
  },
  resolvedMaterials: [
    { uri: 'pkg:docker/library/alpine@3', digest: { sha256: '4'.repeat(64) }, annotations: { verified: 'pinned' } },
  ],
  tools: [
    { name: 'buildx', version: 'v0.29.1', digest: digestOf('5') },
    { name: 'buildkit', version: 'v0.26.3' },
  ],
  waybillVersion: '0.1.0',
  startedOn: new Date('2026-05-01T10:00:00Z'),
  finishedOn: new Date('2026-05-01T10:01:30Z'),
  byproducts: [{ name: 'buildkit-provenance.json', digest: { sha256: '6'.repeat(64) } }],
}
