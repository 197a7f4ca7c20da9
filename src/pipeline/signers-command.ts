import { decodeUtf8, utf8 } from '../core/bytes.ts'
import { fail, WaybillError } from '../core/error.ts'
import { type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { arrayAt, integerAt, objectAt, stringAt } from '../core/shape.ts'
import { isPrintable } from '../core/text.ts'
import type { Gathered } from './signers-import.ts'
import { type Found, type FoundSigner, isUsableEmail, type SnapshotSigner } from './snapshot.ts'
import { openpgpSigner, sshLine, type Usable, usableOpenpgpKeys, usableSshKey } from './usable-keys.ts'

/** Persons of one command's output: as many as a policy may name. */
const MAX_LINES = 1_000
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?$/

/**
 * Reads what a command prints: one JSON object a line, `{name, github?: {login, id}, emails?, signers}`, signers in the
 * shape of a snapshot. A line that is not understood to the last key ends the import: half a list would look like all of it.
 * @throws `pipeline/signers-malformed` naming the line
 */
export async function signersOfCommand(output: Uint8Array): Promise<Gathered> {
  const text = decodeUtf8(output)
  if (text === undefined) throw malformed(0, 'bytes that are not UTF-8')
  const lines = text.split('\n').flatMap((line, at) => (line.trim() === '' ? [] : [{ line, number: at + 1 }]))
  if (lines.length > MAX_LINES) throw malformed(MAX_LINES, `more than ${MAX_LINES} lines`)
  const found: Found[] = []
  const notes: string[] = []
  for (const { line, number } of lines) {
    const { person, leftOut } = await reading(number, () => personAt(line))
    if (found.some(({ name }) => name === person.name)) throw malformed(number, `the name ${person.name} twice`)
    found.push(person)
    notes.push(...leftOut.map(what => `${person.name}: left out ${what}`))
  }
  return { found, notes }
}

async function personAt(line: string): Promise<{ readonly person: Found; readonly leftOut: readonly string[] }> {
  const object = onlyKeys(parseJsonObject(line, 'line'), ['name', 'github', 'emails', 'signers'])
  const name = matching(object.name, NAME, 'name')
  const emails = object.emails === undefined ? [] : textsAt(object.emails, 'emails')
  const unusable = emails.find(email => !isUsableEmail(email))
  if (unusable !== undefined) throw shape('emails', 'e-mail addresses', unusable)
  const signers: FoundSigner[] = []
  const leftOut: string[] = []
  for (const [at, item] of arrayAt(object.signers, 'signers').entries()) {
    const signer = await signerAt(item, `signers[${at}]`)
    if ('leftOut' in signer) leftOut.push(signer.leftOut)
    else signers.push(signer.key)
  }
  const github = object.github === undefined ? {} : { github: accountAt(object.github) }
  return { person: { name, ...github, emails, signers }, leftOut }
}

function accountAt(value: Json): NonNullable<Found['github']> {
  const account = onlyKeys(objectAt(value, 'github'), ['login', 'id'])
  const id = integerAt(account.id, 'github.id')
  if (id === 0) throw shape('github.id', 'a number above 0', '0')
  return { login: matching(account.login, /^[A-Za-z0-9][A-Za-z0-9-]{0,90}(\[bot\])?$/, 'github.login'), id }
}

function signerAt(value: Json, path: string): Promise<Usable<FoundSigner>> | Usable<FoundSigner> {
  const signer = objectAt(value, path)
  const [kind = '', ...more] = Object.keys(signer)
  if (more.length > 0) throw shape(path, 'one kind of signer', Object.keys(signer).join(', '))
  const inside = objectAt(signer[kind], `${path}.${kind}`)
  const at = `${path}.${kind}`
  if (kind === 'openpgp') return openpgpAt(inside, at)
  if (kind === 'ssh') return sshAt(inside, at)
  if (kind === 'ssh-ca') return authorityAt(inside, at)
  if (kind === 'sigstore') return sigstoreAt(inside, at)
  throw shape(path, 'openpgp, ssh, ssh-ca or sigstore', kind)
}

async function openpgpAt(value: JsonObject, path: string): Promise<Usable<FoundSigner>> {
  const { fingerprint, armor } = onlyKeys(value, ['fingerprint', 'armor', 'not-before', 'not-after'])
  const [key, ...more] = await usableOpenpgpKeys(utf8(stringAt(armor, `${path}.armor`)), path)
  if (key === undefined || more.length > 0) throw shape(`${path}.armor`, 'one key', `${more.length + 1} keys`)
  if ('leftOut' in key) return key
  const wanted = matching(fingerprint, /^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$/, `${path}.fingerprint`).toUpperCase()
  if (wanted !== key.key.fingerprint)
    throw shape(`${path}.fingerprint`, `that of its armor, ${key.key.fingerprint}`, wanted)
  const { id, shape: plain } = openpgpSigner(key.key)
  return {
    key: { id, shape: 'openpgp' in plain ? { openpgp: { ...plain.openpgp, ...windowOf(value, path) } } : plain },
  }
}

function sshAt(value: JsonObject, path: string): Usable<FoundSigner> {
  onlyKeys(value, ['key', 'require', 'not-before', 'not-after'])
  const key = usableSshKey(stringAt(value.key, `${path}.key`))
  if ('leftOut' in key) return key
  const require = value.require === undefined ? [] : textsAt(value.require, `${path}.require`)
  const unknown = require.find(word => word !== 'user-presence' && word !== 'user-verification')
  if (unknown !== undefined) throw shape(`${path}.require`, 'user-presence or user-verification', unknown)
  const shaped = { key: sshLine(key.key), ...(require.length === 0 ? {} : { require }), ...windowOf(value, path) }
  return { key: { id: key.key.fingerprint, shape: { ssh: shaped } } }
}

function authorityAt(value: JsonObject, path: string): Usable<FoundSigner> {
  onlyKeys(value, ['key', 'principals', 'max-validity'])
  const key = usableSshKey(stringAt(value.key, `${path}.key`))
  if ('leftOut' in key) return key
  const principals = textsAt(value.principals, `${path}.principals`)
  if (principals.length === 0) throw shape(`${path}.principals`, 'at least one name', 'none')
  const shaped = {
    key: sshLine(key.key),
    principals,
    'max-validity': matching(value['max-validity'], /^[1-9][0-9]{0,4}[dh]$/, `${path}.max-validity`),
  }
  const signer: SnapshotSigner = { 'ssh-ca': shaped }
  return { key: { id: `${key.key.fingerprint} for ${principals.join(' ')}`, shape: signer } }
}

function sigstoreAt(value: JsonObject, path: string): Usable<FoundSigner> {
  onlyKeys(value, ['identity', 'issuer'])
  const identity = textAt(value.identity, `${path}.identity`)
  const issuer = matching(value.issuer, /^https:\/\/[!-~]+$/, `${path}.issuer`)
  return { key: { id: `${identity} of ${issuer}`, shape: { sigstore: { identity, issuer } } } }
}

function windowOf(value: JsonObject, path: string): { readonly 'not-before'?: string; readonly 'not-after'?: string } {
  const { 'not-before': before, 'not-after': after } = value
  return {
    ...(before === undefined ? {} : { 'not-before': matching(before, DATE, `${path}.not-before`) }),
    ...(after === undefined ? {} : { 'not-after': matching(after, DATE, `${path}.not-after`) }),
  }
}

function onlyKeys(object: JsonObject, known: readonly string[]): JsonObject {
  const unknown = Object.keys(object).find(key => !known.includes(key))
  if (unknown !== undefined) throw shape(unknown, `one of ${known.join(', ')}`, unknown)
  return object
}

function textsAt(value: Json | undefined, path: string): readonly string[] {
  return arrayAt(value, path).map((item, at) => textAt(item, `${path}[${at}]`))
}

function textAt(value: Json | undefined, path: string): string {
  const text = stringAt(value, path)
  if (text === '' || text.length > 1_000 || !isPrintable(text)) throw shape(path, 'a line of printable text', text)
  return text
}

function matching(value: Json | undefined, grammar: RegExp, path: string): string {
  const text = stringAt(value, path)
  if (!grammar.test(text)) throw shape(path, 'written as a policy has it', text)
  return text
}

function shape(path: string, expected: string, found: string): Error {
  return fail('core/shape', `${path} is not ${expected}`, { expected, found: found.slice(0, 200) })
}

async function reading<T>(line: number, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof WaybillError && error.kind !== 'unknown') throw malformed(line, error.message, error)
    throw error
  }
}

function malformed(line: number, found: string, cause?: unknown): Error {
  return fail('pipeline/signers-malformed', `Line ${line} of the command's output cannot be read`, { found, cause })
}
