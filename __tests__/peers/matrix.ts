import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Exit codes seen, for whoever reads the ring's outcome: `tools/peers/test.ts` prints them. */
const FOLDER = join(import.meta.dirname, '..', '..', '.cache', 'peers')

export class Matrix {
  readonly #name: string
  readonly #rows: string[] = []

  constructor(name: string) {
    this.#name = name
  }

  /** @returns `codes`, so that the test can judge what was recorded. */
  record(row: string, codes: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
    const cells = Object.entries(codes).map(([verifier, code]) => `${verifier} ${code}`)
    this.#rows.push(`${row}: ${cells.join(', ')}`)
    return codes
  }

  write(): void {
    mkdirSync(FOLDER, { recursive: true })
    writeFileSync(join(FOLDER, `${this.#name}.txt`), `${this.#name}\n${this.#rows.map(row => `  ${row}\n`).join('')}`)
  }
}
