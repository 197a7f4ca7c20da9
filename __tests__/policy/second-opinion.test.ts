import fc from 'fast-check'
import type { JudgedCommit, SignatureFact } from '../../src/core/facts.ts'
import type { PlatformCommit } from '../../src/policy/evidence.ts'
import { endFold, type SourceJudgement, startFold, stepFold } from '../../src/policy/fold.ts'
import { BASE, commit, idOf, LAW, lawFiles, MAIN, malformed, NOW, signatureOf } from './world.ts'

type Verification = NonNullable<PlatformCommit['verification']>

const says = (state: string, signer?: string): Verification => ({
  verified: state === 'VALID',
  state,
  ...(signer === undefined ? {} : { signer }),
})

const refused = (code: 'source/bad-signature' | 'source/key-unknown', kind: 'rejected' | 'unjudged' = 'rejected') =>
  ({ kind, scheme: 'ssh', code, message: 'refused' }) as const

function judge(item: JudgedCommit, verification?: Verification): SourceJudgement {
  const value = { id: item.id, pulls: [], ...(verification === undefined ? {} : { verification }) }
  const fold = startFold({ id: idOf('anchor') }, LAW, MAIN)
  const step = {
    commit: item,
    broughtIn: [],
    law: lawFiles(BASE),
    evidence: { platform: { kind: 'known', value } },
  } as const
  return endFold(stepFold(fold, step, NOW), NOW)
}

const signed = (signature?: SignatureFact) =>
  commit('x', { by: 'carol', parents: ['anchor'], ...(signature === undefined ? {} : { signature }) })

const notes = ({ commits }: SourceJudgement) =>
  commits.flatMap(({ findings }) => findings.filter(({ code }) => code === 'source/platform-disagrees'))

test.each([
  ['calls a valid signature invalid', signed(), says('INVALID'), 'a valid ssh signature', 'INVALID'],
  [
    'verified what is no signature here',
    signed(refused('source/bad-signature')),
    says('VALID', 'carol'),
    'refused (source/bad-signature)',
    'VALID (carol)',
  ],
  ['verified a commit that carries none', commit('x', { parents: ['anchor'] }), says('VALID'), 'none', 'VALID'],
  ['verified a commit that cannot be read', malformed('x'), says('VALID'), 'refused (source/malformed)', 'VALID'],
])('the platform %s: told in a note', (_, item, verification, expected, found) => {
  const [note, ...more] = notes(judge(item, verification))
  expect(note).toMatchObject({ severity: 'note', subject: item.id, expected, found })
  expect(more).toEqual([])
})

test.each([
  ['the platform agrees', signed(), says('VALID', 'carol')],
  ['both refuse it', signed(refused('source/bad-signature')), says('INVALID')],
  ['the platform does not know the key', signed(), says('UNKNOWN_KEY')],
  ['the platform could not check', signed(), says('GPGVERIFY_UNAVAILABLE')],
  ['the key is not known here', signed(refused('source/key-unknown')), says('VALID')],
  ['it could not be checked here', signed(refused('source/key-unknown', 'unjudged')), says('VALID')],
  ['the platform said nothing', signed(), undefined],
])('no note where %s', (_, item, verification) => {
  expect(notes(judge(item, verification))).toEqual([])
})

test('the platform’s opinion never changes a verdict, and never stands before what does', () => {
  const items = [signed(), signed(refused('source/bad-signature')), signed(refused('source/key-unknown', 'unjudged'))]
  const all = [...items, commit('x', { parents: ['anchor'] }), malformed('x'), signed(signatureOf('mallory'))]
  const states = fc.constantFrom('VALID', 'INVALID', 'BAD_EMAIL', 'UNKNOWN_KEY', 'something new')
  fc.assert(
    fc.property(fc.constantFrom(...all), states, (item, state) => {
      const [without, having] = [judge(item), judge(item, says(state))]
      expect([having.outcome, having.level]).toEqual([without.outcome, without.level])
      const findings = having.commits.flatMap(each => each.findings)
      expect(findings.slice(0, findings.length - notes(having).length)).toEqual(
        without.commits.flatMap(each => each.findings),
      )
    }),
  )
})
