import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'

const TYPES = { commit: 1, tree: 2, blob: 3 } as const

/**
 * Git objects gathered in memory and written as one pack (git Documentation/gitformat-pack): hundreds of thousands of
 * signed commits in seconds, where a program for each, or `fast-import`, which signs nothing, would take hours.
 */
export class Pack {
  readonly #parts: Buffer[] = []
  readonly #seen = new Set<string>()

  /** @returns the object's id. */
  add(type: keyof typeof TYPES, bytes: Uint8Array): string {
    const id = createHash('sha1').update(`${type} ${bytes.byteLength}\0`).update(bytes).digest('hex')
    if (this.#seen.has(id)) return id
    this.#seen.add(id)
    this.#parts.push(entryHeader(TYPES[type], bytes.byteLength), deflateSync(bytes, { level: 1 }))
    return id
  }

  /** Puts all objects into a repository. */
  async writeTo(folder: string): Promise<void> {
    const header = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1')
    header.writeUInt32BE(this.#seen.size, 8)
    const sum = createHash('sha1').update(header)
    for (const part of this.#parts) sum.update(part)
    await indexPack(folder, [header, ...this.#parts, sum.digest()])
  }
}

function entryHeader(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)]
  for (let rest = size >>> 4; rest > 0; rest >>>= 7) {
    bytes.push((bytes.pop() ?? 0) | 0x80, rest & 0x7f)
  }
  return Buffer.from(bytes)
}

function indexPack(folder: string, parts: readonly Buffer[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', ['-C', folder, 'index-pack', '--stdin'], { stdio: ['pipe', 'ignore', 'inherit'] })
    child.on('error', reject)
    child.on('close', code => (code === 0 ? resolve() : reject(new Error(`git index-pack ended with ${code}`))))
    child.stdin.on('error', () => {})
    void feed(child.stdin, parts)
  })
}

/** In pieces of some size: one system call an object would take longer than making it. */
async function feed(stdin: NodeJS.WritableStream, parts: readonly Buffer[]): Promise<void> {
  for (let at = 0; at < parts.length; at += 2048) {
    const piece = Buffer.concat(parts.slice(at, at + 2048))
    if (!stdin.write(piece)) await new Promise(resolve => stdin.once('drain', resolve))
  }
  stdin.end()
}
