import { parseJsonObject } from '../../core/json.ts'
import type { Escape } from './words.ts'

/** What stands before the first instruction and tells the builder how to read the rest. */
export interface Directives {
  readonly mark: Escape
  /** The image that reads this Dockerfile instead of the builder's own frontend, with its line. */
  readonly syntax?: { readonly image: string; readonly line: number }
}

/**
 * `# syntax=` and `# escape=`. A frontend image runs with all rights of the build, so it is looked for in each of the three
 * places where BuildKit looks: `#` comments, `//` comments, and a JSON object; a first line `#!…` is passed over.
 * Source: Dockerfile reference § Parser directives; moby/buildkit `frontend/dockerfile/parser/directives.go`.
 */
export function readDirectives(text: string): Directives {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  const start = lines[0]?.startsWith('#!') ? 1 : 0
  const hashed = commentsFrom(lines, start, '#')
  const syntax = hashed.get('syntax') ?? commentsFrom(lines, start, '//').get('syntax') ?? inJson(lines, start)
  // Everything behind the first word are arguments of the frontend.
  const [image] = (syntax?.value ?? '').trim().split(' ')
  return {
    mark: hashed.get('escape')?.value === '`' ? '`' : '\\',
    ...(syntax === undefined || image === undefined || image === '' ? {} : { syntax: { image, line: syntax.line } }),
  }
}

interface Found {
  readonly value: string
  readonly line: number
}

function commentsFrom(lines: readonly string[], start: number, mark: '#' | '//'): ReadonlyMap<string, Found> {
  const found = new Map<string, Found>()
  for (const [at, line] of lines.slice(start).entries()) {
    const [, name, value] =
      /^\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(
        line.trim().startsWith(mark) ? line.trim().slice(mark.length) : '',
      ) ?? []
    if (name === undefined || value === undefined) break
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), { value, line: start + at + 1 })
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
