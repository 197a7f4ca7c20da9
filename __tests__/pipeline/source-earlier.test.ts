import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import type { PlatformPort } from '../../src/pipeline/attest-request.ts'
import type { AskEarlier } from '../../src/pipeline/source-earlier.ts'
import { type FoldOptions, SourceFold } from '../../src/pipeline/source-fold.ts'
import type { EarlierEvidence } from '../../src/policy/earlier-vsa.ts'
import type { EarlierReview } from '../../src/policy/evidence.ts'
import { endFold, type SourceJudgement } from '../../src/policy/fold.ts'
import { makeSshSigner, type SshSigner } from '../fakes/ssh-signer.ts'
import { ALICE, EvidenceWorld, MAIN } from './evidence-world.ts'

const NOW = new Date('2026-06-01T12:00:00Z')
const BOB = makeSshSigner()
const CAROL = makeSshSigner()

/** bob's key ends in May; alice's never. */
const policyOf = (more = '', review = '') => `version: 1
principals:
  alice: {emails: [alice@example.com], signers: [{ssh: {key: "${ALICE.publicKey}"}}]}
  bob: {emails: [bob@example.com], signers: [{ssh: {key: "${BOB.publicKey}", not-after: 2026-05-01}}]}
  carol: {github: {login: carol, id: 103}, emails: [carol@example.com], signers: [{ssh: {key: "${CAROL.publicKey}"}}]}
roles: {maintainers: [alice], developers: ["@maintainers", bob, carol]}
source:
  - refs: [refs/heads/main]
    commits: {signers: ["@developers"]}
${review}policy-change: {signers: ["@maintainers"]}
${more}`
const REVIEW = '    review: {approvals: 1, by: [carol], strength: platform-recorded}\n'

const worlds: EvidenceWorld[] = []
afterAll(async () => {
  for (const world of worlds) await world.close()
})

/** A branch whose anchor is the commit that brings this policy. */
function newWorld(policy = policyOf()): { readonly world: EvidenceWorld; readonly anchor: CommitId } {
  const world = new EvidenceWorld()
  worlds.push(world)
  return { world, anchor: world.commit({ '.github/waybill.yml': policy }, 'policy') }
}

function by(world: EvidenceWorld, signer: SshSigner, name: string, message: string): CommitId {
  const email = `${name}@example.com`
  return parseCommitId(world.repository.commit({ message, signer, name, email, files: { [message]: message } }))
}

const at = (day: string) => ({ time: new Date(day), from: 'source-vsa' }) as const

const NOTHING: EarlierEvidence = { timeOf: () => undefined, reviewOf: () => undefined, notes: [] }

/** Earlier runs that say this, and what they were asked. */
function earlierRuns(evidence: Partial<EarlierEvidence>) {
  const asked: Parameters<AskEarlier>[0][] = []
  const earlier: AskEarlier = async question => {
    asked.push(question)
    return { ...NOTHING, ...evidence }
  }
  return { asked, earlier }
}

async function judge(world: EvidenceWorld, anchor: CommitId, options: FoldOptions = {}): Promise<SourceJudgement> {
  const driver = new SourceFold(await world.open(), NOW, { repositoryId: 1, ...options })
  return endFold(await driver.alongFirstParents(anchor, world.head(), MAIN), NOW)
}

const codes = ({ commits }: SourceJudgement) => commits.flatMap(({ findings }) => findings.map(({ code }) => code))

describe('13-adversary 2: the key of a commit has ended since', () => {
  test('without any time it is rejected, with what can be done', async () => {
    const { world, anchor } = newWorld()
    by(world, BOB, 'bob', 'old')
    for (const options of [{}, earlierRuns({})]) {
      const [finding, ...more] = (await judge(world, anchor, options)).commits.flatMap(({ findings }) => findings)
      expect([finding?.code, more]).toEqual(['source/key-expired', []])
      expect(finding?.remedy).toMatch(/exceptions/)
      expect(finding?.remedy).toMatch(/new key/)
    }
  })

  test('a time of an earlier run lets it pass, and is told for expiry alone', async () => {
    const { world, anchor } = newWorld()
    const old = by(world, BOB, 'bob', 'old')
    const timeOf = (id: CommitId) => (id === old ? at('2026-04-20') : undefined)
    const { asked, earlier } = earlierRuns({ timeOf })
    const judgement = await judge(world, anchor, { earlier })
    expect([judgement.outcome, codes(judgement)]).toEqual(['passed', []])
    expect(asked).toEqual([{ ref: MAIN, anchor, workflows: [], revoked: [] }])
    expect(judgement.commits[0]).toMatchObject({ earlierTime: at('2026-04-20') })
    expect(judgement.keys).toMatchObject([{ principal: 'bob', verifiedTime: new Date('2026-04-20') }])
    expect(judgement.keys[0]).not.toHaveProperty('lastTime')
  })

  test('it is no cover against a compromise', async () => {
    const revoked = `revoked: [{fingerprint: "${BOB.fingerprint}", effective: 2026-05-20, mode: compromised}]\n`
    const { world, anchor } = newWorld(policyOf(revoked))
    by(world, BOB, 'bob', 'old')
    const judgement = await judge(world, anchor, earlierRuns({ timeOf: () => at('2026-04-20') }))
    expect([judgement.outcome, new Set(codes(judgement))]).toEqual(['rejected', new Set(['source/key-revoked'])])
  })

  test('a time after the end of the key, and one of another commit, do not help', async () => {
    const { world, anchor } = newWorld()
    by(world, BOB, 'bob', 'old')
    expect(codes(await judge(world, anchor, earlierRuns({ timeOf: () => at('2026-05-20') })))).toEqual([
      'source/key-expired',
    ])
    const timeOf = (id: CommitId) => (id === anchor ? at('2026-04-20') : undefined)
    expect(codes(await judge(world, anchor, earlierRuns({ timeOf })))).toEqual(['source/key-expired'])
  })

  test('whatever came before the verified commit existed then, listed or not, and nothing that came later', async () => {
    const { world, anchor } = newWorld()
    by(world, BOB, 'bob', 'first')
    const [side = anchor] = world.branch([{ side: 'side\n' }])
    const merged = world.repository.object({ message: 'merge', signer: ALICE }, world.mergedTree(world.head(), side), [
      world.head(),
      side,
    ])
    world.repository.git('update-ref', 'refs/heads/main', merged)
    world.repository.git('reset', '--quiet', '--hard')
    const commit = parseCommitId(merged)
    by(world, BOB, 'bob', 'later')
    const verified = { commit, time: at('2026-04-20'), timeOfKey: () => undefined }
    const judgement = await judge(world, anchor, earlierRuns({ verified }))
    expect(judgement.commits.map(({ subject, outcome }) => `${subject} ${outcome}`)).toEqual([
      'first passed',
      'topic 0 passed',
      'merge passed',
      'later rejected',
    ])
    expect(judgement.commits.map(({ earlierTime }) => earlierTime !== undefined)).toEqual([true, true, true, false])
  })

  test('what an earlier summary carries of a key holds up to the verified commit', async () => {
    const { world, anchor } = newWorld()
    const old = by(world, BOB, 'bob', 'old')
    const timeOfKey = (key: string) => (key === BOB.fingerprint ? at('2026-04-20') : undefined)
    const verified = { commit: old, time: at('2026-05-20'), timeOfKey }
    expect((await judge(world, anchor, earlierRuns({ verified }))).outcome).toBe('passed')
    by(world, BOB, 'bob', 'new')
    expect(codes(await judge(world, anchor, earlierRuns({ verified })))).toEqual(['source/key-expired'])
  })

  test('a summary of a commit that is not on the line says nothing of its history', async () => {
    const { world, anchor } = newWorld()
    by(world, BOB, 'bob', 'old')
    const [side = anchor] = world.branch([{ side: 'side\n' }])
    const verified = { commit: side, time: at('2026-04-20'), timeOfKey: () => at('2026-04-20') }
    expect(codes(await judge(world, anchor, earlierRuns({ verified })))).toEqual(['source/key-expired'])
  })
})

describe('13-adversary 2: earlier runs', () => {
  test('are not asked while no key has ended and no rule asks for reviews', async () => {
    const { world, anchor } = newWorld()
    by(world, CAROL, 'carol', 'fine')
    const { asked, earlier } = earlierRuns({})
    expect((await judge(world, anchor, { earlier })).outcome).toBe('passed')
    expect(asked).toEqual([])
  })

  test('are asked once, in the words of the law at the tip', async () => {
    const { world, anchor } = newWorld()
    by(world, BOB, 'bob', 'one')
    world.commit({ '.github/waybill.yml': policyOf('source-workflows: [.github/workflows/ci.yml]\n') }, 'name ci.yml')
    by(world, BOB, 'bob', 'two')
    const { asked, earlier } = earlierRuns({ timeOf: () => at('2026-04-20') })
    expect((await judge(world, anchor, { earlier })).outcome).toBe('passed')
    expect(asked.map(({ workflows }) => workflows)).toEqual([['.github/workflows/ci.yml']])
  })

  test('lend nothing when the law at the tip, which named them, turns out not to be accepted', async () => {
    const { world, anchor } = newWorld()
    by(world, BOB, 'bob', 'old')
    const evil = policyOf('source-workflows: [.github/workflows/evil.yml]\n')
    const files = { '.github/waybill.yml': evil }
    world.repository.commit({ message: 'evil', signer: CAROL, name: 'carol', email: 'carol@example.com', files })
    const { asked, earlier } = earlierRuns({ timeOf: () => at('2026-04-20') })
    const judgement = await judge(world, anchor, { earlier })
    expect(asked.map(({ workflows }) => workflows)).toEqual([['.github/workflows/evil.yml']])
    expect(codes(judgement)).toEqual(['source/key-expired', 'policy/unapproved-change'])
  })

  test('a law at the tip that cannot be read lends nothing', async () => {
    const { world, anchor } = newWorld()
    by(world, BOB, 'bob', 'old')
    world.commit({ '.github/waybill.yml': 'version: 9\n' }, 'broken')
    const { asked, earlier } = earlierRuns({ timeOf: () => at('2026-04-20') })
    const judgement = await judge(world, anchor, { earlier })
    expect([asked, codes(judgement)[0]]).toEqual([[], 'source/key-expired'])
  })

  test('what is not used is told', async () => {
    const { world, anchor } = newWorld()
    by(world, BOB, 'bob', 'old')
    const note = { code: 'source/earlier-refused', severity: 'note', subject: 's', message: 'm', remedy: 'r' } as const
    const driver = new SourceFold(await world.open(), NOW, earlierRuns({ notes: [note] }))
    await driver.alongFirstParents(anchor, world.head(), MAIN)
    expect(await driver.earlierNotes()).toEqual([note])
  })
})

describe('13-adversary 2: reviews that an earlier run found', () => {
  /** Reviewed pull requests cannot be seen: the platform only counts how often it is asked. */
  function platform() {
    const asked: CommitId[] = []
    const port: PlatformPort = {
      commits: async ids => {
        asked.push(...ids)
        return ids.map(id => ({ kind: 'known', value: { id, pulls: [] } }))
      },
      signingKeys: async () => ({ kind: 'known', value: new Uint8Array() }),
    }
    return { asked, port }
  }

  const reviewed = (head: CommitId, more: Partial<EarlierReview> = {}): EarlierReview => ({
    label: 'platform-recorded',
    by: ['carol'],
    head,
    statements: [],
    keys: [],
    ...more,
  })

  test('spare asking the platform about commits they know, and nothing about others', async () => {
    const { world, anchor } = newWorld(policyOf('', REVIEW))
    const known = world.commit({ a: 'a\n' }, 'known')
    const { asked, port } = platform()
    const reviewOf = (id: CommitId) => (id === known ? reviewed(known) : undefined)
    const first = await judge(world, anchor, { ...earlierRuns({ reviewOf }), platform: port })
    expect([first.outcome, first.reviewed, asked]).toEqual(['passed', true, []])
    const unknown = world.commit({ b: 'b\n' }, 'unknown')
    const second = await judge(world, anchor, { ...earlierRuns({ reviewOf }), platform: port })
    expect([codes(second), asked]).toEqual([['source/unreviewed'], [unknown]])
  })

  test('of somebody whom the rule does not name are asked for again', async () => {
    const { world, anchor } = newWorld(policyOf('', REVIEW))
    const known = world.commit({ a: 'a\n' }, 'known')
    const { asked, port } = platform()
    const reviewOf = () => reviewed(known, { by: ['bob'] })
    const judgement = await judge(world, anchor, { ...earlierRuns({ reviewOf }), platform: port })
    expect([codes(judgement), asked]).toEqual([['source/unreviewed'], [known]])
  })

  test('that the law accepted last takes away are looked up again, and counted anew', async () => {
    const revoked = `revoked: [{fingerprint: "${CAROL.fingerprint}", effective: 2026-01-01, mode: compromised}]\n`
    const { world, anchor } = newWorld(policyOf(revoked, REVIEW))
    const known = world.commit({ a: 'a\n' }, 'known')
    const { asked, port } = platform()
    const keys = [{ fingerprint: CAROL.fingerprint, principal: 'carol' }]
    const signed = earlierRuns({ reviewOf: () => reviewed(known, { label: 'signed-by-reviewer', keys }) })
    const judgement = await judge(world, anchor, { ...signed, platform: port })
    expect([codes(judgement), asked, signed.asked.length]).toEqual([['source/unreviewed'], [known], 1])
  })

  test('are not looked at while a statement withdraws them', async () => {
    const { world, anchor } = newWorld(policyOf('', REVIEW))
    const known = world.commit({ a: 'a\n' }, 'known')
    const { asked, port } = platform()
    const looked: (readonly CommitId[])[] = []
    const withdrawal = { decision: 'withdraw', head: known, targetRef: MAIN, signature: { kind: 'none' } }
    const statements = {
      about: async (heads: ReadonlySet<CommitId>) => {
        looked.push([...heads])
        return new Map([[known, { facts: [withdrawal as never], stored: new Map() }]])
      },
    }
    const judgement = await judge(world, anchor, {
      ...earlierRuns({ reviewOf: () => reviewed(known) }),
      platform: port,
      statements,
    })
    expect([judgement.outcome, asked, looked[0]]).toEqual(['rejected', [known], [known]])
  })
})
