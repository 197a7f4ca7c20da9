import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { expandVariables } from './dockerfile-variables.ts'

/** A place of a Dockerfile where buildah takes a name as an image. */
export interface ImagePosition {
  /** First line of the instruction, from 1. */
  readonly line: number
  /** As written. */
  readonly written: string
  /** After variables; `undefined` when one is not set, or is none this parser resolves. */
  readonly name: string | undefined
}

/** Every transport of containers/image: each reads from somewhere that is no registry. */
const TRANSPORT =
  /^(atomic|containers-storage|dir|docker|docker-archive|docker-daemon|oci|oci-archive|ostree|sif|tarball):/i

/** Names every builder sets for FROM by itself; which platform they name does not matter here. */
const PREDEFINED = {
  BUILDPLATFORM: 'linux/amd64',
  BUILDOS: 'linux',
  BUILDARCH: 'amd64',
  BUILDVARIANT: 'v1',
  TARGETPLATFORM: 'linux/amd64',
  TARGETOS: 'linux',
  TARGETARCH: 'amd64',
  TARGETVARIANT: 'v1',
} as const

/**
 * Refuses image positions through which buildah would read from the machine: a transport prefix passes its
 * `--pull=never`, and a variable can hold one (13-adversary 18).
 * @throws `build/image-refused` naming the line.
 */
export function checkImagePositions(dockerfile: string, buildArgs: Readonly<Record<string, string>>): void {
  for (const { line, written, name } of imagePositions(dockerfile, buildArgs)) {
    if (name === undefined)
      throw refused(line, written, 'a name whose variables all have a value', 'a variable that nobody sets')
    if (TRANSPORT.test(name) || name.startsWith('/') || name.startsWith('.'))
      throw refused(line, written, 'a stage, scratch, or an image in a registry', name)
  }
}

function refused(line: number, written: string, expected: string, found: string): Error {
  return fail('build/image-refused', `Line ${line} of the Dockerfile names the image ${printable(written, 120)}`, {
    expected,
    found,
  })
}

/**
 * Every FROM, `--from=` of COPY and ADD, and `from=` of a RUN mount.
 * Here-documents are read as if they were instructions: at worst too much is found, never too little.
 */
export function imagePositions(
  dockerfile: string,
  buildArgs: Readonly<Record<string, string>>,
): readonly ImagePosition[] {
  const globals = new Map(
    Object.entries(PREDEFINED).map(([name, value]) => [name, givenValue(name, buildArgs) ?? value]),
  )
  const positions: ImagePosition[] = []
  let inStage = false
  for (const { line, text } of instructions(dockerfile)) {
    const [, keyword = '', rest = ''] = /^\s*([A-Za-z]+)\s+([\s\S]*)$/.exec(text) ?? []
    const name = keyword.toUpperCase()
    if (name === 'ARG' && !inStage) declare(rest, globals, buildArgs)
    if (name === 'FROM') {
      inStage = true
      const written = words(rest).find(word => !word.startsWith('--')) ?? ''
      positions.push({ line, written, name: expandVariables(written, globals) })
    }
    // Builders differ in whether they expand a variable here: with any, the name counts as unresolved.
    for (const written of flagImages(name === 'ONBUILD' ? rest : text))
      positions.push({ line, written, name: expandVariables(written, new Map()) })
  }
  return positions
}

/** `ARG a=1 b` before the first FROM; a build argument of the same name wins. */
function declare(rest: string, globals: Map<string, string>, buildArgs: Readonly<Record<string, string>>): void {
  for (const word of words(rest)) {
    const [name = '', ...value] = word.split('=')
    const given = givenValue(name, buildArgs)
    const fallback = value.length === 0 ? undefined : expandVariables(value.join('='), globals)
    const found = given ?? fallback
    if (found !== undefined) globals.set(name, found)
  }
}

/** `--from=x` and `--mount=type=bind,from=x` among the flags of `COPY …`, `ADD …` or `RUN …`. */
function flagImages(instruction: string): readonly string[] {
  const [keyword = '', ...rest] = words(instruction)
  if (!/^(COPY|ADD|RUN)$/i.test(keyword)) return []
  const end = rest.findIndex(word => !word.startsWith('--'))
  return rest.slice(0, end === -1 ? rest.length : end).flatMap(flag => {
    if (/^--from=/i.test(flag)) return [flag.slice('--from='.length)]
    if (!/^--mount=/i.test(flag)) return []
    const parts = flag.slice('--mount='.length).split(',')
    return parts.filter(part => /^\s*from=/i.test(part)).map(part => part.slice(part.indexOf('=') + 1).trim())
  })
}

function givenValue(name: string, buildArgs: Readonly<Record<string, string>>): string | undefined {
  return Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined
}

/** Splits at white space and drops quotes, which builders strip from flags and names, too. */
function words(text: string): readonly string[] {
  return text
    .split(/\s+/)
    .map(word => word.replace(/["']/g, ''))
    .filter(word => word !== '')
}

/** Logical lines: continuations joined, comments and empty lines inside them dropped, as the Dockerfile reference says. */
function instructions(dockerfile: string): readonly { line: number; text: string }[] {
  const mark = escapeCharacter(dockerfile)
  const found: { line: number; text: string }[] = []
  let open: { line: number; text: string } | undefined
  const physical = dockerfile.replace(/^\ufeff/, '').split(/\r?\n/)
  for (const [at, text] of physical.entries()) {
    if (/^\s*#/.test(text) || (open !== undefined && text.trim() === '')) continue
    const continued = text.trimEnd().endsWith(mark)
    const part = continued ? text.trimEnd().slice(0, -1) : text
    open = open === undefined ? { line: at + 1, text: part } : { line: open.line, text: `${open.text}${part}` }
    if (continued) continue
    if (open.text.trim() !== '') found.push(open)
    open = undefined
  }
  if (open !== undefined) found.push(open)
  return found
}

/** Parser directive `# escape=` + a backtick, only before anything else. */
function escapeCharacter(dockerfile: string): string {
  for (const line of dockerfile.replace(/^\ufeff/, '').split(/\r?\n/)) {
    const directive = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S*)\s*$/.exec(line)
    if (directive === null) return '\\'
    if (directive[1]?.toLowerCase() === 'escape') return directive[2] === '`' ? '`' : '\\'
  }
  return '\\'
}
