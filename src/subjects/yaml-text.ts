import { decodeUtf8 } from '../core/bytes.ts'
import { fail, type WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { SUBJECT_LIMITS } from './limits.ts'
import { fileWords } from './place.ts'

/**
 * The text of a YAML file that every reader cuts into the same lines and documents.
 *
 * kubectl splits at each line that begins with `---`, wherever it stands, and its YAML 1.1 reader ends a line at U+0085, U+2028,
 * U+2029 and at a lone CR; readers of YAML 1.2 do neither. `# harmless<U+0085>image: evil` is a comment to the one and an image
 * to the other, so such characters and lines are refused.
 * @throws `verify/manifest-unreadable`
 */
export function yamlText(bytes: Uint8Array, file: string): string {
  if (bytes.byteLength > SUBJECT_LIMITS.manifestBytes)
    throw unreadable(file, 1, `it has more than ${SUBJECT_LIMITS.manifestBytes} bytes`)
  const text = decodeUtf8(bytes)
  if (text === undefined) throw unreadable(file, 1, 'it is not UTF-8')
  const odd = ODD.exec(text)
  if (odd !== null) throw unreadable(file, lineAt(text, odd.index), `${why(odd[0])}: ${printable(odd[0], 40)}`)
  return text
}

/** `file:line: sentence`. A file that nobody could read is never one without images. */
export function unreadable(file: string, line: number, found: string, remedy?: string): WaybillError {
  return fail('verify/manifest-unreadable', `Cannot read ${fileWords(file)}:${line}: ${found}`, {
    expected: 'YAML that every reader understands in the same way, or JSON',
    found,
    ...(remedy === undefined ? {} : { remedy }),
  })
}

/** Remedy for whatever a program still has to fill in. */
export const RENDER_FIRST =
  'Render first and verify what is deployed: helm template … > rendered.yaml, kustomize build … > rendered.yaml'

const BREAKS = '\\u0085\\u2028\\u2029'
const ODD = new RegExp(
  // A separator with more on its line; a directive; line ends of YAML 1.1; control characters, a second byte order mark.
  `^---(?![ \\t]*(?:#[^\\n]*)?\\r?$)[^\\n]*|^%[^\\n]*|\\r(?!\\n)|[${BREAKS}\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]|(?<=[^])\\ufeff`,
  'mu',
)

function why(found: string): string {
  if (found.startsWith('---'))
    return 'a line that begins with --- and is not just that; kubectl takes it for a separator'
  if (found.startsWith('%')) return 'a line that begins with %, a directive'
  return 'a character that only some readers take for the end of a line'
}

function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}
