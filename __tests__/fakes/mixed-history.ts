import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import * as openpgp from 'openpgp'
import { Gpg } from './gpg.ts'
import { TestRepository, withSignature } from './repository.ts'
import { makeSshKey, type SshKind, sshsigOf } from './ssh-keys.ts'

/** What a commit of the history is. */
export type MixedKind = keyof typeof KINDS

/** How often each kind comes in a hundred commits. */
const KINDS = {
  'openpgp rsa4096': 12,
  'openpgp rsa3072': 14,
  'openpgp ed25519': 16,
  'ssh ed25519': 16,
  'ssh ecdsa': 12,
  'ssh rsa': 10,
  'openpgp tampered': 4,
  'openpgp of another commit': 3,
  'openpgp unknown key': 3,
  'ssh tampered': 3,
  'ssh unknown key': 3,
  unsigned: 4,
} as const

/** Every so many of the OpenPGP signatures real gpg makes; the others the library makes with the same keys. */
const REAL_GPG = 25

export interface MixedHistory {
  readonly repository: TestRepository
  readonly anchor: string
  readonly head: string
  /** Commit → what it is. */
  readonly kinds: ReadonlyMap<string, MixedKind>
}

/** Signs bytes as one of the keys would. */
type Sign = (payload: Buffer) => Promise<string> | string

/**
 * A line of so many commits behind an anchor with a policy, of all kinds mixed, good and bad, made in some milliseconds each.
 * The OpenPGP keys are made by real gpg.
 */
export async function makeMixedHistory(folder: string, commits: number): Promise<MixedHistory> {
  const repository = new TestRepository(folder)
  const gpg = new Gpg()
  try {
    const signers = await makeSigners(gpg)
    const files = { '.github/waybill.yml': signers.policy, ...signers.files }
    const anchor = repository.commit({ message: 'Begin', files })
    const tree = repository.git('rev-parse', 'HEAD^{tree}')
    const kinds = new Map<string, MixedKind>()
    let head = anchor
    let before = ''
    for (let at = 0; at < commits; at++) {
      const kind = kindAt(at)
      const payload = payloadOf(tree, head, kind, at)
      const object = await signed(kind, payload, before, signers.by)
      before = payload
      head = writeCommit(folder, object)
      kinds.set(head, kind)
    }
    repository.git('update-ref', 'refs/heads/main', head)
    return { repository, anchor, head, kinds }
  } finally {
    gpg.close()
  }
}

/** All kinds within the first dozen, then in their proportions, spread out. */
function kindAt(at: number): MixedKind {
  const names = Object.keys(KINDS) as MixedKind[]
  if (at < names.length) return names[at] ?? 'unsigned'
  const total = Object.values(KINDS).reduce((sum, share) => sum + share, 0)
  let left = (at * 37) % total
  for (const name of names) {
    left -= KINDS[name]
    if (left < 0) return name
  }
  return 'unsigned'
}

function payloadOf(tree: string, parent: string, kind: MixedKind, at: number): string {
  const name = kind.split(' ').slice(0, 2).join('-')
  const person = `${name} <${name}@example.com> ${1_780_000_000 + at} +0000`
  return `tree ${tree}\nparent ${parent}\nauthor ${person}\ncommitter ${person}\n\nChange ${at}: ${kind}\n`
}

async function signed(
  kind: MixedKind,
  payload: string,
  before: string,
  by: ReadonlyMap<string, Sign>,
): Promise<string> {
  if (kind === 'unsigned') return payload
  const other = kind === 'openpgp of another commit' && before !== '' ? before : payload
  const armor = await (by.get(kind) ?? by.get(kind.startsWith('ssh') ? 'ssh ed25519' : 'openpgp rsa3072'))?.(
    Buffer.from(other),
  )
  const object = withSignature(payload, (armor ?? '').trimEnd())
  return kind.endsWith('tampered') ? object.replace(/^Change/m, 'Changed') : object
}

interface Signers {
  readonly by: ReadonlyMap<string, Sign>
  readonly policy: string
  readonly files: Readonly<Record<string, string>>
}

async function makeSigners(gpg: Gpg): Promise<Signers> {
  const by = new Map<string, Sign>()
  const files: Record<string, string> = {}
  const principals: string[] = []
  for (const algorithm of ['rsa4096', 'rsa3072', 'ed25519']) {
    const name = `openpgp-${algorithm}`
    const fingerprint = gpg.makeKey(`${name} <${name}@example.com>`, algorithm)
    files[`.github/keys/${name}.asc`] = gpg.exported(fingerprint)
    by.set(`openpgp ${algorithm}`, await openpgpSign(gpg, fingerprint))
    principals.push(principal(name, `{openpgp: {fingerprint: ${fingerprint}, file: keys/${name}.asc}}`))
  }
  by.set('openpgp unknown key', await openpgpSign(gpg, gpg.makeKey('nobody', 'ed25519')))
  const ssh: readonly (readonly [string, SshKind])[] = [
    ['ed25519', 'ed25519'],
    ['ecdsa', 'ecdsa256'],
    ['rsa', 'rsa'],
  ]
  for (const [name, kind] of ssh) {
    const key = makeSshKey(kind)
    by.set(`ssh ${name}`, payload => sshsigOf(key, payload))
    principals.push(principal(`ssh-${name}`, `{ssh: {key: "${key.line}"}}`))
  }
  const unknown = makeSshKey('ed25519')
  by.set('ssh unknown key', payload => sshsigOf(unknown, payload))
  return { by, files, policy: policyOf(principals) }
}

const NAMES = ['openpgp-rsa4096', 'openpgp-rsa3072', 'openpgp-ed25519', 'ssh-ed25519', 'ssh-ecdsa', 'ssh-rsa']

function policyOf(principals: readonly string[]): string {
  const rule = `source:\n  - refs: ["refs/heads/main"]\n    commits: {signers: ["@all"]}\n`
  return `version: 1\nprincipals:\n${principals.join('')}roles: {all: [${NAMES.join(', ')}]}\n${rule}policy-change: {signers: ["@all"]}\n`
}

function principal(name: string, signer: string): string {
  return `  ${name}: {emails: [${name}@example.com], signers: [${signer}]}\n`
}

async function openpgpSign(gpg: Gpg, fingerprint: string): Promise<Sign> {
  const armoredKey = gpg.run(['--armor', '--export-secret-keys', fingerprint]).toString()
  const key = await openpgp.readPrivateKey({ armoredKey })
  let count = 0
  return async payload => {
    if (count++ % REAL_GPG === 0) return gpg.sign(fingerprint, payload)
    const message = await openpgp.createMessage({ binary: new Uint8Array(payload) })
    return String(await openpgp.sign({ message, signingKeys: key, detached: true }))
  }
}

/** Writes a loose object; a child process for each would take the longest part of the time. */
function writeCommit(folder: string, object: string): string {
  const bytes = Buffer.from(object, 'utf8')
  const whole = Buffer.concat([Buffer.from(`commit ${bytes.byteLength}\0`), bytes])
  const id = createHash('sha1').update(whole).digest('hex')
  const shelf = `${folder}/.git/objects/${id.slice(0, 2)}`
  mkdirSync(shelf, { recursive: true })
  const file = `${shelf}/${id.slice(2)}`
  if (!existsSync(file)) writeFileSync(file, deflateSync(whole, { level: 1 }))
  return id
}
