import type { Instruction as Parsed } from 'dockerfile-ast'
import { fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { type Directives, readDirectives } from './directives.ts'

/** One instruction, its parts as written: quotes and variables are not resolved yet. */
export interface Instruction {
  /** Upper case. */
  readonly keyword: string
  /** First line, from 1. */
  readonly line: number
  /** `--name=value`, in order; the value of a flag without one is ''. */
  readonly flags: readonly { readonly name: string; readonly value: string }[]
  /** Without flags and without the bodies of here-documents. */
  readonly words: readonly string[]
  /** Of ONBUILD: what it will run. */
  readonly trigger?: Instruction
}

export interface ReadDockerfile extends Directives {
  readonly instructions: readonly Instruction[]
}

/**
 * A Dockerfile as a list of instructions.
 * @throws `materials/dockerfile-malformed` for one that is too large, is no text, or has too many instructions.
 */
export async function readDockerfile(bytes: Uint8Array): Promise<ReadDockerfile> {
  if (bytes.byteLength > LIMITS.dockerfileBytes)
    throw malformed('is too large', `at most ${LIMITS.dockerfileBytes} bytes`, `${bytes.byteLength} bytes`)
  const text = textOf(bytes)
  const directives = readDirectives(text)
  const { DockerfileParser } = await import('dockerfile-ast')
  const parsed = DockerfileParser.parse(text).getInstructions()
  if (parsed.length > LIMITS.dockerfileInstructions)
    throw malformed('is too long', `at most ${LIMITS.dockerfileInstructions} instructions`, `${parsed.length}`)
  return { ...directives, instructions: parsed.map(instructionOf) }
}

function textOf(bytes: Uint8Array): string {
  // Programs differ in where a text with a NUL ends.
  if (bytes.includes(0)) throw malformed('holds a NUL byte', 'a text')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw malformed('is not UTF-8', 'a text')
  }
}

interface Flagged {
  getFlags(): readonly { getName(): string; getValue(): string | null }[]
}

interface Json {
  getJSONStrings(): readonly { getJSONValue(): string }[]
}

interface Onbuild {
  getTriggerInstruction(): Parsed | null
}

function instructionOf(parsed: Parsed): Instruction {
  const keyword = parsed.getKeyword().toUpperCase()
  const trigger = 'getTriggerInstruction' in parsed ? (parsed as unknown as Onbuild).getTriggerInstruction() : null
  return {
    keyword,
    line: parsed.getRange().start.line + 1,
    flags: 'getFlags' in parsed ? flagsOf(parsed as unknown as Flagged) : [],
    words: jsonWords(parsed) ?? withoutDocuments(parsed, keyword),
    ...(trigger === null ? {} : { trigger: instructionOf(trigger) }),
  }
}

function flagsOf(parsed: Flagged): Instruction['flags'] {
  return parsed.getFlags().map(flag => ({ name: flag.getName().toLowerCase(), value: flag.getValue() ?? '' }))
}

/** `ADD ["source", "target"]`; undefined for the plain form. */
function jsonWords(parsed: Parsed): readonly string[] | undefined {
  if (!('getJSONStrings' in parsed)) return undefined
  const words = (parsed as unknown as Json).getJSONStrings().map(word => word.getJSONValue())
  return words.length === 0 ? undefined : words
}

/** A here-document begins on the instruction's first line and is content from the second on. */
function withoutDocuments(parsed: Parsed, keyword: string): readonly string[] {
  const words = parsed.getArguments()
  const heredocs = ['RUN', 'COPY', 'ADD'].includes(keyword) && words.some(word => /^<<-?["']?\w/.test(word.getValue()))
  const first = words[0]?.getRange().start.line
  const kept = heredocs ? words.filter(word => word.getRange().start.line === first) : words
  return kept.map(word => word.getValue())
}

function malformed(why: string, expected: string, found?: string): Error {
  return fail('materials/dockerfile-malformed', `The Dockerfile ${why}`, {
    expected,
    ...(found === undefined ? {} : { found }),
  })
}
