import { latin1, utf8 } from '../core/bytes.ts'
import { type Digest, sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import type { SignatureScheme } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { makeFolder, remove, writePrivateFile } from '../io/files.ts'
import { type ProcessResult, run } from '../io/process.ts'
import type { KeyFile } from './keyring.ts'
import { type NativeAnswer, readGpgStatus, readKeyList, readSshKeygen } from './native-answer.ts'

/** Absolute paths of the programs, from `findTool`; absent: not on PATH. */
export interface NativeTools {
  readonly gpg?: string
  readonly sshKeygen?: string
}

/** One signature and the bytes it is over, as they stand in the object. */
export interface NativeQuestion {
  readonly scheme: SignatureScheme
  readonly armor: string
  readonly payload: Uint8Array
}

/** Key files given to one call of gpg. */
const IMPORT_BATCH = 200

/**
 * Real `gpg` and `ssh-keygen`, each asked about one signature at a time, alone with it: a private folder for keys and files,
 * an environment of our own, no configuration, agent, network or key server, no shell. They are asked for mathematics alone:
 * whether the signature fits the bytes, and which key made it.
 *
 * What an attacker would try: a key, a configuration or an agent of whoever runs this having a say; a signature that makes
 * the program fetch a key; output that reads like a good answer. Keys come from the law's files alone, and of the output only
 * lines are read that gpg writes on a channel of their own.
 */
export class NativeEngine {
  readonly #folder: string
  readonly #tools: NativeTools
  readonly #homes = new Map<string, Promise<Home>>()
  #files = 0

  /** @param folder private, of this run alone, and there already; what is made in it is removed with it. */
  constructor(folder: string, tools: NativeTools) {
    this.#folder = folder
    this.#tools = tools
  }

  /**
   * @param keys that gpg may use; those of SSH stand in the signatures.
   * @throws `source/engine-missing` when the program is not there.
   */
  async check(question: NativeQuestion, keys: readonly KeyFile[]): Promise<NativeAnswer> {
    if (question.scheme === 'openpgp') return this.#gpg(question, keys)
    if (question.scheme === 'ssh') return this.#sshKeygen(question)
    return { kind: 'unjudged', said: 'certificates are not given to another program' }
  }

  async #gpg({ armor, payload }: NativeQuestion, keys: readonly KeyFile[]): Promise<NativeAnswer> {
    const home = await this.#home(keys)
    const file = await this.#write(armor)
    try {
      // Two arguments: whatever stands in the file, it is a signature over *these* bytes or nothing.
      const answer = await this.#run(home.gpg, [...gpgArgs(home.folder), '--verify', file, '-'], payload)
      return readGpgStatus(latin1(answer.stdout), home.held)
    } finally {
      await remove(file)
    }
  }

  async #sshKeygen({ armor, payload }: NativeQuestion): Promise<NativeAnswer> {
    const tool = this.#tools.sshKeygen
    if (tool === undefined) throw missing('ssh-keygen')
    const file = await this.#write(armor)
    try {
      const answer = await this.#run(tool, ['-Y', 'check-novalidate', '-n', 'git', '-s', file], payload)
      return readSshKeygen(answer.code, latin1(answer.stdout), latin1(answer.stderr))
    } finally {
      await remove(file)
    }
  }

  /** The keys of these files in a home of their own, made once. */
  #home(keys: readonly KeyFile[]): Promise<Home> {
    const name = sha256(utf8(keys.map(({ bytes }): Digest => sha256(bytes)).join('\n')))
    const known = this.#homes.get(name) ?? this.#makeHome(keys, `${this.#folder}/keys-${this.#homes.size}`)
    this.#homes.set(name, known)
    return known
  }

  async #makeHome(keys: readonly KeyFile[], folder: string): Promise<Home> {
    const { gpg } = this.#tools
    if (gpg === undefined) throw missing('gpg')
    await makeFolder(folder)
    const files: string[] = []
    for (const { bytes } of keys) files.push(await this.#write(bytes))
    for (let at = 0; at < files.length; at += IMPORT_BATCH)
      await this.#run(gpg, [...gpgArgs(folder), '--import', ...files.slice(at, at + IMPORT_BATCH)])
    for (const file of files) await remove(file)
    const list = await this.#run(gpg, [...gpgArgs(folder), '--with-colons', '--with-subkey-fingerprint', '--list-keys'])
    return { gpg, folder, held: readKeyList(latin1(list.stdout)) }
  }

  async #write(content: string | Uint8Array): Promise<string> {
    const file = `${this.#folder}/${this.#files++}`
    await writePrivateFile(file, typeof content === 'string' ? Buffer.from(content, 'latin1') : content)
    return file
  }

  async #run(file: string, args: readonly string[], input?: Uint8Array): Promise<ProcessResult> {
    try {
      return await run({
        file,
        args,
        env: { PATH: '/usr/bin:/bin', HOME: this.#folder, GNUPGHOME: this.#folder, LC_ALL: 'C', TZ: 'UTC' },
        cwd: this.#folder,
        timeoutMs: LIMITS.nativeCheckMs,
        maxOutputBytes: LIMITS.nativeOutputBytes,
        ...(input === undefined ? {} : { input }),
      })
    } catch (error) {
      const known = asWaybillError(error)
      throw fail('source/engine-missing', `${printable(file)} gave no answer: ${known.message}`, {
        kind: 'unknown',
        cause: known,
      })
    }
  }
}

interface Home {
  readonly gpg: string
  readonly folder: string
  /** Fingerprints of all keys and subkeys that gpg took from the files. */
  readonly held: ReadonlySet<string>
}

/**
 * Trust and dates are for the policy: a key that has expired, or was made after the signature says, still makes good
 * mathematics.
 */
function gpgArgs(home: string): readonly string[] {
  return [
    ...['--homedir', home, '--no-options', '--batch', '--no-tty', '--quiet', '--status-fd', '1'],
    ...['--no-autostart', '--disable-dirmngr', '--no-auto-key-retrieve', '--no-auto-check-trustdb'],
    ...['--trust-model', 'always', '--ignore-time-conflict', '--ignore-valid-from', '--lock-never'],
    ...['--no-permission-warning', '--display-charset', 'utf-8', '--exit-on-status-write-error'],
  ]
}

function missing(name: string): Error {
  return fail('source/engine-missing', `There is no ${name} on PATH`, { expected: name, found: 'none' })
}
