import { decodeUtf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'

/**
 * OpenSSH's `allowed_signers` file (ssh-keygen(1) § ALLOWED SIGNERS, 9.2):
 *
 *     # a comment, or an empty line
 *     principals SP [options SP] keytype SP base64 [SP comment]
 *     principals   pattern[,pattern…], in double quotes where a pattern has blanks
 *     options      cert-authority | namespaces="a,b" | valid-after="T" | valid-before="T", separated by commas
 *     T            YYYYMMDD or YYYYMMDDHHMM[SS], with Z in UTC, otherwise in the time zone of whoever runs it
 *
 * Traps: `principals` are patterns, so `*` is everybody; a key for other namespaces (files, mails) must not become one for
 * commits; a line of an authority does not name a key that signs, but one that makes others.
 */
export interface AllowedSigner {
  readonly line: number
  readonly principals: readonly string[]
  /** Its key certifies the keys that sign. */
  readonly authority: boolean
  /** Absent: for every purpose. */
  readonly namespaces?: readonly string[]
  readonly validAfter?: SignersTime
  readonly validBefore?: SignersTime
  /** `ssh-ed25519 AAAA…`, not read yet. */
  readonly key: string
}

export interface SignersTime {
  readonly at: Date
  /** False: written without Z, read as UTC. */
  readonly zoned: boolean
}

/** Lines of one file. */
const MAX_LINES = 10_000
const KEY_TYPE =
  /^(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d+|sk-[a-z0-9-]+@openssh\.com|[a-z0-9-]+-cert-v0\d@openssh\.com)$/

/** @throws `source/allowed-signers-malformed` naming the line */
export function parseAllowedSigners(bytes: Uint8Array, path: string): readonly AllowedSigner[] {
  const text = decodeUtf8(bytes)
  const lines = text?.split(/\r?\n/) ?? []
  if (text === undefined) throw malformed(path, 0, 'bytes that are not UTF-8')
  if (lines.length > MAX_LINES) throw malformed(path, MAX_LINES, `more than ${MAX_LINES} lines`)
  return lines.flatMap((line, at) => {
    const words = line.trim()
    return words === '' || words.startsWith('#') ? [] : [parseLine(words, at + 1, path)]
  })
}

function parseLine(text: string, line: number, path: string): AllowedSigner {
  const wrong = (found: string) => malformed(path, line, found)
  const words = splitWords(text, wrong)
  const [names = '', second = '', third = '', fourth = ''] = words
  const hasOptions = !KEY_TYPE.test(second)
  const [type, base64] = hasOptions ? [third, fourth] : [second, third]
  if (!KEY_TYPE.test(type) || base64 === '') throw wrong(`no key behind ${printable(names, 80)}`)
  const principals = unquoted(names).split(',')
  if (principals.some(name => name === '')) throw wrong('an empty principal')
  return {
    line,
    principals,
    ...(hasOptions ? readOptions(second, wrong) : { authority: false }),
    key: `${type} ${base64}`,
  }
}

/** Words are separated by blanks outside double quotes. */
function splitWords(text: string, wrong: (found: string) => Error): readonly string[] {
  const words = text.match(/(?:[^\s"]|"[^"]*")+/g) ?? []
  if ((text.match(/"/g) ?? []).length % 2 !== 0) throw wrong('a quote without end')
  return words
}

function unquoted(word: string): string {
  return word.replaceAll('"', '')
}

type Options = Omit<AllowedSigner, 'line' | 'principals' | 'key'>

function readOptions(text: string, wrong: (found: string) => Error): Options {
  const read = new Map<string, string>()
  for (const option of text.match(/(?:[^,"]|"[^"]*")+/g) ?? []) {
    const [, name = '', value] = /^([A-Za-z-]+)(?:="([^"]*)")?$/.exec(option) ?? []
    const known = name.toLowerCase()
    const takesValue = known === 'namespaces' || known === 'valid-after' || known === 'valid-before'
    if (!(known === 'cert-authority' || takesValue)) throw wrong(`the option ${printable(option, 80)}`)
    if (takesValue !== (value !== undefined && value !== '')) throw wrong(`the option ${printable(option, 80)}`)
    if (read.has(known)) throw wrong(`the option ${known} twice`)
    read.set(known, value ?? '')
  }
  const [namespaces, after, before] = [read.get('namespaces'), read.get('valid-after'), read.get('valid-before')]
  return {
    authority: read.has('cert-authority'),
    ...(namespaces === undefined ? {} : { namespaces: namespaces.split(',') }),
    ...(after === undefined ? {} : { validAfter: timeOf(after, wrong) }),
    ...(before === undefined ? {} : { validBefore: timeOf(before, wrong) }),
  }
}

function timeOf(text: string, wrong: (found: string) => Error): SignersTime {
  const [, date = '', clock = '', seconds = '', zone] = /^(\d{8})(?:(\d{4})(\d{2})?)?(Z|UTC)?$/.exec(text) ?? []
  const [hours, minutes] = [clock.slice(0, 2) || '00', clock.slice(2) || '00']
  const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`
  const iso = `${day}T${hours}:${minutes}:${seconds || '00'}`
  const at = new Date(`${iso}Z`)
  // The 31st of February would silently become the 3rd of March.
  if (Number.isNaN(at.getTime()) || !at.toISOString().startsWith(iso)) throw wrong(`the time ${printable(text, 40)}`)
  return { at, zoned: zone !== undefined }
}

function malformed(path: string, line: number, found: string): Error {
  return fail('source/allowed-signers-malformed', `${printable(path)}:${line} cannot be read as an allowed signer`, {
    expected: 'principals [options] keytype base64, as in ssh-keygen(1)',
    found,
  })
}
