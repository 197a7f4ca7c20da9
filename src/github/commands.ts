import { ANNOTATIONS_PER_LEVEL, type Annotation } from '../core/annotation.ts'
import { utf8 } from '../core/bytes.ts'
import { isPrintable, printable } from '../core/text.ts'
import { defuseText, escapeData, escapeProperty } from './escape.ts'
import { GuardedOutput } from './guarded-output.ts'

/**
 * The runner's log: plain lines, commands, and the output of children, which can command nothing.
 * One object owns stdout, so that a command of ours never falls into a child's stopped section, where it would be lost:
 * a token that is masked while a build prints is really masked.
 */
export class WorkflowLog {
  readonly #write: (chunk: Uint8Array) => void
  readonly #token: () => string
  readonly #shown = { error: 0, warning: 0, notice: 0 }
  #guard: GuardedOutput | undefined

  /**
   * @param write stdout. @param token a fresh unguessable word: 32 hex digits of random bytes.
   */
  constructor(write: (chunk: Uint8Array) => void, token: () => string) {
    this.#write = write
    this.#token = token
  }

  /**
   * Hides a value in everything the runner prints from now on; each line of it, because the runner masks by line. Of several lines
   * those of three characters stay: with a brace masked the runner would drop every output that is JSON.
   */
  mask(secret: string): void {
    const [first = '', ...more] = secret.split(/[\r\n]+/)
    const lines = more.length === 0 ? [first] : [first, ...more].filter(line => line.trim().length > 3)
    for (const line of new Set([secret, ...lines]))
      if (line.trim() !== '') this.#command(`::add-mask::${escapeData(line)}`)
  }

  /** Prints text; nothing in it is obeyed. */
  info(text: string): void {
    this.#command(defuseText(text))
  }

  /**
   * Shows the annotation unless its level is full.
   * @returns whether it was shown; the caller reports the most important first and the rest in the summary.
   */
  annotate(annotation: Annotation): boolean {
    if (this.#shown[annotation.level] >= ANNOTATIONS_PER_LEVEL) return false
    this.#shown[annotation.level]++
    this.#command(annotationCommand(annotation))
    return true
  }

  /** Begins a section for a child's output; call `close` when the child has ended. */
  guard(): GuardedOutput {
    if (this.#guard !== undefined) return this.#guard
    const guard = new GuardedOutput(this.#write, this.#token, () => {
      if (this.#guard === guard) this.#guard = undefined
    })
    this.#guard = guard
    return guard
  }

  #command(line: string): void {
    const bytes = utf8(`${line}\n`)
    if (this.#guard === undefined) this.#write(bytes)
    else this.#guard.interrupt(bytes)
  }
}

/** `::error title=…,file=…,line=…::message`; text from outside is printable and escaped. */
export function annotationCommand({ level, message, title, file, line }: Annotation): string {
  const properties = [
    ...(title === undefined ? [] : [`title=${escapeProperty(printable(title))}`]),
    ...(file === undefined ? [] : [`file=${escapeProperty(printable(file))}`]),
    ...(line === undefined ? [] : [`line=${Math.trunc(line)}`]),
  ]
  const lines = message.split('\n').map(text => (isPrintable(text) ? text : printable(text, 2000)))
  return `::${level}${properties.length === 0 ? '' : ` ${properties.join(',')}`}::${escapeData(lines.join('\n'))}`
}
