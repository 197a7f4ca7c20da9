import { emailKey, parseEmail } from './email.ts'
import { KEYS, SNAPSHOT_KEYS } from './keys.ts'
import { type FileReading, inlineKey, namedFile } from './paths.ts'
import type { Principal, PrincipalSigner } from './policy.ts'
import {
  identitiesOf,
  parsePerson,
  parseSsh,
  parseSshAuthority,
  parseX509,
  refusedKind,
  windowOf,
} from './principal-signer.ts'
import { asciiOf, type Field, fieldsOf, integerOf, listOf, namedFields, onlyKey, required, wrong } from './read.ts'

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

function parseSigner(reading: FileReading, field: Field): PrincipalSigner {
  const kind = refusedKind(reading, field)
  if (kind !== undefined) throw kind
  const { key, value } = onlyKey(reading, field, KEYS.principalSigner)
  if (key === 'openpgp') return parseOpenpgp(reading, value)
  if (key === 'ssh') return parseSsh(reading, value)
  if (key === 'ssh-ca') return parseSshAuthority(reading, value)
  return key === 'x509' ? parseX509(reading, value) : parsePerson(reading, value)
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
  return { kind: 'openpgp', fingerprint: hex, file, ...windowOf(reading, field, fields) }
}

/** Registers everything that identifies a principal; what another one has already is refused. */
function claim(reading: FileReading, field: Field, principal: Principal, owners: Map<string, string>): void {
  for (const [shown, key] of claimsOf(principal)) {
    const owner = owners.get(key)
    if (owner !== undefined && owner !== principal.name) throw shared(reading, field, shown, owner)
    if (owner === principal.name) throw wrong(reading, field, `names ${shown} twice`)
    owners.set(key, principal.name)
  }
  for (const signer of principal.signers) claimAuthority(reading, field, principal, signer, owners)
}

type Claim = readonly [shown: string, key: string]

function claimsOf({ emails, signers, github }: Principal): readonly Claim[] {
  return [
    ...emails.map((email): Claim => [`the e-mail ${email}`, `email ${emailKey(email)}`]),
    ...signers.flatMap(identitiesOf),
    ...(github === undefined
      ? []
      : ([
          [`the GitHub id ${github.id}`, `id ${github.id}`],
          [`the GitHub login ${github.login}`, `login ${github.login.toLowerCase()}`],
        ] as const)),
  ]
}

/**
 * Several may share an authority, but then nobody else may hold its key as his own: with it he could be all of them.
 * An owner of `` stands for several.
 */
function claimAuthority(
  reading: FileReading,
  field: Field,
  { name }: Principal,
  signer: PrincipalSigner,
  owners: Map<string, string>,
): void {
  if (signer.kind !== 'ssh' && signer.kind !== 'ssh-ca') return
  const { kind, fingerprint } = signer
  const other = owners.get(`${kind === 'ssh' ? 'authority' : 'key'} ${fingerprint}`)
  if (other !== undefined && other !== name)
    throw shared(reading, field, `the key ${fingerprint}`, other === '' ? 'the authority of others' : other)
  const authority = owners.get(`authority ${fingerprint}`)
  if (kind === 'ssh-ca')
    owners.set(`authority ${fingerprint}`, authority === undefined || authority === name ? name : '')
}

function shared(reading: FileReading, field: Field, shown: string, owner: string): Error {
  return wrong(reading, field, `has ${shown}, which is also ${owner}’s: persons could not be told apart`)
}
