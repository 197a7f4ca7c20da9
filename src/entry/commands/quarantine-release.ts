import { dirname, join } from 'node:path'
import { type Digest, parseDigest, sha256 } from '../../core/digest.ts'
import { fail } from '../../core/error.ts'
import { isPrintable, printable } from '../../core/text.ts'
import { readFileBounded, writeFileAtomic } from '../../io/files.ts'
import { HttpClient } from '../../io/http.ts'
import {
  type HeldFile,
  heldFiles,
  QUARANTINE_FOLDER,
  RELEASE_NAME,
  restoreFiles,
} from '../../pipeline/quarantine-file.ts'
import { RECORD_BYTES } from '../../pipeline/quarantine-file-record.ts'
import { removeQuarantined } from '../../policy/quarantine-edit.ts'
import { policyText, proposePolicy } from '../quarantine-policy.ts'
import { type FoundRecord, recordPlace, recordsOf, signerText } from '../quarantine-records.ts'
import {
  ownKeys,
  readSignerChoice,
  recordPorts,
  recordTrust,
  SIGNER_OPTIONS,
  SIGNER_USAGE,
  type SignerChoice,
} from '../quarantine-signer.ts'
import { findTarget, type Target, type TargetWorld, targetWorld } from '../quarantine-target.ts'
import { type CommandLine, command, type Desk, noMore, usage } from './command.ts'

export interface QuarantineRelease {
  readonly target: string
  readonly reason: string
  readonly policy?: string
  /** Exactly this record; default: every one that stands. */
  readonly record?: Digest
  readonly restore: boolean
  readonly signer: SignerChoice
  readonly json: boolean
}

const WORDS = 'quarantine release'
const OPTIONS = {
  reason: { type: 'string' },
  policy: { type: 'string' },
  record: { type: 'string' },
  restore: { type: 'boolean' },
  ...SIGNER_OPTIONS,
} as const

export const quarantineReleaseCommand = command({
  words: WORDS,
  synopsis: 'quarantine release (REFERENCE | FILE | RECORD | DIGEST) --reason TEXT [--policy FILE] [--restore]',
  usage: `waybill quarantine release – end a quarantine: in the policy, of signed records, of a file

  waybill quarantine release (REFERENCE | FILE | RECORD | DIGEST) --reason TEXT [--policy FILE] [--restore]

  --reason TEXT                       why, on one line; in a signed release it is public
  --policy FILE                       the policy to edit (default: .github/waybill.yml, if it is here)
  --json                              what was done, as JSON on stdout

A digest is taken out of quarantined: of the policy on disk; the commands to commit that, signed, are printed.

Records at an image, or of a file in --files-repository, are ended by a signed release that names them; only
one by the same signer, or by another that quarantine-by of the rule names, counts:
  --record sha256:…                   this record alone (default: every one that stands)
${SIGNER_USAGE}

A file (RECORD is the record.json beside it, FILE the place where it lay):
  --restore                           put it back, with its bundle, if nothing lies there and its bytes are what they were
  --quarantine-directory DIR          where rejected files were moved (default: ${QUARANTINE_FOLDER})

Nothing passes because it was released: the next gate judges again.

Example:
  waybill quarantine release ghcr.io/acme/app@sha256:… --reason 'the rule named the old workflow' --identity-token-file token
`,
  prints: 'report',
  options: OPTIONS,
  read: readQuarantineRelease,
  run: runQuarantineRelease,
})

/** @throws `entry/usage` */
function readQuarantineRelease({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): QuarantineRelease {
  const [target] = references
  if (target === undefined) throw usage('There is nothing to release', 'a reference, a file or a digest', 'nothing')
  noMore(references, WORDS, 1)
  const { reason, policy, record, restore = false, json = false } = values
  if (reason === undefined) throw usage('Why it is released is not said', '--reason TEXT', 'nothing')
  if (reason === '' || reason.length > 500 || !isPrintable(reason))
    throw usage('The reason is not a line of text', '1 to 500 characters on one line', reason)
  return {
    target,
    reason,
    ...(policy === undefined ? {} : { policy }),
    ...(record === undefined ? {} : { record: parseDigest(record) }),
    restore,
    signer: readSignerChoice(values, QUARANTINE_FOLDER),
    json,
  }
}

interface Step {
  readonly lines: readonly string[]
  readonly data: object
}

async function runQuarantineRelease(wish: QuarantineRelease, desk: Desk): Promise<number> {
  const { world } = desk
  const http = new HttpClient({ plainHttpHosts: wish.signer.insecureRegistries })
  try {
    const where = await targetWorld(desk, http, wish.signer)
    const target = await findTarget(wish.target, where)
    const steps = [
      await releaseRecords(wish, target, where, http),
      await releaseFile(wish, target, where),
      await releasePolicy(wish, target, desk),
    ].filter(step => step !== undefined)
    if (steps.length === 0) throw nothing(target)
    const lines = steps.flatMap(step => step.lines)
    const data = Object.assign({ name: target.name, digest: target.digest, lines }, ...steps.map(step => step.data))
    if (wish.json) world.out(`${JSON.stringify({ schemaVersion: 1, command: WORDS, data }, null, 2)}\n`)
    else world.out(`${lines.map(line => printable(line, 1_000)).join('\n')}\n`)
    return 0
  } finally {
    http.close()
  }
}

async function releasePolicy(wish: QuarantineRelease, { digest }: Target, desk: Desk): Promise<Step | undefined> {
  const policy = await policyText(wish.policy, desk)
  const text = policy === undefined ? undefined : removeQuarantined(policy.text, policy.name, digest)
  if (policy === undefined || text === undefined) return undefined
  return { lines: await proposePolicy(policy, text, 'Release', digest), data: { policy: policy.name } }
}

async function releaseRecords(
  wish: QuarantineRelease,
  target: Target,
  { registry, desk, directory }: TargetWorld,
  http: HttpClient,
): Promise<Step | undefined> {
  const place = recordPlace(target, wish.signer.filesRepository, registry)
  if (place === undefined) return undefined
  const trust = await recordTrust(wish.signer, desk)
  const { records, complete } = await recordsOf(place, target.digest, trust, await ownKeys(wish.signer, desk))
  const standing = records.filter(
    ({ signed, word, released }) =>
      word.decision === 'quarantine' && !released && (wish.record === undefined || signed.payload === wish.record),
  )
  if (standing.length === 0) {
    if (wish.record !== undefined) throw nothing(target, `${wish.record} does not stand there`)
    if (!complete) throw fail('registry/referrers-incomplete', `Not every record at ${target.name} could be read`)
    return undefined
  }
  const ports = recordPorts(wish.signer, { desk, http, directory })
  const released = []
  for (const record of distinct(standing)) {
    const { word, signed } = record
    const release = { ...word, decision: 'release', releases: signed.payload, reason: wish.reason, codes: [] } as const
    const { receipt, payload } = await place.write(release, ports)
    released.push({ record: signed.payload, release: payload, by: signerText(signed), receipt })
  }
  return {
    lines: released.map(({ record, release, by }) => `Record ${record} of ${by} is released by ${release}.`),
    data: { released },
  }
}

/** One record may lie there in several bundles. */
function distinct(records: readonly FoundRecord[]): readonly FoundRecord[] {
  return [...new Map(records.map(record => [record.signed.payload, record])).values()]
}

async function releaseFile(
  wish: QuarantineRelease,
  target: Target,
  { directory }: TargetWorld,
): Promise<Step | undefined> {
  if (target.kind === 'image') return undefined
  const held =
    target.kind === 'held'
      ? target.held
      : (await heldFiles(directory)).find(({ record }) => record.digest === target.digest)
  if (held === undefined) return undefined
  const record = await noteRelease(held, wish.reason)
  const restored = wish.restore ? await restoreFiles(held.path, held.record) : []
  return {
    lines: [
      `${held.record.subject} is released; ${record} says so.`,
      ...(wish.restore
        ? restored.map(path => `Put back: ${path}`)
        : [`It stays in ${dirname(held.path)}; --restore puts it back.`]),
    ],
    data: { file: held.path, restored },
  }
}

/** For people who look into the folder later. It has no power: the next gate judges the file again. */
async function noteRelease({ path }: HeldFile, reason: string): Promise<string> {
  const note = join(dirname(path), RELEASE_NAME)
  const record = sha256(await readFileBounded(path, RECORD_BYTES))
  const text = JSON.stringify({ schemaVersion: 1, record, reason, releasedAt: new Date().toISOString() }, null, 2)
  await writeFileAtomic(note, `${text}\n`, 0o600)
  return note
}

function nothing(target: Target, found = 'no record that stands, no file, no entry of the policy'): Error {
  return fail('pipeline/quarantine-nothing', `${target.name} is not in quarantine here`, {
    expected: target.digest,
    found,
  })
}
