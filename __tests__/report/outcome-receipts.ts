import { CATALOGUE } from '../../src/core/catalogue.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import type { StageName } from '../../src/core/stage.ts'
import type { MaterialReceipt, Receipt, StageReceipt, SubjectReceipt } from '../../src/report/receipt.ts'
import { many } from './gate-receipts.ts'
import { MATERIAL_RECEIPTS } from './material-receipts.ts'
import { digest, REJECTED, RELEASE, without } from './receipts.ts'
import { SOURCE_RECEIPTS } from './source-receipts.ts'

type Stage = StageReceipt['name']

/** What a run had to show when a stage was reached; later facts are not there yet. */
const KNOWN_FROM: Readonly<Partial<Record<keyof Receipt, StageName>>> = {
  policy: 'source',
  source: 'source',
  since: 'materials',
  image: 'digest',
  identity: 'sign',
}

interface Ending {
  readonly state: 'rejected' | 'unknown'
  readonly code: ErrorCode
  readonly message: string
  readonly expected?: string
  readonly found?: string
}

const ENDINGS = {
  preflight: {
    state: 'unknown',
    code: 'core/unreachable',
    message: 'No usable answer from https://ghcr.io/v2/acme/app/blobs/uploads/',
    expected: 'an answer within 30000 ms',
    found: 'status 503',
  },
  source: {
    state: 'rejected',
    code: 'source/unsigned',
    message: '1 commit of 2 is not accepted',
    expected: 'a signature by one of @developers',
    found: 'none',
  },
  materials: {
    state: 'rejected',
    code: 'verify/no-attestation',
    message: 'Dockerfile:1: docker.io/acme/unsigned:3: Nobody signed it',
    expected: 'a signature by acme/base',
    found: 'no bundle',
  },
  build: {
    state: 'unknown',
    code: 'build/failed',
    message: 'buildx ended with code 1',
    expected: 'code 0',
    found: 'process "/bin/sh -c npm ci" did not complete successfully',
  },
  digest: {
    state: 'rejected',
    code: 'registry/digest-mismatch',
    message: 'ghcr.io/acme/app serves other bytes than were pushed',
    expected: digest('1'),
    found: digest('2'),
  },
  sign: {
    state: 'unknown',
    code: 'sigstore/log-unavailable',
    message: 'The transparency log took no entry',
    expected: 'status 201',
    found: 'status 500',
  },
  publish: {
    state: 'unknown',
    code: 'registry/forbidden',
    message: 'ghcr.io/acme/app takes no attestation',
    expected: 'status 201',
    found: 'status 403',
  },
  'self-verify': {
    state: 'rejected',
    code: 'verify/no-attestation',
    message: 'What was read back does not prove the image',
    expected: 'signature and provenance of this run',
    found: 'a bundle of another run',
  },
  tags: {
    state: 'rejected',
    code: 'registry/tag-newer',
    message: 'The tag latest names an image of a newer commit',
    expected: 'an ancestor of aaaaaaa',
    found: 'eeeeeee',
  },
} as const satisfies Readonly<Partial<Record<StageName, Ending>>>

/** The release, ended by one stage: nothing of what comes later is known. */
function endedAt(name: keyof typeof ENDINGS): Receipt {
  const { state, code, ...facts }: Ending = ENDINGS[name]
  const order = RELEASE.stages.map(stage => stage.name)
  const at = order.indexOf(name)
  const reached = (stage: Stage) => order.indexOf(stage) <= at
  const unknown = (Object.keys(KNOWN_FROM) as (keyof Receipt)[]).filter(key => !reached(KNOWN_FROM[key] ?? 'tags'))
  const stages = RELEASE.stages.map((stage, index): StageReceipt => {
    const mode = stage.mode === undefined ? {} : { mode: stage.mode }
    if (index < at) return stage
    return index === at
      ? { name: stage.name, ...mode, state, ms: stage.ms }
      : { name: stage.name, state: 'not-reached', ms: 0 }
  })
  const error = { code, ...facts, remedy: CATALOGUE[code].remedy }
  const known = without(RELEASE, ...unknown) as Receipt
  return {
    ...known,
    verdict: state,
    stages,
    subjects: subjectsAt(name, reached('source')),
    attestations: reached('publish') ? published(name) : [],
    ...(known.image === undefined || name === 'tags' ? {} : { image: { ...known.image, tags: [] } }),
    ...(name === 'materials' ? { materials: { items: [UNSIGNED] } } : {}),
    requests: Object.fromEntries(Object.entries(RELEASE.requests ?? {}).filter(([stage]) => reached(stage as Stage))),
    notChecked: [...RELEASE.notChecked, `What comes after the stage ${name}: the run ended there.`],
    error,
  }
}

const UNSIGNED: MaterialReceipt = {
  name: 'docker.io/acme/unsigned:3',
  kind: 'image',
  places: ['Dockerfile:1'],
  digest: digest('7'),
  verdict: 'rejected',
  proof: 'none',
  findings: [
    {
      ...without(ENDINGS.materials, 'state'),
      severity: 'reject',
      subject: 'docker.io/acme/unsigned:3',
      remedy: CATALOGUE['verify/no-attestation'].remedy,
    },
  ],
}

function subjectsAt(name: keyof typeof ENDINGS, judged: boolean): readonly SubjectReceipt[] {
  if (!judged) return []
  const commits = RELEASE.subjects.filter(({ kind }) => kind !== undefined)
  return name === 'source' ? [...REJECTED.subjects, ...commits.slice(0, 1)] : commits
}

function published(name: keyof typeof ENDINGS): Receipt['attestations'] {
  if (name !== 'publish') return RELEASE.attestations
  return RELEASE.attestations.map(attestation => ({
    ...without(attestation, 'manifest', 'stored'),
    bundle: `/home/runner/work/_temp/waybill/app/bundles/${attestation.log?.index}.sigstore.json`,
    notStored: ['ghcr.io/acme/app (registry/forbidden)'],
  }))
}

/** Judged, told and built on: the mode decides the exit code, never the verdict (13-adversary 41). */
const AUDIT: Receipt = {
  ...RELEASE,
  verdict: 'rejected',
  subjects: [...REJECTED.subjects, ...RELEASE.subjects.slice(0, 1)],
  stages: RELEASE.stages.map(stage =>
    stage.name === 'source' ? { ...stage, state: 'rejected', mode: 'audit' } : stage,
  ),
}

/** The second attempt: the first one had built, signed and published half of it. */
const RESUMED: Receipt = {
  ...RELEASE,
  notices: [
    `Not built again: the signed provenance of attempt 1 of this run names ${digest('1')}.`,
    'resumed: 1 of 2 statements were there, signed by an earlier attempt.',
  ],
}

const hex = (at: number, length: number) =>
  (at + 1)
    .toString(16)
    .padStart(8, '0')
    .repeat(length / 8)

/** A branch that nobody released for long: newest last, as the result has them. */
export function commits(count: number): Receipt {
  const list = Array.from({ length: count }, (_, at): SubjectReceipt => {
    const who = ['alice', 'bob', 'carol'][at % 3] ?? 'alice'
    return {
      name: hex(at, 40).slice(0, 7),
      digest: hex(at, 40),
      verdict: 'passed',
      basis: at % 7 === 0 ? 'derived' : 'signed',
      findings: [],
      kind: at % 2 === 0 ? 'ssh' : 'openpgp',
      principal: who,
      key: `SHA256:${'s55hmRDFzNzGh06KUv6Qpz4gLxFteUARQ2T9Evn9c5M'}`,
      title: `Change number ${at + 1} of the login page`,
      author: who,
    }
  })
  const source = {
    repository: 'https://github.com/acme/app',
    ref: 'refs/heads/main',
    commit: hex(count - 1, 40),
    levels: ['ORG_SOURCE_COMMITS_SIGNED'],
  }
  return { ...RELEASE, subjects: [...list, ...RELEASE.subjects.slice(2)], source }
}

export function platforms(count: number): Receipt {
  if (RELEASE.image === undefined) throw new Error('The release has an image')
  const list = Array.from({ length: count }, (_, at) => ({
    platform: `linux/machine${at + 1}`,
    digest: digest('0123456789abcdef'[at % 16] ?? '0'),
    size: 1_000_000 * (at + 1),
  }))
  return { ...RELEASE, image: { ...RELEASE.image, platforms: list } }
}

/** A release with everything that a reader may meet, for the pictures: reviewed commits, base images that changed, what is left open. */
const REVIEWED: Receipt = {
  ...SOURCE_RECEIPTS.derived,
  stages: MATERIAL_RECEIPTS.materials.stages,
  materials: {
    ...MATERIAL_RECEIPTS.materials.materials,
    closed: { by: 'builder', builder: 'fresh', cache: 'none', network: 'default' },
  },
  since: {
    state: 'found',
    image: digest('6'),
    commit: 'd'.repeat(40),
    signedAt: '2026-05-01T09:00:00.000Z',
    commits: 3,
    materials: 4,
  },
  notChecked: ['What RUN steps download: network is default, so they may fetch anything from anywhere.'],
}

/** Runs that end in every way that one can end in. */
export const OUTCOME_RECEIPTS: Readonly<Record<string, Receipt>> = {
  ...Object.fromEntries(
    (Object.keys(ENDINGS) as (keyof typeof ENDINGS)[]).map(name => [`ended-${name}`, endedAt(name)]),
  ),
  reviewed: REVIEWED,
  audit: AUDIT,
  resumed: RESUMED,
  'first-image': { ...RELEASE, since: { state: 'none' } },
  'since-unknown': { ...RELEASE, since: { state: 'unknown', why: 'registry/tag-not-ours' } },
  'commits-300': commits(300),
  'platforms-40': platforms(40),
  'images-100': many(100),
}
