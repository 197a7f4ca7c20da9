import { malformed } from './malformed.ts'
import { isAsciiSpace, isSpace, trim, wordsOf } from './space.ts'
import type { Escape } from './words.ts'

export interface Flag {
  readonly name: string
  /** undefined: written without `=`. */
  readonly value: string | undefined
}

/** One instruction on one line: its continuations are joined, quotes and variables are not resolved. */
export interface Command {
  /** Upper case. */
  readonly keyword: string
  readonly flags: readonly Flag[]
  /** Everything behind the flags. */
  readonly rest: string
  readonly words: readonly string[]
  /** Written as a JSON list: then nothing in it begins a here-document. */
  readonly json: boolean
}

/** Keyword → flags of it, and whether they may stand there several times. */
const KNOWN: Readonly<Record<string, Readonly<Record<string, 'switch' | 'once' | 'many'>>>> = {
  ADD: {
    chown: 'once',
    chmod: 'once',
    link: 'switch',
    'keep-git-dir': 'switch',
    checksum: 'once',
    exclude: 'many',
    unpack: 'switch',
  },
  ARG: {},
  CMD: {},
  COPY: { chown: 'once', from: 'once', chmod: 'once', link: 'switch', exclude: 'many', parents: 'switch' },
  ENTRYPOINT: {},
  ENV: {},
  EXPOSE: {},
  FROM: { platform: 'once' },
  HEALTHCHECK: {
    interval: 'once',
    timeout: 'once',
    'start-period': 'once',
    'start-interval': 'once',
    retries: 'once',
  },
  LABEL: {},
  MAINTAINER: {},
  ONBUILD: {},
  RUN: { mount: 'many', network: 'once', security: 'once', device: 'many' },
  SHELL: {},
  STOPSIGNAL: {},
  USER: {},
  VOLUME: {},
  WORKDIR: {},
}

/**
 * Takes one instruction apart as BuildKit does.
 * @throws `materials/dockerfile-malformed` for an instruction or flag that BuildKit 0.26.3 does not know: it might name an
 * image that this version would not see.
 */
export function parseCommand(line: string, mark: Escape, number: number): Command {
  const [, word = '', after = ''] = /^([^\t\v\f\r ]*)(?:[\t\v\f\r ]+([\s\S]*))?$/.exec(trim(line)) ?? []
  const keyword = word.toUpperCase()
  if (!Object.hasOwn(KNOWN, keyword))
    throw malformed(`has an unknown instruction in line ${number}`, Object.keys(KNOWN).join(', '), word)
  const { flags, rest } = splitFlags(after, mark, number)
  checkFlags(keyword, flags, number)
  const list = ['ADD', 'COPY', 'RUN'].includes(keyword) ? jsonList(rest, number) : undefined
  const quoted = keyword === 'ARG' || keyword === 'ENV'
  const words = list ?? (quoted ? quotedWords(rest, mark) : wordsOf(rest))
  return { keyword, flags, rest, words, json: list !== undefined }
}

function checkFlags(keyword: string, flags: readonly Flag[], number: number): void {
  const seen = new Set<string>()
  for (const { name, value } of flags) {
    const kind = Object.hasOwn(KNOWN[keyword] ?? {}, name) ? KNOWN[keyword]?.[name] : undefined
    if (kind === undefined)
      throw malformed(`has an unknown flag of ${keyword} in line ${number}`, 'a flag', `--${name}`)
    if (kind !== 'many' && seen.has(name))
      throw malformed(`has a flag of ${keyword} twice in line ${number}`, 'one of them', `--${name}`)
    if (kind !== 'switch' && value === undefined)
      throw malformed(`has a flag of ${keyword} without a value in line ${number}`, `--${name}=…`, `--${name}`)
    seen.add(name)
  }
}

/** `--name=value`, quotes and escapes dropped wherever they stand; `--` ends the flags. */
function splitFlags(text: string, mark: Escape, number: number): { flags: readonly Flag[]; rest: string } {
  const flags: Flag[] = []
  let at = 0
  for (;;) {
    while (at < text.length && isAsciiSpace(text[at] ?? '')) at++
    if (!text.startsWith('--', at)) return { flags, rest: trim(text.slice(at)) }
    const flag = flagAt(text, at, mark)
    // BuildKit reads flags byte by byte, so a letter of several bytes is another one to it, and may end the flag.
    if (/[^\x20-\x7e]/.test(flag.text))
      throw malformed(`has a flag in line ${number} with such letters`, 'ASCII', flag.text)
    at = flag.end
    if (flag.text === '--') return { flags, rest: trim(text.slice(at)) }
    const equals = flag.text.indexOf('=')
    flags.push({
      name: flag.text.slice(2, equals === -1 ? undefined : equals),
      value: equals === -1 ? undefined : flag.text.slice(equals + 1),
    })
  }
}

function flagAt(text: string, start: number, mark: Escape): { text: string; end: number } {
  let out = ''
  let quote: string | undefined
  let at = start
  for (; at < text.length; at++) {
    const character = text[at] ?? ''
    if (quote === undefined && isAsciiSpace(character)) break
    if (quote === undefined && (character === '"' || character === "'")) quote = character
    else if (character === quote) quote = undefined
    else if (character === mark) out += text[++at] ?? ''
    else out += character
  }
  return { text: out, end: at }
}

/** undefined: not JSON, so the plain form. @throws `materials/dockerfile-malformed` for JSON of other things than texts. */
function jsonList(rest: string, number: number): readonly string[] | undefined {
  if (!rest.startsWith('[')) return undefined
  let value: unknown
  try {
    value = JSON.parse(rest)
  } catch {
    return undefined
  }
  if (!Array.isArray(value) || !value.every(item => typeof item === 'string'))
    throw malformed(`has a list in line ${number} that holds other things than texts`, '["text", …]')
  return value
}

/** Words of ARG and ENV: quotes and escapes hold them together and stay where they are. */
function quotedWords(text: string, mark: Escape): readonly string[] {
  const words: string[] = []
  let word = ''
  let quote: string | undefined
  let begun = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (quote === undefined && isSpace(character)) {
      if (begun) words.push(word)
      word = ''
      begun = false
      continue
    }
    begun = true
    if (character === mark && quote !== "'") {
      // At the very end it is dropped.
      if (at + 1 < text.length) word += character + (text[++at] ?? '')
      continue
    }
    if (character === quote) quote = undefined
    else if (quote === undefined && (character === '"' || character === "'")) quote = character
    word += character
  }
  return begun && (word !== '' || quote !== undefined) ? [...words, word] : words
}
