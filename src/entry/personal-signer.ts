import { isAbsolute, join, resolve } from 'node:path'
import { latin1 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Environment } from '../io/environment.ts'
import { exists, writeFileAtomic } from '../io/files.ts'
import { findTool, run } from '../io/process.ts'
import { type Clone, personalEnvironment } from '../source/clone.ts'
import { REVIEW_NAMESPACE } from '../source/review-signature.ts'

export interface SignerChoice {
  readonly clone: Clone
  readonly env: Environment
  /** A file with an SSH key, or an OpenPGP fingerprint; absent: git's own `user.signingkey`. */
  readonly key?: string
  /** Where a relative `key` begins. */
  readonly workingFolder: string
  /** A private folder. */
  readonly folder: string
  /** What the program has to say to the person: "touch the key". */
  tell(text: string): void
}

/** A key as a program is told of it. */
type PersonalKey =
  | { readonly kind: 'ssh-file'; readonly path: string }
  | { readonly kind: 'ssh-line'; readonly line: string }
  | { readonly kind: 'openpgp'; readonly name: string }

/**
 * The person's own program signs: Waybill never reads a private key. `ssh-keygen` and `gpg` ask for passphrases, touch and
 * agents as they always do.
 * @throws `source/review-unsigned` when there is no key or no such program.
 */
export async function personalSigner(choice: SignerChoice): Promise<(bytes: Uint8Array) => Promise<string>> {
  const key = choice.key === undefined ? await gitsKey(choice) : await givenKey(choice.key, choice)
  return key.kind === 'openpgp' ? gpgSigner(key.name, choice) : sshSigner(key, choice)
}

/** As git reads `user.signingkey`: what it means depends on `gpg.format` (git-config(1)). */
async function gitsKey({ clone, env }: SignerChoice): Promise<PersonalKey> {
  const value = (await clone.find('config', '--get', 'user.signingkey')) ?? ''
  if (value === '') throw unsigned('No key is given, and git has none', 'git config user.signingkey, or --key', 'none')
  const format = (await clone.find('config', '--get', 'gpg.format')) ?? 'openpgp'
  if (format === 'openpgp') return { kind: 'openpgp', name: value }
  if (format !== 'ssh')
    throw unsigned('Reviews are signed with an SSH or an OpenPGP key', 'gpg.format ssh or openpgp, or --key', format)
  const line = keyLine(value)
  if (line !== undefined) return { kind: 'ssh-line', line }
  return { kind: 'ssh-file', path: resolve(clone.folder, expanded(value, env)) }
}

async function givenKey(value: string, { workingFolder, env }: SignerChoice): Promise<PersonalKey> {
  const line = keyLine(value)
  if (line !== undefined) return { kind: 'ssh-line', line }
  const path = resolve(workingFolder, expanded(value, env))
  if (await exists(path)) return { kind: 'ssh-file', path }
  if (value.includes('/') || value.endsWith('.pub'))
    throw unsigned('There is no such key file', 'a file, or an OpenPGP fingerprint', value)
  return { kind: 'openpgp', name: value }
}

/** A public key in place of a file, as `user.signingkey` may hold it; its private half is in an agent. */
function keyLine(value: string): string | undefined {
  if (value.startsWith('key::')) return value.slice('key::'.length)
  return /^(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+ \S/.test(value) ? value : undefined
}

async function sshSigner(key: Exclude<PersonalKey, { kind: 'openpgp' }>, choice: SignerChoice) {
  const file = requireTool('ssh-keygen', choice.env)
  const path = key.kind === 'ssh-file' ? key.path : join(choice.folder, 'key.pub')
  if (key.kind === 'ssh-line') await writeFileAtomic(path, `${key.line}\n`)
  const args = ['-Y', 'sign', '-n', REVIEW_NAMESPACE, '-f', path]
  return (bytes: Uint8Array) => signed(file, args, bytes, choice, 'SSH')
}

async function gpgSigner(name: string, choice: SignerChoice) {
  const program = (await choice.clone.find('config', '--get', 'gpg.program')) ?? 'gpg'
  const path = expanded(program, choice.env)
  const file = isAbsolute(path) ? path : requireTool(program, choice.env)
  const args = ['--armor', '--detach-sign', '--local-user', name]
  return (bytes: Uint8Array) => signed(file, args, bytes, choice, 'PGP')
}

/** `~/` as git writes it. */
function expanded(path: string, env: Environment): string {
  return path.startsWith('~/') && env.HOME !== undefined ? join(env.HOME, path.slice(2)) : path
}

async function signed(
  file: string,
  args: readonly string[],
  bytes: Uint8Array,
  { env, clone, tell }: SignerChoice,
  kind: 'SSH' | 'PGP',
): Promise<string> {
  const result = await run({
    file,
    args,
    cwd: clone.folder,
    env: personalEnvironment(env),
    input: bytes,
    terminal: true,
    onStderr: chunk => tell(shown(chunk)),
  })
  const armor = latin1(result.stdout)
  const begin = `-----BEGIN ${kind} SIGNATURE-----`
  if (result.code === 0 && armor.startsWith(begin)) return armor.trimEnd()
  const said = printable(latin1(result.stderr).trim(), 400)
  throw unsigned(
    `${file.split('/').at(-1)} made no signature`,
    begin,
    said === '' ? `exit code ${result.code}, and no word` : said,
  )
}

/** Its lines as lines, and nothing in them that a terminal would obey. */
function shown(chunk: Uint8Array): string {
  return latin1(chunk)
    .split('\n')
    .map(line => printable(line.replace(/\r$/, ''), 1_000))
    .join('\n')
}

function requireTool(name: string, env: Environment): string {
  const file = findTool(name, env.PATH ?? '')
  if (file !== undefined) return file
  throw unsigned(`There is no ${printable(name, 100)} on PATH`, name, 'none')
}

function unsigned(sentence: string, expected: string, found: string): Error {
  return fail('source/review-unsigned', sentence, { expected, found })
}
