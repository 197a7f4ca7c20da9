import { dirname, join, resolve } from 'node:path'
import { sha256 } from '../../core/digest.ts'
import { isObject, parseJson } from '../../core/json.ts'
import { LIMITS } from '../../core/limits.ts'
import { maybe } from '../../core/maybe.ts'
import { printable } from '../../core/text.ts'
import { exists, readFileBounded } from '../../io/files.ts'
import { HttpClient } from '../../io/http.ts'
import { type HeldFile, heldFiles, QUARANTINE_FOLDER, RELEASE_NAME } from '../../pipeline/quarantine-file.ts'
import { RECORD_BYTES } from '../../pipeline/quarantine-file-record.ts'
import { quarantinedDigests } from '../../policy/quarantine-edit.ts'
import type { KeyMaterial } from '../../sigstore/verify/keys.ts'
import { policyText } from '../quarantine-policy.ts'
import { type FoundRecords, recordPlace, recordsOf, signerText } from '../quarantine-records.ts'
import { recordTrust } from '../quarantine-signer.ts'
import { findTarget, type Target, targetWorld } from '../quarantine-target.ts'
import { type CommandLine, command, type Desk, usage } from './command.ts'

export interface QuarantineList {
  readonly references: readonly string[]
  readonly policy?: string
  readonly directory: string
  readonly trustedRoot?: string
  /** Path of a public key. */
  readonly key?: string
  readonly filesRepository?: string
  readonly insecureRegistries: readonly string[]
  readonly json: boolean
}

const WORDS = 'quarantine list'
const OPTIONS = {
  policy: { type: 'string' },
  'quarantine-directory': { type: 'string' },
  'trusted-root': { type: 'string' },
  key: { type: 'string' },
  'files-repository': { type: 'string' },
  'insecure-registry': { type: 'string', multiple: true },
} as const

export const quarantineListCommand = command({
  words: WORDS,
  synopsis: 'quarantine list [REFERENCE…] [--policy FILE] [--quarantine-directory DIR]',
  usage: `waybill quarantine list – what is held back: by the policy, in the quarantine directory, by records at an image

  waybill quarantine list [REFERENCE…] [--policy FILE] [--quarantine-directory DIR]

  --policy FILE                       its list quarantined: (default: .github/waybill.yml, if it is here)
  --quarantine-directory DIR          where rejected files were moved (default: ${QUARANTINE_FOLDER})
  --trusted-root FILE                 by which records at an image are verified (default: the public instance’s)
  --key FILE                          a public key in PEM; records that it signed are verified, too
  --files-repository REPOSITORY       registry repository with the bundles of files: REFERENCE may then be a file or digest
  --insecure-registry HOST[:PORT]     a registry without TLS (may be repeated)
  --json                              the same as JSON on stdout

Records are shown with who signed them. Anybody may write one; whether it counts, quarantine-by of a deploy rule says.

Example:
  waybill quarantine list ghcr.io/acme/app:v1
`,
  options: OPTIONS,
  read: readQuarantineList,
  run: runQuarantineList,
})

/** @throws `entry/usage` */
function readQuarantineList({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): QuarantineList {
  const { policy, json = false } = values
  const root = values['trusted-root']
  if (root !== undefined && references.length === 0)
    throw usage('A trust root verifies records at an image', 'a reference beside --trusted-root', 'none')
  return {
    references,
    ...(policy === undefined ? {} : { policy }),
    directory: values['quarantine-directory'] ?? QUARANTINE_FOLDER,
    ...(root === undefined ? {} : { trustedRoot: root }),
    ...(values.key === undefined ? {} : { key: values.key }),
    ...(values['files-repository'] === undefined ? {} : { filesRepository: values['files-repository'] }),
    insecureRegistries: values['insecure-registry'] ?? [],
    json,
  }
}

interface Listed {
  readonly policy: readonly object[]
  readonly files: readonly object[]
  readonly images: readonly object[]
}

async function runQuarantineList(wish: QuarantineList, desk: Desk): Promise<number> {
  const { world } = desk
  const http = new HttpClient({ plainHttpHosts: wish.insecureRegistries })
  try {
    const where = await targetWorld(desk, http, wish)
    const policy = await policyText(wish.policy, desk)
    const entries = policy === undefined ? [] : quarantinedDigests(policy.text, policy.name)
    const held = await heldFiles(where.directory)
    const images: { readonly target: Target; readonly found: FoundRecords }[] = []
    const keys = wish.key === undefined ? [] : [await publicKeyIn(wish.key, desk)]
    const trust = wish.references.length === 0 ? undefined : await recordTrust(wish, desk)
    for (const reference of wish.references) {
      const target = await findTarget(reference, where)
      const place = recordPlace(target, wish.filesRepository, where.registry)
      if (place === undefined || trust === undefined)
        throw usage('Records are at images, and of files in a repository', '--files-repository beside it', target.name)
      images.push({ target, found: await recordsOf(place, target.digest, trust, keys) })
    }
    const notes = new Map(await Promise.all(held.map(async file => [file, await releaseNote(file)] as const)))
    const files = held.map(file => ({ ...fileData(file), ...maybe('released', notes.get(file)) }))
    const data: Listed = { policy: entries, files, images: images.map(imageData) }
    if (wish.json) world.out(`${JSON.stringify({ schemaVersion: 1, command: WORDS, data }, null, 2)}\n`)
    else {
      const lines = [
        ...entries.map(({ digest, reason, since }) => `policy  ${digest}  since ${since}: ${reason}`),
        ...held.flatMap(file => fileLines(file, notes.get(file))),
        ...images.flatMap(imageLines),
      ]
      world.out(`${(lines.length === 0 ? ['Nothing is in quarantine here.'] : lines).map(shown).join('\n')}\n`)
    }
    return 0
  } finally {
    http.close()
  }
}

async function publicKeyIn(path: string, { world }: Desk): Promise<KeyMaterial> {
  const bytes = await readFileBounded(resolve(world.workingFolder, path), LIMITS.policyFileBytes)
  return { publicKey: Buffer.from(bytes).toString('utf8') }
}

/** One line each, whatever strangers wrote into it. */
function shown(line: string): string {
  return printable(line, 1_000)
}

function fileData({ path, record, unfinished }: HeldFile): object {
  return { path, ...record, unfinished }
}

/** The reason of a release of this very record; it decides nothing, the gate judges the file again. */
async function releaseNote({ path }: HeldFile): Promise<string | undefined> {
  const note = join(dirname(path), RELEASE_NAME)
  if (!(await exists(note))) return undefined
  const value = parseJson(await readFileBounded(note, RECORD_BYTES), RELEASE_NAME)
  const record = sha256(await readFileBounded(path, RECORD_BYTES))
  return isObject(value) && value.record === record && typeof value.reason === 'string' ? value.reason : undefined
}

function fileLines({ path, record, unfinished }: HeldFile, released: string | undefined): readonly string[] {
  const { digest, subject, quarantinedAt, codes } = record
  return [
    `file    ${digest}  since ${quarantinedAt}: ${subject}, ${codes.join(', ')}`,
    `        ${path}`,
    ...(released === undefined ? [] : [`        released: ${released}`]),
    ...unfinished.map(place => `        still lies, or lies again, at ${place}`),
  ]
}

function imageData({ target, found }: { readonly target: Target; readonly found: FoundRecords }): object {
  const records = found.records.map(({ signed, word, released }) => ({
    record: signed.payload,
    bundle: signed.bundle,
    ...word,
    released,
    signer: signerText(signed),
    ...(signed.signedAt === undefined ? {} : { signedAt: signed.signedAt.toISOString() }),
  }))
  return { name: target.name, digest: target.digest, records, ignored: found.ignored, complete: found.complete }
}

function imageLines({ target, found }: { readonly target: Target; readonly found: FoundRecords }): readonly string[] {
  return [
    `image   ${target.digest}  ${target.name}`,
    ...found.records.map(({ signed, word, released }) => {
      const state = word.releases === undefined ? (released ? 'released' : 'stands') : `releases ${word.releases}`
      const scope = [word.policy, word.environment].filter(part => part !== undefined).join(', ')
      return `        ${word.decision} ${signed.payload} (${state}) ${signed.signedAt?.toISOString() ?? 'at an unknown time'} by ${signerText(signed)}${scope === '' ? '' : ` for ${scope}`}: ${word.reason}`
    }),
    ...(found.records.length === 0 ? ['        no record that verifies'] : []),
    ...(found.ignored === 0 ? [] : [`        ${found.ignored} bundles do not verify and say nothing`]),
    ...(found.complete ? [] : ['        the list could not be read to its end; there may be more']),
  ]
}
