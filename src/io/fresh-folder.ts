import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fail, WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'

/** A file that is written piece by piece. */
export interface OpenFile {
  write(chunk: Uint8Array): Promise<void>
  close(): Promise<void>
}

/**
 * A folder that did not exist before, filled with exactly the entries it is told. Nothing is ever replaced, and no write
 * goes through a link: files are created exclusively, and links should be made last.
 * Paths are relative, one character a byte, because names in git are bytes. Modes are exact, whatever the umask.
 * Every method throws `core/file-unwritable`.
 */
export class FreshFolder {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** @throws `core/file-unwritable` when something is there already. */
  static async create(path: string): Promise<FreshFolder> {
    try {
      await mkdir(dirname(path), { recursive: true })
      await mkdir(path, { mode: 0o755 })
      chmodSync(path, 0o755)
      return new FreshFolder(path)
    } catch (error) {
      throw unwritable(path, error)
    }
  }

  makeFolder(path: string): void {
    this.#guard(path, file => {
      mkdirSync(file, { mode: 0o755 })
      chmodSync(file, 0o755)
    })
  }

  writeFile(path: string, bytes: Uint8Array, mode: 0o644 | 0o755): void {
    this.#guard(path, file => {
      const descriptor = openSync(file, EXCLUSIVE, mode)
      try {
        writeFileSync(descriptor, bytes)
        fchmodSync(descriptor, mode)
      } finally {
        closeSync(descriptor)
      }
    })
  }

  async openFile(path: string, mode: 0o644 | 0o755): Promise<OpenFile> {
    try {
      const handle = await open(this.#full(path), EXCLUSIVE, mode)
      await handle.chmod(mode)
      return { write: chunk => this.#write(path, handle, chunk), close: () => handle.close() }
    } catch (error) {
      throw unwritable(path, error)
    }
  }

  /** The target is written as it is; that it stays inside is for the caller to check. */
  makeLink(path: string, target: string): void {
    this.#guard(path, file => symlinkSync(Buffer.from(target, 'latin1'), file))
  }

  /** Takes a file of ours, which is gone from its old place; on the same disk nothing is copied. */
  adoptFile(path: string, from: string, mode: 0o644 | 0o755): void {
    this.#guard(path, file => {
      moveNew(from, file)
      chmodSync(file, mode)
    })
  }

  /** A second file with the bytes of one that is here already. */
  copyFile(path: string, existing: string, mode: 0o644 | 0o755): void {
    this.#guard(path, file => {
      copyFileSync(this.#full(existing), file, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
      chmodSync(file, mode)
    })
  }

  /** Takes a whole folder of ours; it must lie on the same disk. */
  adoptFolder(path: string, from: string): void {
    this.#guard(path, file => {
      if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) throw new Error('something is there already')
      renameSync(from, file)
      chmodSync(file, 0o755)
    })
  }

  /** Likewise, but a copy: the folder stays for another tree. */
  copyFolder(path: string, from: string): void {
    this.#guard(path, file => copyTree(Buffer.from(from), Buffer.from(file)))
  }

  async #write(path: string, handle: FileHandle, chunk: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < chunk.byteLength; ) at += (await handle.write(chunk, at)).bytesWritten
    } catch (error) {
      throw unwritable(path, error)
    }
  }

  #full(path: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.path}/`), Buffer.from(path, 'latin1')])
  }

  #guard(path: string, act: (file: Buffer) => void): void {
    try {
      act(this.#full(path))
    } catch (error) {
      throw unwritable(path, error)
    }
  }
}

const EXCLUSIVE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/** `link` refuses where something is, which `rename` would replace. */
function moveNew(from: string, to: Buffer): void {
  try {
    linkSync(from, to)
  } catch (error) {
    // Other disks, and file systems without hard links.
    if (!['EXDEV', 'EPERM', 'ENOTSUP'].includes(String((error as NodeJS.ErrnoException).code))) throw error
    copyFileSync(from, to, constants.COPYFILE_EXCL)
  }
  unlinkSync(from)
}

function unwritable(path: string, error: unknown): Error {
  if (error instanceof WaybillError) return error
  const found = error instanceof Error ? error.message : String(error)
  return fail('core/file-unwritable', `Cannot write ${printable(path)}`, { found, cause: error })
}

/** Folders, files with their modes, links; names are bytes. */
function copyTree(from: Buffer, to: Buffer): void {
  mkdirSync(to, { mode: 0o755 })
  chmodSync(to, 0o755)
  for (const entry of readdirSync(from, { encoding: 'buffer', withFileTypes: true })) {
    const [source, target] = [from, to].map(folder => Buffer.concat([folder, Buffer.from('/'), entry.name]))
    if (source === undefined || target === undefined) continue
    if (entry.isDirectory()) copyTree(source, target)
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source, { encoding: 'buffer' }), target)
    else {
      copyFileSync(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
      chmodSync(target, lstatSync(source).mode & 0o777)
    }
  }
}
