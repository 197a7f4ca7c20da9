import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Matrix } from './matrix.ts'

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'relay.md')

/** Which broken link was caught where, for the page that people read. */
export class RelayPage {
  readonly #matrix = new Matrix('relay')
  readonly #rows: string[] = []

  /** @param also what refuses it besides, were the first place not there. */
  caught(link: string, where: string, code: string, message: string, also: readonly string[] = []): void {
    this.#matrix.record(`${link} → ${where}: ${code} ${message} | ${also.join(' | ')}`, {})
    const cells = [link, where, `\`${code}\``, steady(message), also.map(steady).join('; ')]
    this.#rows.push(`| ${cells.join(' | ')} |`)
  }

  write(): void {
    this.#matrix.write()
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(PAGE, this.#text())
  }

  compare(): void {
    if (process.env.UPDATE_GOLDEN !== '1') expect(readFileSync(PAGE, 'utf8')).toBe(this.#text())
  }

  #text(): string {
    return `${HEAD}${this.#rows.join('\n')}\n${FOOT}`
  }
}

/** Without what is another in each run: addresses, digests, commits, names made from them. */
function steady(text: string): string {
  return (
    text
      .split('\n')[0]
      ?.replace(/sha256:[0-9a-f]{64}/g, 'sha256:…')
      .replace(/https:\/\/localhost:\d+/g, 'https://git.example')
      .replace(/https?:\/\/127\.0\.0\.1:\d+/g, 'https://host.example')
      .replace(/127\.0\.0\.1:\d+/g, 'registry.example')
      .replace(/\b[0-9a-f]{7}(?:[0-9a-f]{33})?\b/g, '…')
      .replaceAll('|', '/')
      .slice(0, 300) ?? ''
  )
}

const HEAD = `# The relay, and each of its links broken

`
const FOOT = ''
