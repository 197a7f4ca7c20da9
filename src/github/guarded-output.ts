import { utf8 } from '../core/bytes.ts'
import { defuseLine } from './escape.ts'

/** Characters of one unfinished line kept back; a longer line is passed on in parts. */
const LINE_CHARACTERS = 64 * 1024

/**
 * A child's output between `::stop-commands::<token>` and `::<token>::`.
 * A Dockerfile may print `::add-mask::`, `::set-output::` or `::stop-commands::`; between the two lines the runner obeys
 * only the token, which the child cannot know. Markers are defused as well, so that the log is harmless where it is
 * printed again. Only whole lines are written, so that our own commands always begin a line.
 */
export class GuardedOutput {
  readonly #write: (chunk: Uint8Array) => void
  readonly #newToken: () => string
  readonly #onClose: () => void
  #token: string | undefined
  #pending = ''
  #closed = false

  constructor(write: (chunk: Uint8Array) => void, token: () => string, onClose: () => void = () => {}) {
    this.#write = write
    this.#newToken = token
    this.#onClose = onClose
  }

  /** Any bytes, cut anywhere. Ignored after `close`: a child that outlives its section has no say. */
  write(chunk: Uint8Array): void {
    if (this.#closed) return
    this.#stop()
    const text = this.#pending + Buffer.from(chunk).toString('latin1')
    const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1
    this.#pending = text.slice(end)
    if (end > 0) this.#print(text.slice(0, end))
    if (this.#pending.length > LINE_CHARACTERS) this.#flush()
  }

  /** Writes commands of ours in the middle of a child's output: commands on, write, commands off again at the next chunk. */
  interrupt(bytes: Uint8Array): void {
    this.#flush()
    this.#resume()
    this.#write(bytes)
  }

  close(): void {
    if (this.#closed) return
    this.#flush()
    this.#resume()
    this.#closed = true
    this.#onClose()
  }

  #stop(): void {
    if (this.#token !== undefined) return
    this.#token = this.#newToken()
    this.#write(utf8(`::stop-commands::${this.#token}\n`))
  }

  #resume(): void {
    if (this.#token === undefined) return
    // The line before it is whole, so this one is read as a command.
    this.#write(utf8(`::${this.#token}::\n`))
    this.#token = undefined
  }

  /** Ends an unfinished line by force. */
  #flush(): void {
    if (this.#pending === '') return
    const line = this.#pending
    this.#pending = ''
    this.#stop()
    this.#print(`${line}\n`)
  }

  /** @param text whole lines, one character per byte. */
  #print(text: string): void {
    // A lone carriage return ends a line for the runner, too: what follows it could be a command.
    const parts = text.split(/(\r\n|\r|\n)/).map(part => (/^[\r\n]/.test(part) ? part : defuseLine(part)))
    this.#write(new Uint8Array(Buffer.from(parts.join(''), 'latin1')))
  }
}
