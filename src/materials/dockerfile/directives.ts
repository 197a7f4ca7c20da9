import { parseJsonObject } from '../../core/json.ts'
import { malformed } from './malformed.ts'
import { isAsciiSpace, trimStart, withoutEnd, withoutLineEnd } from './space.ts'
import type { Escape } from './words.ts'

/** What stands before the first instruction and tells the builder how to read the rest. */
export interface Directives {
  readonly mark: Escape
  /** The image that reads this Dockerfile instead of the builder's own frontend, with its line. */
  readonly syntax?: { readonly image: string; readonly line: number }
}

/** A comment of another form, or a directive of another name, ends them. */
const NAMES = ['syntax', 'escape', 'check']

/**
 * `# syntax=` and `# escape=`. A frontend image runs with all rights of the build, so it is looked for in each of the three
 * places where BuildKit looks: `#` comments, `//` comments, and a JSON object; a first line `#!…` is passed over. `escape` is
 * read by another part of BuildKit, which knows only `#`, passes over no `#!…`, and lets lines be indented.
 * Source: Dockerfile reference § Parser directives; run with BuildKit 0.26.3.
 * @throws `materials/dockerfile-malformed` for a directive that stands there twice, and an escape character of its own.
 */
export function readDirectives(text: string): Directives {
  const lines = text.split('\n').map(withoutLineEnd)
  const start = lines[0]?.startsWith('#!') ? 1 : 0
  const hashed = commentsFrom(lines, start, '#')
  const syntax = hashed.get('syntax') ?? commentsFrom(lines, start, '//').get('syntax') ?? inJson(lines, start)
  // Everything behind the first word are arguments of the frontend.
  const [image] = (syntax?.value ?? '').split(' ')
  return {
    mark: escapeIn(lines),
    ...(syntax === undefined || image === undefined || image === '' ? {} : { syntax: { image, line: syntax.line } }),
  }
}

function escapeIn(lines: readonly string[]): Escape {
  const mark = commentsFrom(lines.map(trimStart), 0, '#').get('escape')?.value ?? '\\'
  if (mark === '\\' || mark === '`') return mark
  throw malformed('has an escape character that no builder takes', '\\ or `', mark)
}

interface Found {
  readonly value: string
  readonly line: number
}

function commentsFrom(lines: readonly string[], start: number, mark: '#' | '//'): ReadonlyMap<string, Found> {
  const found = new Map<string, Found>()
  for (const [at, line] of lines.slice(start).entries()) {
    if (!line.startsWith(mark)) break
    const [, given = '', rest = ''] =
      /^[\t\n\f\r ]*([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=(.*)$/.exec(line.slice(mark.length)) ?? []
    const [name, value] = [given.toLowerCase(), withoutEnd(rest.replace(/^[\t\n\f\r ]+/, ''), isAsciiSpace)]
    if (!NAMES.includes(name) || value === '') break
    if (found.has(name)) throw malformed(`names ${name} twice in its first lines`, 'one of them', value)
    found.set(name, { value, line: start + at + 1 })
  }
  return found
}

/** The whole file is one JSON object for some other frontend; its `syntax` names which. */
function inJson(lines: readonly string[], start: number): Found | undefined {
  const text = lines.slice(start).join('\n')
  if (!/^\s*\{/.test(text)) return undefined
  try {
    const { syntax } = parseJsonObject(new TextEncoder().encode(text), 'Dockerfile')
    if (typeof syntax === 'string') return { value: syntax, line: start + 1 }
  } catch {
    // Only its beginning may be JSON.
  }
  const [, value] = /"syntax"\s*:\s*"([^"\\]*)"/i.exec(text.slice(0, 4096)) ?? []
  return value === undefined ? undefined : { value, line: start + 1 }
}
