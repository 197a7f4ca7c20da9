import { createHash } from 'node:crypto'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import { WaybillError } from '../../src/core/error.ts'
import type { CommitFacts, LawFiles, MalformedCommit, SignatureFact, TrustedTime } from '../../src/core/facts.ts'
import { parseAuthorizedKey } from '../../src/core/ssh-key.ts'
import { parseLaw } from '../../src/policy/law.ts'

/** A small world for policy tests: persons with SSH keys, commits signed by them, `.github` folders. No git, no clock. */
export const NOW = new Date('2026-06-01T12:00:00Z')
export const MAIN = 'refs/heads/main'

/** The SSH public key of a person: any 32 bytes have the shape of one, and nothing is verified here. */
export function sshLine(name: string): string {
  const key = createHash('sha256').update(name).digest()
  const part = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
  const blob = Buffer.concat([part(Buffer.from('ssh-ed25519')), part(key)])
  return `ssh-ed25519 ${blob.toString('base64')}`
}

export function sshFingerprintOf(name: string): string {
  return parseAuthorizedKey(sshLine(name)).fingerprint
}

export function idOf(text: string): CommitId {
  return parseCommitId(createHash('sha1').update(text).digest('hex'))
}

/** `{{alice}}` in a policy stands for alice's SSH key, `{{alice.fingerprint}}` for its fingerprint. */
export function filled(text: string): string {
  return text
    .replace(/\{\{([a-z0-9-]+)\.fingerprint\}\}/g, (_all, name: string) => sshFingerprintOf(name))
    .replace(/\{\{([a-z0-9-]+)\.id\}\}/g, (_all, name: string) => idOf(name))
    .replace(/\{\{([a-z0-9-]+)\}\}/g, (_all, name: string) => sshLine(name))
}

/** alice and bob maintain, carol develops; mallory is nobody. */
export const POLICY = filled(`version: 1
principals:
  alice: {emails: [alice@example.com], signers: [{ssh: {key: "{{alice}}"}}]}
  bob: {emails: [bob@example.com], signers: [{ssh: {key: "{{bob}}"}}]}
  carol: {emails: [carol@example.com], signers: [{ssh: {key: "{{carol}}"}}]}
roles: {maintainers: [alice, bob], developers: ["@maintainers", carol]}
source:
  - refs: [refs/heads/main]
    commits: {signers: ["@developers"]}
policy-change: {signers: ["@maintainers"]}
`)

/** The same people with their accounts, and dave who develops and dependabot who has no key. */
export const PEOPLE = filled(`version: 1
principals:
  alice: {github: {login: alice, id: 101}, emails: [alice@example.com], signers: [{ssh: {key: "{{alice}}"}}]}
  bob: {github: {login: bob, id: 102}, emails: [bob@example.com], signers: [{ssh: {key: "{{bob}}"}}]}
  carol: {github: {login: carol, id: 103}, emails: [carol@example.com], signers: [{ssh: {key: "{{carol}}"}}]}
  dave: {github: {login: dave, id: 104}, emails: [dave@example.com], signers: [{ssh: {key: "{{dave}}"}}]}
  dependabot: {github: {login: "dependabot[bot]", id: 199}}
roles: {maintainers: [alice, bob], developers: ["@maintainers", carol, dave], bots: [dependabot]}
source:
  - refs: [refs/heads/main]
    commits: {signers: ["@developers", "@bots"]}
policy-change: {signers: ["@maintainers"]}
`)

/** Numbers of accounts; eve and mallory are nobody's principal. */
export const ACCOUNTS: Readonly<Record<string, number>> = {
  alice: 101,
  bob: 102,
  carol: 103,
  dave: 104,
  eve: 105,
  mallory: 106,
  dependabot: 199,
}

export type Files = Readonly<Record<string, string>>

export const BASE: Files = {
  '.github/waybill.yml': POLICY,
  '.github/workflows/ci.yml': 'on: push\n',
  '.github/CODEOWNERS': '* @alice\n',
}

export function lawFiles(files: Files): LawFiles {
  const list = Object.entries(files).map(([path, text]) => ({ path, id: idOf(text), bytes: Buffer.from(text) }))
  return { tree: idOf(JSON.stringify(Object.entries(files).sort())), files: list }
}

export const LAW = parseLaw(lawFiles(BASE))

export interface CommitOptions {
  /** Whose SSH key signs; none: unsigned. `platform`: the platform's own key. */
  readonly by?: string
  /** Of the committer, and of the author unless one is named. */
  readonly email?: string
  /** Who the author line names. */
  readonly author?: string
  /** Names of commits. */
  readonly parents?: readonly string[]
  /** A trusted time, from the log unless another source is named: `source-vsa 2026-05-01`. */
  readonly time?: string
  readonly signature?: SignatureFact
  readonly subject?: string
}

export function commit(name: string, options: CommitOptions = {}): CommitFacts {
  const { by, author = by ?? 'nobody', parents = [], time } = options
  const email = options.email ?? (by === 'platform' ? 'noreply@github.com' : `${by ?? 'nobody'}@example.com`)
  const person = { name: by ?? 'Nobody', email, time: 1_780_000_000, offset: '+0000' }
  const own = options.author === undefined ? person : { ...person, name: author, email: `${author}@example.com` }
  return {
    id: idOf(name),
    tree: idOf(`tree ${name}`),
    parents: parents.map(idOf),
    author: own,
    committer: person,
    subject: options.subject ?? name,
    signature: options.signature ?? signatureOf(by),
    ...(time === undefined ? {} : { trustedTime: timeOf(time) }),
  }
}

/** `2026-05-01`, or with its source `platform 2026-05-01`. */
export function timeOf(text: string): TrustedTime {
  const [date = '', from = 'log'] = text.split(' ').reverse()
  return { time: new Date(date), from: from as TrustedTime['from'] }
}

export function signatureOf(by: string | undefined): SignatureFact {
  if (by === undefined) return { kind: 'none' }
  if (by === 'platform') return PLATFORM_SIGNATURE
  if (by === 'server') return { ...PLATFORM_SIGNATURE, fingerprint: 'C'.repeat(40), primary: 'C'.repeat(40) }
  return { kind: 'ssh', fingerprint: sshFingerprintOf(by), algorithm: 'ssh-ed25519', bits: 256 }
}

const PLATFORM_SIGNATURE = {
  kind: 'openpgp',
  fingerprint: '968479A1AFF927E37D1A566BB5690EEEBB952194',
  primary: '968479A1AFF927E37D1A566BB5690EEEBB952194',
  algorithm: 'rsa',
  bits: 4096,
  claimedTime: new Date('2026-05-30T10:00:00Z'),
  keyRevoked: false,
} as const

export function malformed(name: string): MalformedCommit {
  return {
    id: idOf(name),
    parents: [],
    malformed: { code: 'source/malformed', message: 'Two trees', found: 'two trees' },
  }
}

/** The error a call throws; a test that expects one and gets none fails with a sentence. */
export function errorOf(call: () => unknown): WaybillError {
  try {
    call()
  } catch (error) {
    if (error instanceof WaybillError) return error
    throw error
  }
  throw new Error('Expected an error, but the call returned')
}
