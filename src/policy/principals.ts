import { WaybillError } from '../core/error.ts'
import { parseAuthorizedKey } from '../core/ssh-key.ts'
import { emailKey } from './email.ts'
import { KEYS, SNAPSHOT_KEYS } from './keys.ts'
import { type FileReading, inlineKey, namedFile } from './paths.ts'
import type { Principal, PrincipalSigner } from './policy.ts'
import {
  asciiOf,
  dateOf,
  type Field,
  fieldsOf,
  integerOf,
  listOf,
  namedFields,
  onlyKey,
  required,
  unsupportedKey,
  wrong,
} from './read.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** Persons and machines of one file. Roles multiply them, see `roles.ts`. */
const MAX_PRINCIPALS = 1_000
const LOGIN = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}|[A-Za-z0-9-]{0,90}\[bot\])$/

/**
 * Persons and machines, each with the keys that are theirs. No two may share a key, an account or an e-mail (13-adversary 10).
 * @param owners what identifies somebody → whose it is; shared by all files that declare principals of one policy.
 */
export function parsePrincipals(
  reading: FileReading,
  field: Field | undefined,
  owners: Map<string, string> = new Map(),
): ReadonlyMap<string, Principal> {
  const principals = new Map<string, Principal>()
  if (field === undefined) return principals
  const written = namedFields(reading, field)
  if (written.size > MAX_PRINCIPALS) throw wrong(reading, field, `has more than ${MAX_PRINCIPALS} principals`)
  for (const [name, value] of written) {
    if (!NAME.test(name)) throw wrong(reading, value, 'is not a usable name', 'letters, digits, ".", "_", "-"', name)
    const principal = parsePrincipal(reading, name, value)
    claim(reading, value, principal, owners)
    principals.set(name, principal)
  }
  return principals
}

function parsePrincipal(reading: FileReading, name: string, field: Field): Principal {
  const fields = fieldsOf(reading, field, KEYS.principal)
  const github = fields.get('github')
  const emails = fields.get('emails')
  const signers = fields.get('signers')
  const principal: Principal = {
    name,
    emails: emails === undefined ? [] : listOf(reading, emails).map(item => parseEmail(reading, item)),
    signers: signers === undefined ? [] : listOf(reading, signers).map(item => parseSigner(reading, item)),
    ...(github === undefined ? {} : { github: parseAccount(reading, github) }),
  }
  // Without an e-mail every commit of this principal would be rejected, without a word that the policy is at fault.
  if (principal.signers.length > 0 && principal.emails.length === 0)
    throw wrong(
      reading,
      field,
      'has signers but no emails, so none of its commits could be accepted',
      'emails: [alice@example.com]',
    )
  return principal
}

function parseAccount(reading: FileReading, field: Field): NonNullable<Principal['github']> {
  const fields = fieldsOf(reading, field, KEYS.account)
  const login = asciiOf(reading, required(reading, field, fields, 'login'))
  if (!LOGIN.test(login))
    throw wrong(reading, field, 'has a login GitHub would not give', 'a login, or name[bot]', login)
  return { login, id: integerOf(reading, required(reading, field, fields, 'id')) }
}

function parseEmail(reading: FileReading, field: Field): string {
  const email = asciiOf(reading, field)
  if (email.length > 254 || !/^[^\s@<>]+@[^\s@<>]+$/.test(email))
    throw wrong(reading, field, 'is not an e-mail address', 'alice@example.com', email)
  return email
}

function parseSigner(reading: FileReading, field: Field): PrincipalSigner {
  const { key, value } = onlyKey(reading, field, KEYS.principalSigner)
  return key === 'openpgp' ? parseOpenpgp(reading, value) : parseSsh(reading, value)
}

function parseOpenpgp(reading: FileReading, field: Field): PrincipalSigner {
  const fields = fieldsOf(reading, field, reading.inline === undefined ? KEYS.openpgp : SNAPSHOT_KEYS.openpgp)
  const fingerprint = required(reading, field, fields, 'fingerprint')
  const hex = asciiOf(reading, fingerprint).replaceAll(' ', '').toUpperCase()
  // A key id (8 or 16 digits) can be made to order; only the whole fingerprint names one key.
  if (!/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(hex))
    throw wrong(
      reading,
      fingerprint,
      'is not a whole fingerprint',
      '40 or 64 hex digits, as printed by: gpg --fingerprint',
      hex,
    )
  const file =
    reading.inline === undefined
      ? namedFile(reading, required(reading, field, fields, 'file'), 'openpgp')
      : inlineKey(reading, required(reading, field, fields, 'armor'), hex)
  return { kind: 'openpgp', fingerprint: hex, file, ...notAfter(reading, fields.get('not-after')) }
}

function parseSsh(reading: FileReading, field: Field): PrincipalSigner {
  const fields = fieldsOf(reading, field, KEYS.ssh)
  const key = required(reading, field, fields, 'key')
  const { algorithm, fingerprint } = sshKey(reading, key)
  if (algorithm.startsWith('sk-'))
    throw unsupportedKey({ path: reading.path, at: key.node.at }, key.name, algorithm, {
      judged: ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa'],
      later: [algorithm],
    })
  return { kind: 'ssh', fingerprint, algorithm, require: [], ...notAfter(reading, fields.get('not-after')) }
}

function sshKey(reading: FileReading, field: Field): { readonly algorithm: string; readonly fingerprint: string } {
  const text = asciiOf(reading, field)
  try {
    return parseAuthorizedKey(text)
  } catch (error) {
    const why = error instanceof WaybillError ? error.message : 'it cannot be read'
    throw wrong(reading, field, `is not a usable SSH public key: ${why}`, 'one line of a .pub file')
  }
}

function notAfter(reading: FileReading, field: Field | undefined): { readonly notAfter?: Date } {
  return field === undefined ? {} : { notAfter: dateOf(reading, field) }
}

/** Registers everything that identifies a principal; what another one has already is refused. */
function claim(reading: FileReading, field: Field, principal: Principal, owners: Map<string, string>): void {
  const claims = [
    ...principal.emails.map(email => [`the e-mail ${email}`, `email ${emailKey(email)}`] as const),
    ...principal.signers.flatMap(signer =>
      'fingerprint' in signer ? [[`the key ${signer.fingerprint}`, `key ${signer.fingerprint}`] as const] : [],
    ),
    ...(principal.github === undefined
      ? []
      : ([
          [`the GitHub id ${principal.github.id}`, `id ${principal.github.id}`],
          [`the GitHub login ${principal.github.login}`, `login ${principal.github.login.toLowerCase()}`],
        ] as const)),
  ]
  for (const [shown, key] of claims) {
    const owner = owners.get(key)
    if (owner !== undefined && owner !== principal.name)
      throw wrong(reading, field, `has ${shown}, which is also ${owner}’s: persons could not be told apart`)
    if (owner === principal.name) throw wrong(reading, field, `names ${shown} twice`)
    owners.set(key, principal.name)
  }
}
