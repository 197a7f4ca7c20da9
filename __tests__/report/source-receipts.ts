import type { Receipt, SubjectReceipt } from '../../src/report/receipt.ts'
import { digest, REJECTED, RELEASE, without } from './receipts.ts'

const commit = (digit: string, more: Partial<SubjectReceipt>): SubjectReceipt => ({
  name: digit.repeat(7),
  digest: digit.repeat(40),
  verdict: 'passed',
  findings: [],
  kind: 'ssh',
  ...more,
})

const ALICE = commit('a', {
  basis: 'signed',
  principal: 'alice',
  githubId: 1_234_567,
  key: 'SHA256:s55hmRDFzNzGh06KUv6Qpz4gLxFteUARQ2T9Evn9c5M',
  title: 'Add the login page',
  author: 'Alice',
})

const JUDGED = {
  repository: 'https://github.com/acme/app',
  ref: 'refs/heads/main',
  commit: 'a'.repeat(40),
  levels: ['ORG_SOURCE_COMMITS_SIGNED'],
} as const

/** A pull request that names a new maintainer, lowers the bar for reviews and stops judging; built, not signed. */
const LOOSENED: Receipt = {
  ...without(RELEASE, 'identity', 'image'),
  subjects: [ALICE],
  attestations: [],
  source: JUDGED,
  notices: ['A pull request is never signed'],
  ruleChanges: [
    {
      commit: 'a'.repeat(40),
      accepted: false,
      proposed: true,
      kind: 'policy',
      paths: ['.github/keys/mallory.asc', '.github/waybill.yml', '.github/workflows/ci.yml'],
      lines: [
        { how: 'removed', what: 'role', text: '@maintainers: alice, bob', loosens: false },
        { how: 'removed', what: 'source-rule', text: 'refs/heads/main: 2 approvals by alice, bob', loosens: false },
        { how: 'added', what: 'principal', text: 'mallory', loosens: false },
        {
          how: 'added',
          what: 'principal',
          text: 'mallory: openpgp key 3D5E07B2AAAABBBBCCCCDDDDEEEEFFFF00001111',
          loosens: true,
        },
        { how: 'added', what: 'role', text: '@maintainers: alice, bob, mallory', loosens: true },
        { how: 'added', what: 'source-rule', text: 'refs/heads/main: 1 approvals by alice, bob', loosens: true },
        { how: 'added', what: 'workflow', text: '.github/workflows/ci.yml: source-mode: off', loosens: true },
      ],
    },
  ],
}

/** A push with a merge, a squash and reviews, and a policy that was changed some time ago. */
const DERIVED: Receipt = {
  ...RELEASE,
  subjects: [
    ALICE,
    commit('b', {
      kind: 'openpgp',
      basis: 'derived',
      principal: 'bob',
      key: '968479A1AFF927E37D1A566BB5690EEEBB952194',
      title: 'Merge pull request #12 from acme/login',
      author: 'Bob',
      derivedFrom: { pull: 12, head: 'a'.repeat(40), commits: ['a'.repeat(40)] },
      review: {
        enough: true,
        label: 'platform-recorded',
        by: ['bob', 'carol'],
        head: 'a'.repeat(40),
        pull: 12,
        statements: [],
        earlier: true,
      },
      trustedTime: { time: '2026-05-02T08:00:00.000Z', from: 'platform' },
    }),
    commit('c', {
      basis: 'signed',
      principal: 'alice',
      key: 'SHA256:s55hmRDFzNzGh06KUv6Qpz4gLxFteUARQ2T9Evn9c5M',
      title: 'Let carol commit',
      author: 'Alice',
      review: {
        enough: true,
        label: 'signed-by-reviewer',
        by: ['bob'],
        head: 'c'.repeat(40),
        statements: [digest('5')],
      },
    }),
    ...RELEASE.subjects.slice(2),
  ],
  source: { ...JUDGED, commit: 'b'.repeat(40), levels: ['ORG_SOURCE_COMMITS_SIGNED', 'ORG_SOURCE_REVIEWED'] },
  notChecked: ['Base images: no rule asks for it'],
  ruleChanges: [
    {
      commit: 'c'.repeat(40),
      title: 'Let carol commit',
      accepted: true,
      by: 'alice',
      kind: 'policy',
      paths: ['.github/waybill.yml'],
      lines: [
        { how: 'removed', what: 'role', text: '@developers: alice, bob', loosens: false },
        { how: 'added', what: 'role', text: '@developers: alice, bob, carol', loosens: true },
      ],
    },
  ],
}

/** A release on a signed tag. */
const TAG: Receipt = {
  ...RELEASE,
  subjects: [
    {
      ...ALICE,
      name: 'v1.2.3',
      digest: 'e'.repeat(40),
      title: 'Tag v1.2.3',
      ref: 'refs/tags/v1.2.3',
    },
    ALICE,
    ...RELEASE.subjects.slice(2),
  ],
  source: { ...JUDGED, ref: 'refs/tags/v1.2.3' },
}

const UNASKED = {
  code: 'source/platform-evidence-missing',
  message: 'Whether commit bbbbbbb "Merge pull request #12" is what a merged pull request became could not be asked',
  found: 'no usable answer from the platform',
  remedy: 'Run again. If it stays, check that the token may read contents and pull-requests.',
} as const

/** The platform did not answer: what rests on its word is neither passed nor rejected. */
const UNANSWERED: Receipt = {
  ...REJECTED,
  verdict: 'unknown',
  subjects: [
    ALICE,
    commit('b', {
      kind: 'openpgp',
      verdict: 'unknown',
      key: '968479A1AFF927E37D1A566BB5690EEEBB952194',
      title: 'Merge pull request #12 from acme/login',
      author: 'Bob',
      review: { enough: false, label: 'none', by: [], statements: [] },
      findings: [{ ...UNASKED, severity: 'note', subject: 'b'.repeat(40) }],
    }),
  ],
  stages: REJECTED.stages.map(stage => (stage.name === 'source' ? { ...stage, state: 'unknown' } : stage)),
  source: without(JUDGED, 'levels'),
  error: UNASKED,
}

export const SOURCE_RECEIPTS = { loosened: LOOSENED, derived: DERIVED, tag: TAG, unanswered: UNANSWERED }
