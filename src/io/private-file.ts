import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fail, WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'

const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const PIECE = 256 * 1024

/** A new file for nobody else's eyes, written from its first byte on. Every method throws `core/file-unwritable`. */
export class PrivateFile {
  readonly path: string
  readonly #handle: FileHandle
  #size = 0

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  static create(path: string): Promise<PrivateFile> {
    return guarded(path, async () => {
      await mkdir(dirname(path), { recursive: true })
      return new PrivateFile(path, await open(path, CREATE, 0o600))
    })
  }

  /** Bytes written. */
  get size(): number {
    return this.#size
  }

  write(chunk: Uint8Array): Promise<void> {
    return guarded(this.path, async () => {
      for (let at = 0; at < chunk.byteLength; ) {
        const { bytesWritten } = await this.#handle.write(chunk, at, chunk.byteLength - at, this.#size)
        at += bytesWritten
        this.#size += bytesWritten
      }
    })
  }

  /** Everything written is forgotten. */
  restart(): Promise<void> {
    this.#size = 0
    return guarded(this.path, () => this.#handle.truncate(0))
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** A regular file of which parts are read, in any order. A link in its place is none. */
export class OpenedFile {
  readonly path: string
  /** Bytes, when it was opened. */
  readonly size: number
  readonly #handle: FileHandle

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path
    this.size = size
    this.#handle = handle
  }

  /** @throws `core/file-unreadable` */
  static async open(path: string): Promise<OpenedFile> {
    try {
      const handle = await open(path, READ)
      const info = await handle.stat()
      if (info.isFile()) return new OpenedFile(path, info.size, handle)
      await handle.close()
      throw new Error('not a regular file')
    } catch (error) {
      throw unreadable(path, error)
    }
  }

  /** Fewer bytes than asked for only at the end of the file. @throws `core/file-unreadable` */
  async read(at: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - at)))
    try {
      let read = 0
      while (read < bytes.byteLength) {
        const { bytesRead } = await this.#handle.read(bytes, read, bytes.byteLength - read, at + read)
        if (bytesRead === 0) break
        read += bytesRead
      }
      return bytes.subarray(0, read)
    } catch (error) {
      throw unreadable(this.path, error)
    }
  }

  /** @throws `core/file-unreadable` */
  async *chunks(from = 0, to = this.size): AsyncGenerator<Uint8Array, void> {
    for (let at = from; at < to; ) {
      const chunk = await this.read(at, Math.min(PIECE, to - at))
      if (chunk.byteLength === 0) return
      at += chunk.byteLength
      yield chunk
    }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** The bytes of a regular file, in constant memory. @throws `core/file-unreadable` */
export async function* chunksOf(path: string): AsyncGenerator<Uint8Array, void> {
  const file = await OpenedFile.open(path)
  try {
    yield* file.chunks()
  } finally {
    await file.close()
  }
}

/** Gives a finished file its name, in one step. @throws `core/file-unwritable` */
export function renameInto(from: string, to: string): Promise<void> {
  return guarded(to, async () => {
    await mkdir(dirname(to), { recursive: true })
    await rename(from, to)
  })
}

async function guarded<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof WaybillError) throw error
    throw fail('core/file-unwritable', `Cannot write ${printable(path)}`, { found: reason(error), cause: error })
  }
}

function unreadable(path: string, error: unknown): Error {
  if (error instanceof WaybillError) return error
  return fail('core/file-unreadable', `Cannot read ${printable(path)}`, { found: reason(error), cause: error })
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
