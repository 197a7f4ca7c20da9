import { join } from 'node:path'
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
  /** A private folder. */
  readonly folder: string
}

/**
 * The person's own program signs: Waybill never reads a private key. `ssh-keygen` and `gpg` ask for passphrases, touch and
 * agents as they always do.
 * @throws `source/review-unsigned` when there is no key or no such program.
 */
export async function personalSigner(choice: SignerChoice): Promise<(bytes: Uint8Array) => Promise<string>> {
  const configured = choice.key ?? (await choice.clone.find('config', '--get', 'user.signingkey'))
  if (configured === undefined || configured === '')
    throw unsigned('No key is given, and git has none', 'git config user.signingkey, or --key FILE', 'neither')
  const format = choice.key === undefined ? await choice.clone.find('config', '--get', 'gpg.format') : undefined
  const ssh =
    format === 'ssh' ||
    (format === undefined &&
      (configured.startsWith('key::') || configured.startsWith('ssh-') || (await exists(configured))))
  return ssh ? sshSigner(configured, choice) : gpgSigner(configured, choice)
}

async function sshSigner(configured: string, choice: SignerChoice) {
  const file = requireTool('ssh-keygen', choice.env)
  const line = configured.startsWith('key::') ? configured.slice('key::'.length) : configured
  const key =
    line.startsWith('ssh-') || line.startsWith('ecdsa-') || line.startsWith('sk-')
      ? join(choice.folder, 'key.pub')
      : line
  if (key !== line) await writeFileAtomic(key, `${line}\n`)
  const args = ['-Y', 'sign', '-n', REVIEW_NAMESPACE, '-f', expanded(key, choice.env)]
  return (bytes: Uint8Array) => signed(file, args, bytes, choice, 'SSH')
}

async function gpgSigner(configured: string, choice: SignerChoice) {
  const program = (await choice.clone.find('config', '--get', 'gpg.program')) ?? 'gpg'
  const file = program.startsWith('/') ? program : requireTool(program, choice.env)
  const args = ['--armor', '--detach-sign', '--local-user', configured]
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
  { env, clone }: SignerChoice,
  kind: 'SSH' | 'PGP',
): Promise<string> {
  const result = await run({ file, args, cwd: clone.folder, env: personalEnvironment(env), input: bytes })
  const armor = latin1(result.stdout)
  const begin = `-----BEGIN ${kind} SIGNATURE-----`
  if (result.code === 0 && armor.startsWith(begin)) return armor.trimEnd()
  throw unsigned(
    `${file.split('/').at(-1)} made no signature`,
    begin,
    printable(latin1(result.stderr).trim(), 400) || `exit code ${result.code}`,
  )
}

function requireTool(name: string, env: Environment): string {
  const file = findTool(name, env.PATH ?? '')
  if (file !== undefined) return file
  throw unsigned(`There is no ${name} on PATH`, name, 'none')
}

function unsigned(sentence: string, expected: string, found: string): Error {
  return fail('source/review-unsigned', sentence, { expected, found })
}
