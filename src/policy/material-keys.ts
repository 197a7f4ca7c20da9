import { refuseRunner } from './base-image-rules.ts'
import { parseBuildSigner } from './build-signer.ts'
import { parseTrust } from './deploy.ts'
import { KEYS } from './keys.ts'
import type { MaterialKey } from './material-rules.ts'
import { type FileReading, namedFile } from './paths.ts'
import { DEFAULT_MIN_RSA } from './policy.ts'
import { sshKey } from './principal-signer.ts'
import { asciiOf, type Field, type Fields, fieldsOf, fingerprintOf, namedFields, required, wrong } from './read.ts'

const MAX_KEYS = 500
/** As the manifest names them. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
const KINDS = ['openpgp', 'ssh', 'minisign', 'sigstore', 'github'] as const

/** `material-keys:` by name. A judged commit can bring no key that decides, so they stand in the policy (13-adversary 20). */
export function parseMaterialKeys(reading: FileReading, field: Field): ReadonlyMap<string, MaterialKey> {
  const entries = [...namedFields(reading, field)]
  if (entries.length === 0) throw wrong(reading, field, 'names no key; leave it out, or name one')
  if (entries.length > MAX_KEYS) throw wrong(reading, field, `has more than ${MAX_KEYS} keys`)
  return new Map(
    entries.map(([name, value]) => {
      if (!NAME.test(name)) throw wrong(reading, value, 'is not a name', 'letters, digits, "." "_" "-"', name)
      return [name, parseKey(reading, value)]
    }),
  )
}

function parseKey(reading: FileReading, field: Field): MaterialKey {
  const fields = fieldsOf(reading, field, KEYS.materialKey)
  const [kind, second] = KINDS.filter(name => fields.has(name))
  const value = kind === undefined ? undefined : fields.get(kind)
  if (kind === undefined || value === undefined || second !== undefined)
    throw wrong(reading, field, 'must name exactly one key or signer', `one of: ${KINDS.join(', ')}`)
  if (kind === 'sigstore' || kind === 'github') return parseSigner(reading, fields, kind, value)
  const trust = fields.get('trust')
  if (trust !== undefined) throw wrong(reading, trust, `is about certificates, which ${kind} has none of`)
  if (kind === 'openpgp') return parseOpenpgp(reading, value)
  return kind === 'ssh' ? parseSsh(reading, value) : parseMinisign(reading, value)
}

function parseSigner(reading: FileReading, fields: Fields, kind: string, value: Field): MaterialKey {
  const signer = parseBuildSigner(reading, kind, value)
  if (signer.kind === 'key') throw new TypeError(`parseBuildSigner() of ${kind}`)
  refuseRunner(reading, value, signer)
  return { kind: 'signer', signer, trust: parseTrust(reading, fields) }
}

function parseOpenpgp(reading: FileReading, field: Field): MaterialKey {
  const fields = fieldsOf(reading, field, KEYS.materialOpenpgp)
  const fingerprint = fingerprintOf(reading, required(reading, field, fields, 'fingerprint'))
  return { kind: 'openpgp', fingerprint, file: namedFile(reading, required(reading, field, fields, 'file'), 'openpgp') }
}

function parseSsh(reading: FileReading, field: Field): MaterialKey {
  const named = required(reading, field, fieldsOf(reading, field, KEYS.materialSsh), 'key')
  const { algorithm, bits, fingerprint } = sshKey(reading, named)
  if (algorithm === 'ssh-rsa' && bits < DEFAULT_MIN_RSA)
    throw wrong(reading, named, `is an RSA key of ${bits} bits`, `at least ${DEFAULT_MIN_RSA}`)
  const [, base64 = ''] = asciiOf(reading, named).split(/ +/)
  return { kind: 'ssh', fingerprint, key: `${algorithm} ${base64}` }
}

function parseMinisign(reading: FileReading, field: Field): MaterialKey {
  const named = required(reading, field, fieldsOf(reading, field, KEYS.materialMinisign), 'file')
  return { kind: 'minisign', file: namedFile(reading, named, 'minisign') }
}
