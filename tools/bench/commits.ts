import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GitServer, startGitServer } from '../../__tests__/fakes/git-server.ts'
import type { CheckDoor, CheckRun } from './check.ts'
import { GitLog } from './git-log.ts'
import { type MadeHistory, makeHistory } from './history.ts'
import { runProgram } from './program.ts'
import { openpgpSigner, type Signer, sshSigner } from './signers.ts'
import { median, type Row, ratio, seconds } from './table.ts'
import { CORES, type Signatures, verifyLimit } from './verify-rate.ts'

const COMMITS = 5_000
const ROUNDS = 3

interface Kind {
  readonly name: string
  readonly goal: string
  readonly signers: readonly Signer[]
  readonly signatures: Signatures
}

/** `waybill source check` in a clone against git, which asks gpg or ssh-keygen about each commit of the same clone. */
export async function benchCommits(
  dist: string,
  door: CheckDoor,
): Promise<{ rows: readonly Row[]; notes: readonly string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'wb-'))
  const server = await startGitServer({ folder: join(folder, 'served') })
  const half = COMMITS / 2
  const openpgp: Kind = {
    name: 'OpenPGP',
    goal: 'goal ≤ 0.10',
    signers: [await openpgpSigner('alice', 'rsa4096'), await openpgpSigner('bob', 'ed25519')],
    signatures: { rsa4096: half, ed25519: half },
  }
  const ssh: Kind = {
    name: 'SSH',
    goal: 'goal ≤ 0.04',
    signers: [sshSigner('alice'), sshSigner('bob')],
    signatures: { ed25519: COMMITS },
  }
  try {
    const world = { dist, door, server, folder }
    const results = [await compare(openpgp, world), await compare(ssh, world)]
    return { rows: results.flatMap(({ rows }) => rows), notes: results.map(({ note }) => note) }
  } finally {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

interface World {
  readonly dist: string
  readonly door: CheckDoor
  readonly server: GitServer
  readonly folder: string
}

async function compare(
  kind: Kind,
  { dist, door, server, folder }: World,
): Promise<{ rows: readonly Row[]; note: string }> {
  const repository = `acme/${kind.name.toLowerCase()}`
  const planOf = (place: number) => ({ signer: kind.signers[place % 2] as Signer })
  const made = await makeHistory(server.repositoryFolder(repository), kind.signers, COMMITS, planOf)
  const peer = new GitLog(join(folder, kind.name), kind.signers)
  const subject = { url: `${server.url}/${repository}`, anchor: made.anchor, head: made.head }
  const commands: number[] = []
  const ours: CheckRun[] = []
  const theirs: number[] = []
  const limits: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    commands.push(await sourceCheck(dist, made, folder))
    const run = await door.run(subject)
    if (run.outcome !== 'passed' || run.commits !== COMMITS) throw new Error(`Not all passed: ${JSON.stringify(run)}`)
    ours.push(run)
    theirs.push(await peer.run(made.folder, COMMITS + 1))
    limits.push(await verifyLimit(kind.signatures))
  }
  peer.close()
  const whole = median(commands)
  const judging = median(ours.map(({ fetched, ended }) => ended - fetched))
  const git = median(theirs)
  const limit = median(limits)
  const compared = (name: string, ms: number): Row => ({
    case: name,
    waybill: `${seconds(ms)}, ${rate(ms)}`,
    peer: `${seconds(git)}, ${rate(git)} (git log --format=%G?)`,
    ratio: `${ratio(ms, git)} (${kind.goal})`,
    limit: `${seconds(limit)} (crypto.verify, ${CORES} cores)`,
    toLimit: `${ratio(ms, limit)} (goal ≤ 2)`,
  })
  const rows = [
    compared(`verify ${COMMITS} commits, ${kind.name}: waybill source check, whole process`, whole),
    compared('the same over http, without start and fetch', judging),
  ]
  const processor = seconds(median(ours.map(run => run.cpuMs)))
  const main = seconds(median(ours.map(run => run.mainCpuMs)))
  return {
    rows,
    note: `${kind.name}, processor time of one run, without git’s: ${processor}, of it the main thread ${main}`,
  }
}

/** @returns milliseconds of the whole process. */
async function sourceCheck(dist: string, { folder: clone, anchor }: MadeHistory, home: string): Promise<number> {
  const range = ['main', '--since', anchor, '--ref', 'refs/heads/main']
  const args = [join(dist, 'cli.js'), 'source', 'check', ...range, '--repo', clone, '--offline', '--quiet']
  const { code, ms, log } = await runProgram(process.execPath, args, { PATH: process.env.PATH ?? '', HOME: home })
  if (code !== 0) throw new Error(`waybill source check ended with ${code}:\n${log}`)
  return ms
}

function rate(ms: number): string {
  return `${Math.round(COMMITS / (ms / 1000))}/s`
}
