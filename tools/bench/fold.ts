import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GitServer, startGitServer } from '../../__tests__/fakes/git-server.ts'
import type { CheckDoor, CheckRun } from './check.ts'
import { GitLog } from './git-log.ts'
import { makeHistory, type Plan } from './history.ts'
import { openpgpSigner, type Signer, sshSigner } from './signers.ts'
import { median, type Row, ratio, seconds } from './table.ts'

const SHORT = 10_000
const LONG = 200_000
const LAWS = 20
/** Every so many commits a merge brings two. */
const MERGE_EVERY = 50
const ROUNDS = 3
const MEGABYTE = 1_000_000

/** A branch as projects have it, from the anchor to its tip; and one so long that memory and time must not grow with it. */
export async function benchFold(door: CheckDoor): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'wb-'))
  const server = await startGitServer({ folder: join(folder, 'served') })
  try {
    return [await mixed(door, server, folder), ...(await long(door, server))]
  } finally {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function mixed(door: CheckDoor, server: GitServer, folder: string): Promise<Row> {
  const alice = await openpgpSigner('alice', 'rsa4096')
  const signers = [alice, await openpgpSigner('bob', 'ed25519'), sshSigner('carol')]
  const steps = Math.floor((SHORT * MERGE_EVERY) / (MERGE_EVERY + 2))
  const span = Math.floor(steps / LAWS)
  const planOf = (place: number): Plan => {
    const signer = signers[place % signers.length] as Signer
    if (place % span === 1 && place < span * LAWS) return { signer: alice, changesLaw: true }
    return place % MERGE_EVERY === 0 ? { signer, brings: signers.slice(1) } : { signer }
  }
  const made = await makeHistory(server.repositoryFolder('acme/mixed'), signers, steps, planOf)
  const peer = new GitLog(join(folder, 'peer'), signers)
  const runs: CheckRun[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const run = await door.run({ url: `${server.url}/acme/mixed`, ...made })
    if (run.outcome !== 'passed' || run.changes !== LAWS) throw new Error(`Not as it was made: ${JSON.stringify(run)}`)
    runs.push(run)
  }
  const git = await peer.run(made.folder, made.commits + 1)
  peer.close()
  const ms = median(runs.map(run => run.ms))
  return {
    case: `fold: ${made.commits} commits of 3 kinds, ${LAWS} law changes, whole process (goal 5 s)`,
    waybill: `${seconds(ms)}, ${memory(runs)}`,
    peer: `${seconds(git)} (git log --format=%G?)`,
    ratio: ratio(ms, git),
  }
}

async function long(door: CheckDoor, server: GitServer): Promise<readonly Row[]> {
  const signers = [await openpgpSigner('alice', 'ed25519'), sshSigner('bob')]
  const planOf = (place: number): Plan => ({ signer: signers[place % 2] as Signer, bad: place === LONG / 20 })
  const made = await makeHistory(server.repositoryFolder('acme/long'), signers, LONG, planOf)
  const url = `${server.url}/acme/long`
  const tenth = made.line[LONG / 10 - 1] ?? ''
  const few = await door.run({ url, anchor: made.anchor, head: tenth })
  const all = await door.run({ url, anchor: made.anchor, head: made.head })
  for (const run of [few, all])
    if (run.outcome !== 'rejected' || run.rejected !== 1) throw new Error(`Not as it was made: ${JSON.stringify(run)}`)
  return [
    { case: `fold: ${LONG / 10} commits, one bad`, waybill: `${seconds(few.ms)}, ${memory([few])}` },
    {
      case: `fold: ${LONG} commits, one bad (goal: linear, 300 MB)`,
      waybill: `${seconds(all.ms)}, ${memory([all])}; ${ratio(all.ms, few.ms)} × the time of a tenth`,
    },
  ]
}

function memory(runs: readonly CheckRun[]): string {
  return `${Math.round(Math.max(...runs.map(run => run.maxBytes)) / MEGABYTE)} MB`
}
