import { parseCommand } from '../materials/dockerfile/command.ts'
import { heredocsOf } from '../materials/dockerfile/heredocs.ts'
import type { Instruction } from '../materials/dockerfile/instructions.ts'
import { trimStart } from '../materials/dockerfile/space.ts'
import type { BuildahDockerfile } from './buildah-dockerfile.ts'
import { checkMount } from './buildah-mounts.ts'
import { notWithBuildah, readDifferently } from './buildah-refusal.ts'

/** White space that programs differ in, and carriage returns that end no line. */
const ODD_SPACE = /[\v\f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]|\r(?!\n)/
const REMOTE = ['http://', 'https://', 'git://', 'ssh://']

/**
 * Compares two readings of one file: ours, which is BuildKit's, and that of buildah, whose parser knows no here-documents, takes
 * `\\` at the end of a line for a continuation, and looks for `# escape` in other lines. What was verified was found by the one;
 * what is built is found by the other (13-adversary 18; run with buildah 1.28).
 * @throws `materials/read-differently`, `materials/not-with-buildah`
 */
export function checkReading({ file, text }: BuildahDockerfile): void {
  if (file.syntax !== undefined)
    throw notWithBuildah(file.syntax.line, 'names a frontend image', {
      expected: 'no # syntax= line: buildah runs no frontend, and would read the file by itself',
      found: file.syntax.image,
      remedy: `Delete the line \`# syntax=…\`, or set \`builder: buildx\`.`,
    })
  checkCharacters(text)
  const theirs = buildahLines(text)
  for (const [at, instruction] of file.instructions.entries()) {
    checkInstruction(instruction)
    const { line, text: joined } = theirs[at] ?? { line: instruction.line, text: '' }
    if (line !== instruction.line || !sameCommand(joined, instruction))
      throw otherLine(Math.min(line, instruction.line))
  }
  const more = theirs[file.instructions.length]
  if (more !== undefined) throw otherLine(more.line)
}

/** Also of ONBUILD, in this file and in the config of a base image. */
export function checkInstruction(instruction: Instruction): void {
  const { trigger, keyword, json, rest, line, flags } = trigger_(instruction)
  if (trigger !== undefined || !['ADD', 'COPY', 'RUN'].includes(keyword)) return
  if (!json && heredocsOf(rest).length > 0)
    throw readDifferently(line, 'begins a here-document, which buildah 1.28 does not know', {
      expected: 'RUN with && between commands, or COPY of a file',
      found: rest,
    })
  if (keyword === 'RUN') {
    checkRunNetwork(instruction)
    for (const { name, value } of flags) if (name === 'mount') checkMount(value ?? '', line)
    return
  }
  if (!json && rest.startsWith('['))
    throw readDifferently(line, 'has a list that is not JSON to its end', {
      expected: '["source", "target"]',
      found: rest,
    })
  if (keyword === 'ADD') checkAdd(instruction.trigger ?? instruction)
}

/**
 * buildah 1.28 refuses the flag; later versions let it win over the network that the build was given, and `host` is the machine's.
 * @throws `materials/not-with-buildah`
 */
export function checkRunNetwork(instruction: Instruction): void {
  const { keyword, flags, line } = trigger_(instruction)
  const wanted = keyword === 'RUN' ? flags.find(({ name }) => name === 'network')?.value : undefined
  if (wanted !== undefined && wanted.toLowerCase() !== 'none')
    throw notWithBuildah(line, 'chooses the network of a step by itself, whatever the build was told', {
      expected: 'RUN without --network, or --network=none',
      found: `--network=${wanted}`,
      remedy: `Delete \`--network=…\` from the line and set the input network, or set \`builder: buildx\`.`,
    })
}

function trigger_(instruction: Instruction): Instruction {
  return instruction.trigger ?? instruction
}

/** Sources that may become remote once a variable has its value; what is plainly remote is refused with its own words. */
function checkAdd({ words, line }: Instruction): void {
  for (const word of words.slice(0, -1)) {
    const literal = (/^[^$"'\\]*/.exec(word)?.[0] ?? '').toLowerCase()
    if (REMOTE.some(scheme => literal.startsWith(scheme)) || /^[\w-]+@[\w.-]+:/.test(word)) throw remoteAdd(line, word)
    if (literal.length < word.length && REMOTE.some(scheme => scheme.startsWith(literal)))
      throw readDifferently(line, 'adds something that may be remote', {
        expected: 'a path that begins plainly, or COPY',
        found: word,
      })
  }
}

/** buildah fetches by itself, checks no sum in 1.28, and no policy of it can forbid it (4-materials § 4). */
export function remoteAdd(line: number, source: string): Error {
  return notWithBuildah(line, 'adds something from another host, which buildah fetches by itself', {
    expected: 'COPY of a file that was fetched and verified before the build',
    found: source,
    remedy:
      'Declare it in the materials manifest with `use: {path: vendor/file}`, write `COPY vendor/file …` in its place, or set `builder: buildx`.',
  })
}

function checkCharacters(text: string): void {
  for (const [at, raw] of text.split('\n').entries()) {
    if (ODD_SPACE.test(raw.replace(/\r$/, '')))
      throw readDifferently(at + 1, 'has white space that builders read differently', { expected: 'spaces and tabs' })
    const [, mark] = /^\s*#[ \t]*escape[ \t]*=[ \t]*(.)/i.exec(raw) ?? []
    if (mark !== undefined && mark !== '\\')
      throw readDifferently(at + 1, 'sets another escape character', { expected: '\\', found: mark })
  }
}

interface Line {
  readonly line: number
  readonly text: string
}

/** Logical lines as buildah 1.28 joins them (github.com/openshift/imagebuilder, its `dockerfile/parser`; run with 1.28). */
function buildahLines(text: string): readonly Line[] {
  const physical = text.split('\n').map(line => line.replace(/\r$/, ''))
  const found: Line[] = []
  for (let at = 0; at < physical.length; ) {
    const line = at + 1
    let { rest, continued } = withoutMark(withoutComment(trimStart(physical[at++] ?? '')))
    if (!continued && rest === '') continue
    while (continued && at < physical.length) {
      const raw = withoutComment(physical[at++] ?? '')
      if (withoutComment(trimStart(raw)) === '') continue
      const next = withoutMark(raw)
      rest += next.rest
      continued = next.continued
    }
    found.push({ line, text: rest })
  }
  return found
}

function withoutComment(line: string): string {
  return line.startsWith('#') ? '' : line
}

function withoutMark(line: string): { rest: string; continued: boolean } {
  const [mark] = /\\[ \t]*$/.exec(line.slice(-65_536)) ?? []
  return mark === undefined
    ? { rest: line, continued: false }
    : { rest: line.slice(0, line.length - mark.length), continued: true }
}

function sameCommand(joined: string, { keyword, flags, rest, line }: Instruction): boolean {
  try {
    const theirs = parseCommand(joined, '\\', line)
    return theirs.keyword === keyword && theirs.rest === rest && JSON.stringify(theirs.flags) === JSON.stringify(flags)
  } catch {
    return false
  }
}

function otherLine(line: number): Error {
  return readDifferently(line, 'is read otherwise by buildah: it ends or goes on elsewhere', {
    expected: 'one \\ at the end of each line that goes on, and no here-documents',
  })
}
