import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../src/core/digest.ts'
import { type Kept, keepEvidence } from '../../src/pipeline/kept.ts'
import { type OpenKept, openKept } from '../../src/pipeline/kept-open.ts'
import { asRecorded, keptRoot, type ReplayPins, replayed, replayGround } from '../../src/pipeline/kept-replay.ts'
import type { VerifyPorts } from '../../src/pipeline/verify-request.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { renderTerminal } from '../../src/report/terminal.ts'
import { KEPT, NAME, ROOT } from './kept-world.ts'

async function opened(kept: Kept = KEPT): Promise<OpenKept> {
  const parent = mkdtempSync(join(tmpdir(), 'waybill-replay-'))
  try {
    await keepEvidence(join(parent, 'evidence'), kept)
    return await openKept(join(parent, 'evidence'))
  } finally {
    rmSync(parent, { recursive: true })
  }
}

const NOBODY: ReplayPins = { callerPolicy: false, callerRoot: false }

test.each([
  { given: 'nothing', pins: {}, policy: 'folder', trustedRoots: 'folder', own: true },
  { given: 'a policy only', pins: { callerPolicy: true }, policy: 'caller', trustedRoots: 'folder', own: true },
  { given: 'a root only', pins: { callerRoot: true }, policy: 'folder', trustedRoots: 'caller', own: true },
  {
    given: 'both',
    pins: { callerPolicy: true, callerRoot: true },
    policy: 'caller',
    trustedRoots: 'caller',
    own: false,
  },
] as const)('13-adversary 29: given $given, the result is the folder’s own word: $own', async ({ pins, ...ground }) => {
  const { given: _given, ...expected } = ground
  expect(replayGround(await opened(), { ...NOBODY, ...pins })).toEqual(expected)
})

test('13-adversary 29: the digest of the whole folder pins policy and root', async () => {
  const kept = await opened()
  expect(replayGround(kept, { ...NOBODY, folderDigest: kept.digest })).toEqual({
    policy: 'pinned',
    trustedRoots: 'pinned',
    own: false,
  })
  expect(replayGround(kept, { ...NOBODY, folderDigest: sha256('another') }).own).toBe(true)
})

test('a run that was judged by flags needs them again', async () => {
  const { policy: _policy, ...flags } = KEPT
  const kept = await opened(flags)
  expect(() => replayGround(kept, NOBODY)).toThrow('judged by flags')
  expect(replayGround(kept, { ...NOBODY, callerPolicy: true }).policy).toBe('caller')
})

test('keptRoot() gives the root that a rule names, and no other', async () => {
  const kept = await opened()
  expect(Buffer.from(keptRoot(kept, 'public-good')).equals(ROOT)).toBe(true)
  expect(() => keptRoot(kept, 'github')).toThrow('no trusted root for github')
})

const RECEIPT: Receipt = {
  schemaVersion: 1,
  command: 'verify image',
  verdict: 'passed',
  subjects: [
    {
      name: NAME,
      digest: sha256('x'),
      verdict: 'passed',
      basis: 'signed',
      by: 'somebody',
      findings: [],
      links: [{ link: 'signature', state: 'passed', below: [] }],
    },
  ],
  stages: [],
  attestations: [],
  notChecked: ['The base images.'],
  notices: [],
}

test.each(['passed', 'rejected', 'unknown'] as const)(
  '13-adversary 29: what the folder alone calls %s is unknown, also for each subject',
  verdict => {
    const receipt = asRecorded({ ...RECEIPT, verdict, subjects: RECEIPT.subjects.map(it => ({ ...it, verdict })) })
    expect([receipt.verdict, receipt.recorded]).toEqual(['unknown', verdict])
    expect(receipt.subjects).toEqual([
      {
        name: NAME,
        digest: sha256('x'),
        verdict: 'unknown',
        findings: [expect.objectContaining({ code: 'pipeline/as-recorded' })],
      },
    ])
    expect(renderTerminal(receipt, { colour: false })).toMatch(
      new RegExp(`^verify image: unknown; ${verdict} as recorded by whoever wrote this folder\n`),
    )
  },
)

test('a replay says as of when it judged, and what it took from the folder', async () => {
  const receipt = replayed(RECEIPT, await opened())
  expect(receipt.notices[0]).toBe('Judged again as of 2026-05-02T10:05:00.000Z, the time that the folder names.')
  expect(receipt.notChecked).toEqual(['The base images.', expect.stringContaining('the folder says so')])
})

test('the ports of the gate can be filled from a folder', async () => {
  const kept = await opened()
  const ports: Pick<VerifyPorts, 'resolve' | 'evidence' | 'now'> = {
    resolve: async reference => {
      const { digest, platforms, parents } = kept.resolve(`${reference.canonical}:${reference.tag}`)
      return { digest, relatives: async () => ({ platforms, parents, complete: true, skipped: [] }) }
    },
    evidence: subject => [
      () => kept.bundles(subject.kind === 'image' ? subject.reference.canonical : '', subject.digest),
    ],
    now: kept.time,
  }
  expect(ports.now).toEqual(KEPT.time)
})
