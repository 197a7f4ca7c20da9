import { join } from 'node:path'
import { parseCommitId } from '../../src/core/digest.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { SourceFold } from '../../src/pipeline/source-fold.ts'
import { endFold, type SourceJudgement } from '../../src/policy/fold.ts'
import { openHistory } from '../../src/source/git.ts'
import { type MadeHistory, makeHistory, type Plan } from '../../tools/bench/history.ts'
import { openpgpSigner, type Signer, sshSigner } from '../../tools/bench/signers.ts'
import { type GitServer, startGitServer } from '../fakes/git-server.ts'
import { findGit, temporaryFolder } from '../source/support.ts'

const ROOT = temporaryFolder()
let server: GitServer
let signers: readonly Signer[]

beforeAll(async () => {
  server = await startGitServer({ folder: join(ROOT, 'served') })
  signers = [await openpgpSigner('alice', 'rsa4096'), await openpgpSigner('bob', 'ed25519'), sshSigner('carol')]
})
afterAll(() => server.close())

async function judged(name: string, made: MadeHistory): Promise<SourceJudgement> {
  const [anchor, head] = [parseCommitId(made.anchor), parseCommitId(made.head)]
  const history = await openHistory({
    git: findGit(),
    folder: join(ROOT, 'read', name),
    url: `${server.url}/acme/${name}`,
    env: { PATH: process.env.PATH },
    head,
    also: [anchor],
    deadline: new Date(Date.now() + LIMITS.sourceStageMs),
  })
  const now = new Date()
  const fold = await new SourceFold(history, now).alongFirstParents(anchor, head, 'refs/heads/main')
  await history.close()
  return endFold(fold, now)
}

const by = (at: number): Signer => signers[at % signers.length] as Signer
const quick = (at: number): Signer => signers[1 + (at % 2)] as Signer

test('what the bench makes is a history of three kinds of signatures, with merges and changes of the law', async () => {
  const planOf = (place: number): Plan => {
    if (place === 3) return { signer: by(0), changesLaw: true }
    return place === 5 ? { signer: by(1), brings: [by(2), by(0)] } : { signer: by(place) }
  }
  const made = await makeHistory(server.repositoryFolder('acme/mixed'), signers, 9, planOf)
  const { outcome, commits, changes, level } = await judged('mixed', made)
  expect([outcome, commits.length, made.commits, level]).toEqual(['passed', 11, 11, 'ORG_SOURCE_COMMITS_SIGNED'])
  expect(new Set(commits.map(({ principal, kind }) => `${principal} ${kind}`))).toEqual(
    new Set(['alice openpgp', 'bob openpgp', 'carol ssh']),
  )
  expect(changes.map(({ accepted, by: who }) => [accepted, who])).toEqual([[true, 'alice']])
})

test('13-adversary 13: a git server is asked as often about two thousand commits as about twenty, and one bad one is found', async () => {
  const asked: number[] = []
  for (const length of [20, 2_000]) {
    const bad = length >> 1
    const planOf = (place: number): Plan => ({ signer: quick(place), bad: place === bad })
    const made = await makeHistory(server.repositoryFolder(`acme/long-${length}`), signers, length, planOf)
    const before = server.log.length
    const { outcome, commits } = await judged(`long-${length}`, made)
    asked.push(server.log.length - before)
    expect([outcome, commits.length]).toEqual(['rejected', length])
    const rejected = commits.filter(commit => commit.outcome !== 'passed')
    expect(rejected.map(({ id, findings }) => [id, findings[0]?.code])).toEqual([
      [made.line[bad], 'source/bad-signature'],
    ])
  }
  expect(asked).toEqual([asked[0], asked[0]])
  expect(asked[0]).toBeLessThanOrEqual(8)
})
