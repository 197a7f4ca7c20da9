import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SshSigner } from './ssh-signer.ts'

/** Keys and signatures of the real `gpg`, in a home of their own. Sockets of its agent need a short path. */
export class Gpg {
  readonly home = mkdtempSync(join(tmpdir(), 'wb-gpg-'))

  constructor() {
    mkdirSync(this.home, { recursive: true, mode: 0o700 })
  }

  run(args: readonly string[], input: string | Uint8Array = ''): Buffer {
    const quiet = ['--batch', '--quiet', '--yes', '--no-tty', '--pinentry-mode', 'loopback', '--passphrase', '']
    return execFileSync('gpg', [...quiet, ...args], { input, env: this.environment(), stdio: ['pipe', 'pipe', 'pipe'] })
  }

  /** What a child needs to sign with these keys. */
  environment(): Record<string, string> {
    return { PATH: process.env.PATH ?? '', GNUPGHOME: this.home, HOME: this.home, LC_ALL: 'C' }
  }

  /** @param more options of gpg, such as `--faked-system-time`. @returns the fingerprint. */
  makeKey(name: string, algorithm: string, expires = 'never', more: readonly string[] = []): string {
    this.run([...more, '--quick-generate-key', name, algorithm, 'sign', expires])
    const lines = this.run(['--list-keys', '--with-colons', `=${name}`]).toString()
    return /^fpr:{9}([0-9A-F]{40}):/m.exec(lines)?.[1] ?? ''
  }

  /** The public key as a policy's key file holds it. */
  exported(fingerprint: string): string {
    return this.run(['--armor', '--export', fingerprint]).toString()
  }

  /** A detached, armored signature, or what `more` makes of it. */
  sign(fingerprint: string, payload: Uint8Array, more: readonly string[] = []): string {
    const key = ['--armor', '--local-user', `${fingerprint}!`]
    return this.run([...more, ...key, '--detach-sign'], payload)
      .toString()
      .trimEnd()
  }

  /** One key in the place of an SSH signer of a `TestRepository`. */
  signer(fingerprint: string, more: readonly string[] = []): SshSigner {
    return { publicKey: '', fingerprint, sign: bytes => this.sign(fingerprint, bytes, more) }
  }

  close(): void {
    // The agent goes by itself once its home is gone; asking it first is quicker.
    execFileSync('gpgconf', ['--kill', 'gpg-agent'], { env: this.environment(), stdio: 'ignore' })
    rmSync(this.home, { recursive: true, force: true })
  }
}
