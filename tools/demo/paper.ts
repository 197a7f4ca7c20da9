const COLUMNS = 100

/** What the demo prints: numbered steps, sentences, the commands that were run and what they answered. */
export class Paper {
  readonly #write: (text: string) => void
  #steps = 0

  constructor(write: (text: string) => void) {
    this.#write = write
  }

  title(text: string): void {
    this.#line(text)
  }

  step(text: string): void {
    this.#steps++
    this.#line('')
    this.#line(`${this.#steps}. ${text}`)
  }

  say(text: string): void {
    for (const line of wrap(text)) this.#line(`   ${line}`)
  }

  command(text: string): void {
    this.#line(`   $ ${text}`)
  }

  /** What a program answered, word for word. */
  quote(text: string): void {
    for (const line of text.trimEnd().split('\n')) this.#line(`   │ ${line}`.trimEnd())
  }

  #line(text: string): void {
    this.#write(`${text}\n`)
  }
}

function wrap(text: string): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > COLUMNS) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line]
}
