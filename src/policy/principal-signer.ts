import { fail, WaybillError } from '../core/error.ts'
import { parseAuthorizedKey, type SshPublicKey } from '../core/ssh-key.ts'
import { parseSigstore } from './build-signer.ts'
import { emailKey, parseEmail } from './email.ts'
import { GITHUB_ISSUER } from './expected.ts'
import { KEYS } from './keys.ts'
import { type FileReading, namedFile } from './paths.ts'
import type { OpenpgpSigner, PrincipalSigner, SigstoreSigner, SshAuthority, SshSigner, X509Signer } from './policy.ts'
import {
  asciiOf,
  dateOf,
  type Field,
  type Fields,
  fieldsOf,
  oneOrMore,
  required,
  secondsOf,
  wordOf,
  wrong,
} from './read.ts'

/** Words of `require`: what a security key must say about whoever holds it. */
const REQUIRE = { judged: ['user-presence', 'user-verification'], later: [] } as const

/** Kinds of signers that images have and persons have not, each with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  github: 'a workflow’s certificate says what a run was, and anybody’s run of a shared workflow has the same name',
  key: 'git has no signature by a bare key; name it as openpgp, ssh or x509',
}

/** The refusal of a signer that is known by name but can never sign a commit; undefined for all others. */
export function refusedKind(reading: FileReading, field: Field): Error | undefined {
  const entries = field.node.kind === 'map' ? field.node.entries : []
  const entry = entries.find(({ key }) => Object.hasOwn(REFUSED, key))
  if (entry === undefined) return undefined
  const sentence = `This version does not judge ${field.name}.${entry.key}: ${REFUSED[entry.key]}`
  return fail('policy/unsupported', `${reading.path}:${entry.at}: ${sentence}`, {
    expected: `one of: ${KEYS.principalSigner.judged.join(', ')}`,
    found: entry.key,
    remedy: `Name the person’s own key, for example: - ssh: {key: "LINE OF THE .pub FILE"}`,
  })
}

/** `{ssh: {key, require?, not-before?, not-after?}}` */
export function parseSsh(reading: FileReading, field: Field): SshSigner {
  const fields = fieldsOf(reading, field, KEYS.ssh)
  const { algorithm, fingerprint } = sshKey(reading, required(reading, field, fields, 'key'))
  const asked = fields.get('require')
  const require = asked === undefined ? [] : oneOrMore(reading, asked).map(item => wordOf(reading, item, REQUIRE))
  if (asked !== undefined && !algorithm.startsWith('sk-'))
    throw wrong(
      reading,
      asked,
      'asks for what only a security key tells, so no commit could be accepted',
      'a key of type sk-ssh-ed25519@openssh.com or sk-ecdsa-sha2-nistp256@openssh.com',
      algorithm,
    )
  if (asked !== undefined && new Set(require).size < require.length) throw wrong(reading, asked, 'names one word twice')
  return { kind: 'ssh', fingerprint, algorithm, require, ...windowOf(reading, field, fields) }
}

/** `{ssh-ca: {key, principals, max-validity}}`: whose certificates are this principal's, by the names in them. */
export function parseSshAuthority(reading: FileReading, field: Field): SshAuthority {
  const fields = fieldsOf(reading, field, KEYS['ssh-ca'])
  const { algorithm, fingerprint, bits } = sshKey(reading, required(reading, field, fields, 'key'))
  const [first, ...more] = oneOrMore(reading, required(reading, field, fields, 'principals'))
  const validity = required(reading, field, fields, 'max-validity')
  return {
    kind: 'ssh-ca',
    fingerprint,
    algorithm,
    bits,
    principals: [certifiedName(reading, first), ...more.map(item => certifiedName(reading, item))],
    maxValiditySeconds: secondsOf(reading, validity, 'a time span'),
  }
}

function certifiedName(reading: FileReading, field: Field): string {
  const name = asciiOf(reading, field)
  if (/[*?,]/.test(name))
    throw wrong(reading, field, 'is compared whole: * ? and , have no meaning here', 'alice', name)
  return name
}

/** `{x509: {san, roots}}` */
export function parseX509(reading: FileReading, field: Field): X509Signer {
  const fields = fieldsOf(reading, field, KEYS.x509)
  const san = parseEmail(reading, required(reading, field, fields, 'san'))
  return { kind: 'x509', san, file: namedFile(reading, required(reading, field, fields, 'roots'), 'x509') }
}

/**
 * `{sigstore: {identity, issuer}}` of a person, compared whole. A workflow's identity is refused: the same one belongs to
 * every caller of a reusable workflow in the world, and a commit's certificate is not compared with a repository.
 */
export function parsePerson(reading: FileReading, field: Field): SigstoreSigner {
  const { identity, issuer } = parseSigstore(reading, field)
  if (!('exact' in identity)) throw wrong(reading, field, 'names more than one person', 'identity: alice@example.com')
  if (issuer === GITHUB_ISSUER || identity.exact.includes('/.github/workflows/'))
    throw wrong(
      reading,
      field,
      'is the identity of a workflow, which is no person',
      'alice@example.com',
      identity.exact,
    )
  return { kind: 'sigstore', identity: identity.exact, issuer }
}

export function sshKey(reading: FileReading, field: Field): SshPublicKey {
  const text = asciiOf(reading, field)
  try {
    return parseAuthorizedKey(text)
  } catch (error) {
    const why = error instanceof WaybillError ? error.message : 'it cannot be read'
    throw wrong(reading, field, `is not a usable SSH public key: ${why}`, 'one line of a .pub file')
  }
}

/** `not-before` and `not-after`, each if it is there. */
export function windowOf(
  reading: FileReading,
  field: Field,
  fields: Fields,
): Pick<OpenpgpSigner, 'notBefore' | 'notAfter'> {
  const begin = fields.get('not-before')
  const end = fields.get('not-after')
  const notBefore = begin === undefined ? undefined : dateOf(reading, begin)
  const notAfter = end === undefined ? undefined : dateOf(reading, end)
  if (notBefore !== undefined && notAfter !== undefined && notBefore.getTime() >= notAfter.getTime())
    throw wrong(reading, field, 'ends before it begins, so no commit could be accepted', 'not-before < not-after')
  return { ...(notBefore === undefined ? {} : { notBefore }), ...(notAfter === undefined ? {} : { notAfter }) }
}

/** What no other principal may have: how it is called in messages, and a key to compare by (13-adversary 10). */
export function identitiesOf(signer: PrincipalSigner): readonly (readonly [shown: string, key: string])[] {
  switch (signer.kind) {
    case 'openpgp':
    case 'ssh':
      return [[`the key ${signer.fingerprint}`, `key ${signer.fingerprint}`]]
    case 'ssh-ca':
      return signer.principals.map(name => [
        `the name ${name} in certificates of ${signer.fingerprint}`,
        `name ${signer.fingerprint} ${name}`,
      ])
    case 'x509':
      return [[`certificates for ${signer.san} below ${signer.file}`, `san ${signer.file} ${emailKey(signer.san)}`]]
    case 'sigstore':
      return [[`the identity ${signer.identity}`, `identity ${signer.issuer} ${signer.identity}`]]
  }
}
