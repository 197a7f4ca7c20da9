import { printable } from '../../core/text.ts'
import { HttpClient } from '../../io/http.ts'
import { QUARANTINE_FOLDER } from '../../pipeline/quarantine-file.ts'
import type { RecordPorts, SignedRecord } from '../../pipeline/quarantine-record.ts'
import { addQuarantined } from '../../policy/quarantine-edit.ts'
import type { QuarantineRecord } from '../../statements/quarantine.ts'
import { policyText, proposePolicy } from '../quarantine-policy.ts'
import { type RecordPlace, recordPlace } from '../quarantine-records.ts'
import { readSignerChoice, recordPorts, SIGNER_OPTIONS, SIGNER_USAGE, type SignerChoice } from '../quarantine-signer.ts'
import { findTarget, type Target, targetWorld } from '../quarantine-target.ts'
import { type CommandLine, command, type Desk, noMore, usage } from './command.ts'

export interface QuarantineAdd {
  readonly target: string
  readonly reason: string
  readonly policy?: string
  readonly attest: boolean
  readonly scope: Pick<QuarantineRecord, 'policy' | 'environment'>
  readonly signer: SignerChoice
  readonly json: boolean
}

const WORDS = 'quarantine add'
const OPTIONS = {
  reason: { type: 'string' },
  policy: { type: 'string' },
  attest: { type: 'boolean' },
  'scope-policy': { type: 'string' },
  environment: { type: 'string' },
  ...SIGNER_OPTIONS,
} as const

export const quarantineAddCommand = command({
  words: WORDS,
  synopsis: 'quarantine add (REFERENCE | FILE | DIGEST) --reason TEXT [--policy FILE] [--attest]',
  usage: `waybill quarantine add – prepare the commit that holds a digest back wherever the policy judges

  waybill quarantine add (REFERENCE | FILE | DIGEST) --reason TEXT [--policy FILE] [--attest]

  --reason TEXT                       why, on one line; it stands in the policy, and with --attest in a public log
  --policy FILE                       the policy to edit (default: .github/waybill.yml)
  --json                              what was done, as JSON on stdout

The digest goes into quarantined: of the policy, comments and everything else stay as they are. The file is changed on disk
only; the commands to commit it, signed, are printed.

An early warning besides, for an image, or a file with --files-repository:
  --attest                            attach a signed quarantine record and have it logged
  --scope-policy URI                  for which policy it holds: git+https://github.com/acme/app#.github/waybill.yml
  --environment NAME                  and for which environment
${SIGNER_USAGE}
  --quarantine-directory DIR          where its bundle is kept (default: ${QUARANTINE_FOLDER})

Example:
  waybill quarantine add ghcr.io/acme/app:v1 --reason 'signed by somebody else'
`,
  prints: 'report',
  options: OPTIONS,
  read: readQuarantineAdd,
  run: runQuarantineAdd,
})

/** @throws `entry/usage` */
function readQuarantineAdd({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): QuarantineAdd {
  const [target] = references
  if (target === undefined) throw usage('There is nothing to quarantine', 'a reference, a file or a digest', 'nothing')
  noMore(references, WORDS, 1)
  const { reason, policy, attest = false, environment, json = false } = values
  if (reason === undefined) throw usage('Why it is quarantined is not said', '--reason TEXT', 'nothing')
  const scope = values['scope-policy']
  if (
    !attest &&
    (scope !== undefined ||
      environment !== undefined ||
      values['identity-token-file'] !== undefined ||
      values.key !== undefined)
  )
    throw usage('A scope and a signer belong to a signed record', '--attest beside them')
  return {
    target,
    reason,
    ...(policy === undefined ? {} : { policy }),
    attest,
    scope: {
      ...(scope === undefined ? {} : { policy: scope }),
      ...(environment === undefined ? {} : { environment }),
    },
    signer: readSignerChoice(values, QUARANTINE_FOLDER),
    json,
  }
}

async function runQuarantineAdd(wish: QuarantineAdd, desk: Desk): Promise<number> {
  const { world } = desk
  const http = new HttpClient({ plainHttpHosts: wish.signer.insecureRegistries })
  try {
    const where = await targetWorld(desk, http, wish.signer)
    // Whatever could be wrong with the command line is found before anything is written.
    const signing = wish.attest ? recordPorts(wish.signer, { desk, http, directory: where.directory }) : undefined
    const target = await findTarget(wish.target, where)
    const place = recordPlace(target, wish.signer.filesRepository, where.registry)
    if (signing !== undefined && place === undefined)
      throw usage('The signed record has no place', 'an image, or --files-repository REPOSITORY', target.name)
    const lines = await policyLines(wish, target, desk)
    const record = await attest(wish, target, place, signing)
    if (record !== undefined) lines.push(`A signed record ${record.payload} is kept with ${place?.name}.`)
    const { name, digest } = target
    const data = { name, digest, lines, ...(record === undefined ? {} : { record: record.receipt }) }
    if (wish.json) world.out(`${JSON.stringify({ schemaVersion: 1, command: WORDS, data }, null, 2)}\n`)
    else
      world.out(
        `${[name.endsWith(digest) ? printable(name) : `${printable(name)} is ${digest}`, ...lines.map(line => printable(line, 1_000))].join('\n')}\n`,
      )
    return 0
  } finally {
    http.close()
  }
}

async function policyLines(wish: QuarantineAdd, { digest }: Target, desk: Desk): Promise<string[]> {
  const policy = await policyText(wish.policy, desk)
  if (policy === undefined)
    throw usage('There is no policy to edit here', '--policy FILE, or run it where .github/waybill.yml is', 'none')
  const since = new Date().toISOString().slice(0, 10)
  const text = addQuarantined(policy.text, policy.name, { digest, reason: wish.reason, since })
  if (text === policy.text) return [`${policy.name} holds it back already; nothing was changed.`]
  return [...(await proposePolicy(policy, text, 'Quarantine', digest))]
}

async function attest(
  { reason, scope }: QuarantineAdd,
  { digest }: Target,
  place: RecordPlace | undefined,
  signing: RecordPorts | undefined,
): Promise<SignedRecord | undefined> {
  if (signing === undefined || place === undefined) return undefined
  return place.write({ digest, decision: 'quarantine', ...scope, reason, codes: [] }, signing)
}
