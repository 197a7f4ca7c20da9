import { resolve } from 'node:path'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Environment } from '../io/environment.ts'
import { readFileBounded } from '../io/files.ts'
import { loadSigningKey, type SigningKey } from '../sigstore/sign/key.ts'

/** Where a key is: by a variable's name or a path, never by its text, which every process of the machine could read. */
export interface KeyPlace {
  /** `env:NAME`, or a path. */
  readonly key: string
  /** `env:NAME` */
  readonly password?: string
}

const VARIABLE = /^env:([A-Za-z_][A-Za-z0-9_]{0,254})$/
const KEY_BYTES = 64 * 1024

/**
 * Reads and opens a private key. Values are never shown, also not when they stand where a name should.
 * @param folder where a relative path begins.
 * @throws `entry/usage`, `core/file-unreadable`, `sigstore/signing-key-…`
 */
export async function openSigningKey(place: KeyPlace, folder: string, env: Environment): Promise<SigningKey> {
  checkKeyPlace(place)
  const password = place.password === undefined ? undefined : secretIn(place.password, env)
  const variable = VARIABLE.test(place.key)
  const pem = variable
    ? new TextEncoder().encode(secretIn(place.key, env))
    : await readFileBounded(resolve(folder, place.key), KEY_BYTES)
  return loadSigningKey(pem, password)
}

/** What can be told from the words alone, before anything is read. @throws `entry/usage` */
export function checkKeyPlace({ key, password }: KeyPlace): void {
  // Not quoted: it may be the key, or the password, itself.
  if (key.includes('PRIVATE KEY') || key.includes('\n'))
    throw misplaced('The key itself was given instead of its place', 'env:NAME or the path of a file')
  if (key.startsWith('env:') && !VARIABLE.test(key))
    throw misplaced('The key’s variable has no usable name', 'env:NAME, letters, digits and _')
  if (password !== undefined && !VARIABLE.test(password))
    throw misplaced('The password of the key is named by a variable, never given as text', 'env:NAME')
}

/** The key as people know it: its variable or path. */
export function keyName({ key }: KeyPlace): string {
  return printable(key, 200)
}

function secretIn(named: string, env: Environment): string {
  const [, name = ''] = VARIABLE.exec(named) ?? []
  const value = env[name]
  if (value !== undefined && value !== '') return value
  throw fail('entry/usage', `The environment variable ${name} is empty or not set`, {
    expected: `${name} with the secret in it`,
    found: value === undefined ? 'no such variable' : 'an empty value',
    remedy: `Set ${name} in the environment of this step or shell.`,
  })
}

function misplaced(sentence: string, expected: string): Error {
  return fail('entry/usage', sentence, {
    expected,
    remedy: 'Put the secret into an environment variable and name it: env:NAME',
  })
}
