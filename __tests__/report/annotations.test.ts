import { asWaybillError } from '../../src/core/error.ts'
import type { Finding } from '../../src/core/verdict.ts'
import { errorReceipt } from '../../src/pipeline/run.ts'
import { POLICY_PATH } from '../../src/policy/law.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { annotationsOf } from '../../src/report/annotations.ts'
import type { Receipt, SubjectReceipt } from '../../src/report/receipt.ts'
import { GATE_RECEIPTS, many } from './gate-receipts.ts'
import { REJECTED, RELEASE, UNKNOWN } from './receipts.ts'
import { SOURCE_RECEIPTS } from './source-receipts.ts'

const finding = (code: Finding['code'], message: string, severity: Finding['severity'] = 'reject'): Finding => ({
  code,
  severity,
  subject: 'x',
  message,
  remedy: 'Do this.',
})

const subject = (
  at: number,
  verdict: 'rejected' | 'unknown' | 'passed',
  findings: readonly Finding[],
): SubjectReceipt => ({
  name: `ghcr.io/acme/service-${at}`,
  digest: '',
  verdict,
  findings,
})

test('each cause is one annotation, on the line of the manifest that named the first image', () => {
  expect(annotationsOf(many(100))).toEqual([
    {
      level: 'error',
      title: 'verify/no-attestation',
      file: 'deploy/service-1.yaml',
      line: 11,
      message:
        'ghcr.io/acme/service-1:v1 and 89 others: No signature of … is by whom the rule expects\nexpected: signature by https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.2.3\nfound: no bundle\n→ Check that the digest is the one the pipeline published.',
    },
  ])
})

test('what was refused comes before what could not be checked, both as errors, notes as warnings', () => {
  const receipt = {
    ...GATE_RECEIPTS['gate-image'],
    verdict: 'rejected',
    notices: ['Audit'],
    subjects: [
      subject(1, 'passed', [finding('verify/bundles-ignored', 'noted', 'note')]),
      subject(2, 'unknown', [finding('core/unreachable', 'unreachable')]),
      subject(3, 'rejected', [finding('verify/no-attestation', 'refused')]),
    ],
  } as const satisfies Receipt
  expect(annotationsOf(receipt).map(({ level, title, message }) => [level, title ?? message])).toEqual([
    ['error', 'verify/no-attestation'],
    ['error', 'core/unreachable'],
    ['warning', 'verify/bundles-ignored'],
    ['notice', 'Audit'],
  ])
})

test('at most ten of each level; the last says how many more there are', () => {
  const subjects = Array.from({ length: 40 }, (_, at) =>
    subject(at, 'rejected', [
      finding('verify/no-attestation', `r${at}`),
      finding('verify/bundles-ignored', `n${at}`, 'note'),
    ]),
  )
  const notices = Array.from({ length: 11 }, (_, at) => `notice ${at}`)
  const all = annotationsOf({ ...GATE_RECEIPTS['gate-image'], verdict: 'rejected', subjects, notices })
  for (const level of ['error', 'warning', 'notice']) expect(all.filter(it => it.level === level)).toHaveLength(10)
  expect(all[9]?.message).toBe('31 more stand in the summary and in the result JSON')
  expect(all.at(-1)?.message).toBe('2 more stand in the summary and in the result JSON')
})

test('the error that ended the run comes first, and is not told a second time by its finding', () => {
  const receipt = { ...REJECTED, subjects: REJECTED.subjects.map(it => ({ ...it, findings: [] })) }
  expect(annotationsOf(receipt)).toMatchObject([{ level: 'error', title: 'source/unsigned' }])
  expect(annotationsOf(REJECTED).map(({ level }) => level)).toEqual(['error', 'error'])
  expect(annotationsOf(UNKNOWN)).toMatchObject([{ level: 'error', title: 'core/unreachable' }])
})

test('a step never fails without an annotation', () => {
  const receipt = { ...GATE_RECEIPTS['gate-image'], verdict: 'unknown', subjects: [subject(1, 'unknown', [])] } as const
  expect(annotationsOf(receipt)).toEqual([{ level: 'error', message: 'The verdict is unknown; the summary says why' }])
  expect(annotationsOf(GATE_RECEIPTS['gate-image'])).toEqual([])
})

test('13-adversary 3: changed rules are the first of the warnings', () => {
  const all = annotationsOf({ ...SOURCE_RECEIPTS.loosened, subjects: RELEASE.subjects })
  expect(all.filter(({ level }) => level === 'warning').map(({ title }) => title)).toEqual([
    'Rules changed',
    'source/unsigned',
  ])
})

test.each(['-', '/tmp/x.yaml', '../x.yaml'])('a place in %s is no file of the repository', file => {
  const [first] = many(2).subjects.slice(1)
  const subjects = [{ ...first, places: [{ file, document: 1, path: 'image', line: 3 }] } as SubjectReceipt]
  const [annotation] = annotationsOf({ ...many(2), subjects })
  expect(annotation).not.toHaveProperty('file')
  expect(annotation).not.toHaveProperty('line')
})

test.each([
  {
    code: 'policy/unusable',
    message: '.github/waybill.yml:7:3: principals.alice has no emails',
    at: { file: '.github/waybill.yml', line: 7 },
  },
  {
    code: 'policy/unsupported',
    message: '.github/waybill.yml:12:5: source[0].signer is not a key of a policy',
    at: { file: '.github/waybill.yml', line: 12 },
  },
  {
    code: 'materials/dockerfile-malformed',
    message: 'images/app/Dockerfile:4: An instruction that is none',
    at: { file: 'images/app/Dockerfile', line: 4 },
  },
  { code: 'policy/unusable', message: '/etc/waybill.yml:7:3: has no version', at: {} },
  { code: 'policy/unusable', message: '../waybill.yml:7:3: has no version', at: {} },
  { code: 'core/unreachable', message: 'x.yml:7:3: what a server said', at: {} },
] as const)('$code "$message" stands at $at, as error and as finding', ({ code, message, at }) => {
  const error = { code, message, remedy: 'Correct it.' }
  const ended = annotationsOf({ ...UNKNOWN, error })
  expect(ended).toEqual([{ level: 'error', title: code, message: `${message}\n→ Correct it.`, ...at }])
  const [found] = annotationsOf({
    ...GATE_RECEIPTS['gate-image'],
    subjects: [subject(1, 'rejected', [finding(code, message)])],
  })
  expect(found).toEqual({ level: 'error', title: code, message: `${message}\n→ Do this.`, ...at })
})

test('a real error of a policy stands on its line', () => {
  const bytes = new TextEncoder().encode('version: 1\nprincipals:\n  alice:\n    email: [alice@example.com]\n')
  const error = (() => {
    try {
      parsePolicy(bytes, POLICY_PATH, () => undefined)
    } catch (thrown) {
      return asWaybillError(thrown)
    }
    throw new Error('The policy was read')
  })()
  const [annotation] = annotationsOf({ ...UNKNOWN, error: errorReceipt(error) })
  expect(annotation).toMatchObject({ title: error.code, file: POLICY_PATH, line: 4 })
})
