/**
 * The runner reads a job's output line by line and obeys two spellings of commands:
 *
 *     ::name key=value,…::message        after white space at the start of a line
 *     ##[name key=value;…]message        anywhere in a line
 *
 * Whoever can put such a line into the log commands the job: masks, annotations, problem matchers, `stop-commands`.
 * Source: actions/runner at 079cdb1, src/Runner.Common/ActionCommand.cs.
 */

/** The message of a command: one line, nothing in it is read as syntax. */
export function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

/** A property of a command: `:` and `,` would end it. */
export function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

/**
 * Makes one line of foreign output harmless by a space inside the marker; everything else stays byte for byte.
 * @param line one character per byte (latin1), without line ends: .NET trims Unicode white space before `::`, whose
 *   bytes are all outside printable ASCII.
 */
export function defuseLine(line: string): string {
  return line.replace(/^([^\x21-\x7e]*):(?=:)/, '$1: ').replaceAll('##[', '## [')
}

/** As `defuseLine`, for text of ours that quotes foreign text, with any number of lines. */
export function defuseText(text: string): string {
  const bytes = Buffer.from(text, 'utf8').toString('latin1')
  const lines = bytes.split(/(\r\n|\r|\n)/).map(part => (/^[\r\n]/.test(part) ? part : defuseLine(part)))
  return Buffer.from(lines.join(''), 'latin1').toString('utf8')
}
