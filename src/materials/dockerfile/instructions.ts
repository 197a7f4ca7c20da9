import { LIMITS } from '../../core/limits.ts'
import { type Directives, readDirectives } from './directives.ts'
import { type Numbered, readLines } from './lines.ts'
import { malformed } from './malformed.ts'

/** One instruction, its parts as written: variables are not resolved yet. */
export type Instruction = Numbered

export interface ReadDockerfile extends Directives {
  readonly instructions: readonly Instruction[]
}

/**
 * A Dockerfile as a list of instructions.
 * @throws `materials/dockerfile-malformed` for one that is too large, is no text, or that BuildKit would refuse as well.
 */
export function readDockerfile(bytes: Uint8Array): ReadDockerfile {
  if (bytes.byteLength > LIMITS.dockerfileBytes)
    throw malformed('is too large', `at most ${LIMITS.dockerfileBytes} bytes`, `${bytes.byteLength} bytes`)
  const text = textOf(bytes)
  const directives = readDirectives(text)
  const instructions = readLines(text, directives.mark)
  if (instructions.length > LIMITS.dockerfileInstructions)
    throw malformed('is too long', `at most ${LIMITS.dockerfileInstructions} instructions`, `${instructions.length}`)
  return { ...directives, instructions }
}

function textOf(bytes: Uint8Array): string {
  // Programs differ in where a text with a NUL ends.
  if (bytes.includes(0)) throw malformed('holds a NUL byte', 'a text')
  try {
    // Drops one byte order mark; a second one is text to the builder too.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw malformed('is not UTF-8', 'a text')
  }
}
