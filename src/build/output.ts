import { printable } from '../core/text.ts'
import type { OutputSink } from './builder.ts'

/** Bytes kept for the error message: what a failing tool said last. */
const KEPT_BYTES = 8 * 1024

/** Passes every chunk on and remembers the last ones. */
export class OutputTail implements OutputSink {
  readonly #next: OutputSink
  #kept: Buffer = Buffer.alloc(0)

  constructor(next: OutputSink) {
    this.#next = next
  }

  write(chunk: Uint8Array): void {
    this.#next.write(chunk)
    const joined = Buffer.concat([this.#kept, chunk])
    this.#kept = joined.subarray(Math.max(0, joined.byteLength - KEPT_BYTES))
  }

  /** What was kept, as it came: for finding something in it, never for showing. */
  text(): string {
    return this.#kept.toString('utf8')
  }

  /** The last non-empty lines, printable, oldest first. */
  lines(count: number): readonly string[] {
    const lines = this.#kept
      .toString('utf8')
      .split(/[\r\n]+/)
      .filter(line => line.trim() !== '')
    return lines.slice(-count).map(line => printable(line, 500))
  }
}
