import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram } from './program.ts'
import type { Signer } from './signers.ts'

/**
 * The peer: git asks gpg or ssh-keygen about each commit of a local repository. Whether the key may sign is asked by nobody:
 * gpg is told to trust every key, and of SSH keys git only looks them up in the list.
 */
export class GitLog {
  readonly #home: string
  readonly #settings: readonly string[]

  /** @param folder empty; becomes the home of git and gpg. Sockets of gpg need a short path. */
  constructor(folder: string, signers: readonly Signer[]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#home = folder
    writeFileSync(join(folder, 'gpg.conf'), 'trust-model always\nno-auto-check-trustdb\n')
    const armored = signers.flatMap(({ key }) => ('ssh' in key ? [] : [key.armored]))
    if (armored.length > 0)
      execFileSync('gpg', ['--batch', '--quiet', '--import'], { input: armored.join('\n'), env: this.#env() })
    const allowed = signers.flatMap(({ key, email }) =>
      'ssh' in key ? [`${email} namespaces="git" ${key.ssh}\n`] : [],
    )
    const file = join(folder, 'allowed_signers')
    writeFileSync(file, allowed.join(''))
    this.#settings = ['-c', `gpg.ssh.allowedSignersFile=${file}`]
  }

  /** @returns milliseconds. @throws when a commit is not good, or not as many were looked at. */
  async run(repository: string, commits: number): Promise<number> {
    const args = ['-C', repository, ...this.#settings, 'log', '--format=%G?', 'main']
    const { code, ms, log } = await runProgram('git', args, this.#env())
    const marks = log.trimEnd().split('\n')
    const good = marks.filter(mark => mark === 'G').length
    if (code !== 0 || good !== commits)
      throw new Error(`git log found ${good} of ${commits} signatures good: ${marks[0]}`)
    return ms
  }

  close(): void {
    execFileSync('gpgconf', ['--kill', 'all'], { env: this.#env(), stdio: 'ignore' })
  }

  #env(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: this.#home,
      GNUPGHOME: this.#home,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      LC_ALL: 'C',
    }
  }
}
