import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GitServer, startGitServer } from '../../__tests__/fakes/git-server.ts'
import type { CheckDoor, CheckRun } from './check.ts'
import { GitLog } from './git-log.ts'
import { makeHistory } from './history.ts'
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

/** Commits judged from an anchor, fetched over loopback, against git that asks gpg or ssh-keygen in a local repository. */
export async function benchCommits(door: CheckDoor): Promise<readonly Row[]> {
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
    return [...(await compare(openpgp, door, server, folder)), ...(await compare(ssh, door, server, folder))]
  } finally {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function compare(kind: Kind, door: CheckDoor, server: GitServer, folder: string): Promise<readonly Row[]> {
  const repository = `acme/${kind.name.toLowerCase()}`
  const planOf = (place: number) => ({ signer: kind.signers[place % 2] as Signer })
  const made = await makeHistory(server.repositoryFolder(repository), kind.signers, COMMITS, planOf)
  const peer = new GitLog(join(folder, kind.name), kind.signers)
  const subject = { url: `${server.url}/${repository}`, anchor: made.anchor, head: made.head }
  const ours: CheckRun[] = []
  const theirs: number[] = []
  const limits: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const run = await door.run(subject)
    if (run.outcome !== 'passed' || run.commits !== COMMITS) throw new Error(`Not all passed: ${JSON.stringify(run)}`)
    ours.push(run)
    theirs.push(await peer.run(made.folder, COMMITS + 1))
    limits.push(await verifyLimit(kind.signatures))
  }
  peer.close()
  const whole = median(ours.map(({ ms }) => ms))
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
  return [
    compared(`verify ${COMMITS} commits, ${kind.name}: whole process`, whole),
    compared('the same without start and fetch', judging),
  ]
}

function rate(ms: number): string {
  return `${Math.round(COMMITS / (ms / 1000))}/s`
}
