import type { DeploySummaryFacts } from '../../src/statements/deploy-vsa.ts'
import type { ScaiClaim, ScaiResource } from '../../src/statements/scai.ts'
import { PROVENANCE_PREDICATE, type Subject } from '../../src/statements/statement.ts'
import { digestOf } from './facts.ts'

const resource = (digit: string, more: Partial<ScaiResource> = {}): ScaiResource => ({
  ...more,
  digest: { sha256: digit.repeat(64) },
})

export const SCAI_SUBJECTS: readonly [Subject, ...Subject[]] = [
  { name: 'ghcr.io/acme/app', digest: { sha256: '1'.repeat(64) } },
]

/** A base image and a download, both signed by whom the policy names, in a build that was closed off. */
export const CLAIMS: readonly ScaiClaim[] = [
  {
    attribute: 'BASE_IMAGE_SIGNATURE_VERIFIED',
    target: resource('2', { uri: 'docker-image://ghcr.io/acme/base:1' }),
    keys: 'policy',
    evidence: resource('3'),
  },
  {
    attribute: 'MATERIAL_DIGEST_VERIFIED',
    target: resource('4', { name: 'tini', uri: 'https://example.com/tini-amd64' }),
  },
  {
    attribute: 'MATERIAL_SIGNATURE_VERIFIED',
    target: resource('4', { name: 'tini', uri: 'https://example.com/tini-amd64' }),
    keys: 'policy',
    evidence: resource('5'),
  },
  { attribute: 'BASE_IMAGES_DECLARED', evidence: resource('6') },
  {
    attribute: 'BUILD_SOURCES_CLOSED_WORLD',
    conditions: { builder: 'fresh', cache: 'none', network: 'none' },
    evidence: resource('7'),
  },
  { attribute: 'REPRODUCIBLE', evidence: resource('8') },
]

export const DEPLOY: DeploySummaryFacts = {
  digests: [digestOf('1')],
  verifierId: 'https://github.com/acme/app/.github/workflows/deploy.yml@refs/heads/main',
  resource: 'ghcr.io/acme/app',
  environment: 'production',
  policy: { uri: 'git+https://github.com/acme/app#.github/waybill.yml', digest: digestOf('7') },
  inputs: [
    { uri: PROVENANCE_PREDICATE, digest: digestOf('a') },
    { uri: 'https://slsa.dev/verification_summary/v1', digest: digestOf('b') },
  ],
  verifiedAt: new Date('2026-05-02T10:00:00.000Z'),
  waybillVersion: '0.1.0',
  sourceLevels: ['ORG_SOURCE_COMMITS_SIGNED', 'ORG_SOURCE_REVIEWED'],
  run: {
    repository: 'acme/app',
    repositoryId: '4711',
    ownerId: '1234',
    ref: 'refs/heads/main',
    eventName: 'push',
    runnerEnvironment: 'github-hosted',
    environment: 'production',
  },
}
