import { identityDigest } from '../../src/policy/revocation.ts'
import type { SourceDetail } from '../../src/statements/source-detail.ts'
import type { SourceSubject, SourceSummaryFacts } from '../../src/statements/source-vsa.ts'
import { commitOf, digestOf } from './facts.ts'

export const SUBJECT: SourceSubject = {
  serverUrl: 'https://github.com',
  repository: 'acme/app',
  commit: commitOf('d'),
}

export const POLICY = { uri: 'git+https://github.com/acme/app#.github/waybill.yml', digest: digestOf('7') }

/** Three commits since the anchor: alice signs, bob's branch is merged, alice and carol have reviewed it. */
export const DETAIL: SourceDetail = {
  range: { anchor: commitOf('a'), to: commitOf('d'), count: 3 },
  law: { at: commitOf('a'), gitTree: commitOf('e'), policy: POLICY },
  mode: 'enforce',
  inputs: { sourceMode: 'auto', since: commitOf('a') },
  engines: { waybill: '0.1.0', node: '24.15.0', openssl: '3.5.4', git: '2.51.0', openpgp: '6.3.1' },
  keys: [
    {
      fingerprint: 'SHA256:Yt0KyOVwMWNHPO9pVAUJIoTE5mZXo8cVYZ0pJmqOn1o',
      principal: 'alice',
      first: commitOf('b'),
      last: commitOf('d'),
      commits: 2,
    },
    {
      fingerprint: '5E07B2C4A1D93F6085BE7C2419F3AD6650814E2B',
      primary: '3D5E07B2C4A1D93F6085BE7C2419F3AD6650814E',
      principal: 'bob',
      first: commitOf('c'),
      firstTime: new Date('2026-04-30T08:00:00.000Z'),
      last: commitOf('c'),
      lastTime: new Date('2026-04-30T08:00:00.000Z'),
      timesFrom: ['platform'],
      commits: 1,
    },
    {
      fingerprint: identityDigest('carol@example.com', 'https://github.com/login/oauth'),
      kind: 'gitsign',
      principal: 'carol',
      first: commitOf('d'),
      firstTime: new Date('2026-04-30T09:00:00.000Z'),
      last: commitOf('d'),
      lastTime: new Date('2026-04-30T09:00:00.000Z'),
      timesFrom: ['log'],
      commits: 0,
    },
  ],
  exceptions: [],
  commits: [
    {
      gitCommit: commitOf('b'),
      kind: 'ssh',
      key: 'SHA256:Yt0KyOVwMWNHPO9pVAUJIoTE5mZXo8cVYZ0pJmqOn1o',
      principal: 'alice',
      githubId: 1001,
      basis: 'signed',
    },
    {
      gitCommit: commitOf('c'),
      kind: 'openpgp',
      key: '5E07B2C4A1D93F6085BE7C2419F3AD6650814E2B',
      principal: 'bob',
      basis: 'signed',
      via: commitOf('d'),
    },
    {
      gitCommit: commitOf('d'),
      kind: 'ssh',
      key: 'SHA256:Yt0KyOVwMWNHPO9pVAUJIoTE5mZXo8cVYZ0pJmqOn1o',
      principal: 'alice',
      githubId: 1001,
      basis: 'signed',
    },
  ],
  reviews: [
    {
      commit: commitOf('d'),
      label: 'platform-recorded',
      by: ['alice', 'carol'],
      head: commitOf('c'),
      pull: 17,
      statements: [digestOf('9')],
      keys: [identityDigest('carol@example.com', 'https://github.com/login/oauth')],
    },
  ],
}

export const SUMMARY: SourceSummaryFacts = {
  ...SUBJECT,
  refs: ['refs/heads/main'],
  waybillVersion: '0.1.0',
  verifiedAt: new Date('2026-05-01T10:00:00.000Z'),
  policy: POLICY,
  detail: digestOf('8'),
  reviews: [{ uri: `git+https://github.com/acme/app@refs/waybill/reviews/${'c'.repeat(40)}`, digest: digestOf('9') }],
  level: 'ORG_SOURCE_COMMITS_SIGNED',
  reviewed: true,
}
