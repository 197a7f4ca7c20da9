import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** docs/build-cases.md: what builders, registries and verifiers did, as one table for each part. */
const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'build-cases.md')

export type Part = 'builders' | 'formats'

export class BuildPage {
  readonly #rows = new Map<string, readonly string[]>()
  readonly #part: Part
  readonly #head: readonly string[]

  constructor(part: Part, head: readonly string[]) {
    this.#part = part
    this.#head = head
  }

  row(cells: readonly [string, ...string[]]): void {
    this.#rows.set(cells.slice(0, 2).join(' '), cells)
  }

  /** With UPDATE_GOLDEN=1 the part of the page becomes this; otherwise it must be this. */
  check(): void {
    const [from, to] = [`<!-- ${this.#part} -->\n`, `<!-- end of ${this.#part} -->\n`]
    const page = readFileSync(PAGE, 'utf8')
    const [start, end] = [page.indexOf(from), page.indexOf(to)]
    if (start < 0 || end < start) throw new Error(`docs/build-cases.md has no part ${this.#part}`)
    const text = `${page.slice(0, start)}${from}\n${this.#table()}\n${page.slice(end)}`
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(PAGE, text)
    else expect(page).toBe(text)
  }

  #table(): string {
    const lines = [this.#head, this.#head.map(() => '---'), ...this.#rows.values()]
    return lines.map(cells => `| ${cells.join(' | ')} |\n`).join('')
  }
}
