import type { Finding } from '../../src/core/verdict.ts'
import type { ChainLink } from '../../src/policy/chain.ts'
import type { Receipt, SubjectReceipt } from '../../src/report/receipt.ts'
import { digest } from './receipts.ts'

const WORKFLOW = 'https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.2.3'
const LOG = { url: 'https://rekor.sigstore.dev', index: '123456' }

const link = (more: Partial<ChainLink> & Pick<ChainLink, 'link'>): ChainLink => ({
  state: 'passed',
  below: [],
  ...more,
})

/** Image → provenance → commit → source summary → detail, and a signature beside it. */
export const CHAIN: readonly ChainLink[] = [
  link({ link: 'signature', digest: digest('1'), by: WORKFLOW, signedAt: '2026-05-02T10:00:00Z', log: LOG }),
  link({
    link: 'provenance',
    digest: digest('1'),
    by: WORKFLOW,
    signedAt: '2026-05-02T10:00:01Z',
    bundle: digest('b'),
    below: [
      link({
        link: 'commit',
        digest: 'a'.repeat(40),
        below: [
          link({
            link: 'source',
            by: 'https://github.com/acme/policies/.github/workflows/source.yml@refs/heads/main',
            signedAt: '2026-05-02T09:58:00Z',
            below: [link({ link: 'source-detail', digest: digest('d') })],
          }),
        ],
      }),
      link({ link: 'materials', state: 'not-asked' }),
    ],
  }),
]

const reject = (subject: string, more: Partial<Finding> = {}): Finding => ({
  code: 'verify/no-attestation',
  severity: 'reject',
  subject,
  message: `No signature of ${subject} is by whom the rule expects`,
  expected: `signature by ${WORKFLOW}`,
  found: 'no bundle',
  remedy: 'Check that the digest is the one the pipeline published.',
  ...more,
})

const GATE: Receipt = {
  schemaVersion: 1,
  command: 'verify manifest',
  verdict: 'passed',
  subjects: [],
  stages: [{ name: 'judge', state: 'passed', ms: 812 }],
  attestations: [],
  policy: { uri: 'git+https://github.com/acme/deploy#.github/waybill.yml', ref: 'e'.repeat(40), digest: digest('9') },
  notChecked: ['The base images, and whatever else a build downloads.'],
  notices: [],
}

const APP: SubjectReceipt = {
  name: `ghcr.io/acme/app@${digest('1')}`,
  digest: digest('1'),
  verdict: 'passed',
  basis: 'signed',
  by: WORKFLOW,
  identity: {
    san: WORKFLOW,
    issuer: 'https://token.actions.githubusercontent.com',
    repository: 'https://github.com/acme/app',
  },
  findings: [],
  links: CHAIN,
}

const place = (file: string, line: number, path = 'spec.template.spec.containers[0].image') => ({
  file,
  document: 1,
  path,
  line,
})

const broken: SubjectReceipt = {
  name: 'ghcr.io/acme/worker:v7',
  digest: digest('2'),
  verdict: 'rejected',
  findings: [
    reject('ghcr.io/acme/worker:v7', {
      code: 'verify/source-not-passed',
      message: 'The source summary of commit aaaaaaaaaaaa says FAILED',
      expected: 'PASSED',
      found: 'FAILED',
      remedy: 'Deploy an image whose commits were accepted.',
    }),
  ],
  links: [
    link({
      link: 'provenance',
      state: 'rejected',
      digest: digest('2'),
      by: WORKFLOW,
      below: [
        link({
          link: 'commit',
          digest: 'a'.repeat(40),
          below: [link({ link: 'source', state: 'rejected', by: WORKFLOW })],
        }),
      ],
    }),
    link({ link: 'quarantine', state: 'rejected', digest: digest('e') }),
  ],
  places: [
    place('deploy/worker.yaml', 21),
    { ...place('deploy/all.yaml', 70, 'spec.jobTemplate.spec.image'), document: 3 },
  ],
  quarantine: { state: 'quarantined', from: 'record', record: digest('e') },
}

const unreached: SubjectReceipt = {
  name: 'registry.example/tools/cron:1',
  digest: '',
  verdict: 'unknown',
  findings: [
    reject('registry.example/tools/cron:1', {
      code: 'core/unreachable',
      message: 'No usable answer from https://registry.example/v2/',
      expected: 'an answer within 30000 ms',
      found: 'status 500',
      remedy: 'Run again. If it stays, check the host.',
    }),
  ],
  places: [place('deploy/cron.yaml', 14)],
}

/** One image, the whole chain. */
const IMAGE: Receipt = { ...GATE, command: 'verify image', subjects: [APP] }

/** A manifest: one image passed, one is in quarantine, one registry did not answer. */
const MANIFEST: Receipt = {
  ...GATE,
  verdict: 'rejected',
  subjects: [{ ...APP, places: [place('deploy/app.yaml', 12)] }, unreached, broken],
  stages: [{ name: 'judge', state: 'rejected', ms: 812 }],
  run: 'https://github.com/acme/deploy/actions/runs/42',
  pinned: ['deploy/app.yaml'],
  evidence: { folder: 'waybill-evidence', digest: digest('f') },
}

/** A hundred images that nobody signed are one thing to know. */
export function many(count: number): Receipt {
  const subjects = Array.from({ length: count }, (_, at): SubjectReceipt => {
    const hex = (at + 1).toString(16).padStart(4, '0').repeat(16)
    const name = `ghcr.io/acme/service-${at}:v1`
    const places = [place(`deploy/service-${at}.yaml`, 10 + at)]
    if (at % 10 === 0) return { ...APP, name, digest: `sha256:${hex}`, places }
    const links = [link({ link: 'signature', state: 'rejected' })]
    return { name, digest: `sha256:${hex}`, verdict: 'rejected', findings: [reject(name)], links, places }
  })
  return { ...GATE, verdict: 'rejected', subjects }
}

/** Judged again by nothing but what the folder itself brought. */
const RECORDED: Receipt = {
  ...GATE,
  command: 'verify image',
  verdict: 'unknown',
  recorded: 'passed',
  subjects: [{ name: APP.name, digest: APP.digest, verdict: 'unknown', findings: [], links: CHAIN }],
  notices: ['Judged as of 2026-05-02T10:05:00.000Z, the time that the folder names'],
}

export const GATE_RECEIPTS = {
  'gate-image': IMAGE,
  'gate-manifest': MANIFEST,
  'gate-many': many(30),
  'gate-recorded': RECORDED,
} as const satisfies Readonly<Record<string, Receipt>>
