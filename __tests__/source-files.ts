import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** One import or re-export statement, or a dynamic import with a literal. */
export interface Import {
  readonly from: string
  readonly typeOnly: boolean
  readonly names: string
}

export interface SourceFile {
  /** Relative to `src/`, with `/`. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

const CLAUSE = String.raw`\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?|[\w$]+(?:\s*,\s*(?:\{[^}]*\}|\*\s+as\s+[\w$]+))?`
const STATIC = new RegExp(String.raw`^(?:import|export)\s+(type\s+)?(${CLAUSE})\s*from\s*'([^']+)'`, 'gm')
const BARE = /^import\s+'([^']+)'/gm
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)/g

/** Every TypeScript file below `src/`, sorted by path. */
export function sourceFiles(root: string): readonly SourceFile[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map(path => path.replaceAll('\\', '/'))
    .filter(path => path.endsWith('.ts'))
    .sort()
    .map(path => {
      const text = readFileSync(join(root, 'src', path), 'utf8')
      return { path, text, imports: importsOf(text) }
    })
}

export function importsOf(text: string): readonly Import[] {
  const found: Import[] = []
  for (const [, type, names = '', from = ''] of text.matchAll(STATIC))
    found.push({ from, names, typeOnly: type !== undefined })
  for (const [, from = ''] of text.matchAll(BARE)) found.push({ from, names: '', typeOnly: false })
  for (const [, from = ''] of text.matchAll(DYNAMIC)) found.push({ from, names: '', typeOnly: false })
  return found
}

/** Path below `src/` that a relative import means, or undefined for a package or built-in module. */
export function target(file: SourceFile, from: string): string | undefined {
  return from.startsWith('.') ? normalize(join(dirname(file.path), from)).replaceAll('\\', '/') : undefined
}

/** First folder of a path below `src/`. */
export function roomOf(path: string): string {
  return path.split('/', 1)[0] ?? ''
}

/** The text without comments, for looking at code alone. Strings that hold comment marks may lose their ends: good enough to search. */
export function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/[^\n]*/g, '$1')
}
