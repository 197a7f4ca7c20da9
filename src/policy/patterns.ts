import { type Budget, isCovered } from './cover.ts'
import { HUB_ALIASES } from './image-name.ts'
import { compilePattern, isPullRef, MAX_PATTERN, type Pattern } from './match.ts'
import type { SubjectPattern } from './policy.ts'
import { asciiOf, type Field, oneOrMore, type Reading, textOf, wrong } from './read.ts'
import { FILE } from './subject.ts'

/** One or more patterns of full ref names. Each must be able to match: see `refPattern`. */
export function refPatterns(reading: Reading, field: Field): readonly [Pattern, ...Pattern[]] {
  const [first, ...more] = oneOrMore(reading, field)
  return [refPattern(reading, first), ...more.map(item => refPattern(reading, item))]
}

/**
 * A pattern of full ref names: `refs/` and the kind are literal, so that nobody opens tags or notes by accident; what no
 * ref may hold (git check-ref-format) could never match and is refused.
 */
export function refPattern(reading: Reading, field: Field): Pattern {
  const text = textOf(reading, field)
  if (!/^refs\/[^/*]+\/./.test(text))
    throw wrong(reading, field, 'is not a full ref name', 'refs/heads/main, refs/heads/release/*, refs/tags/v*', text)
  if (isPullRef(text)) throw wrong(reading, field, 'names pull requests, which never match', 'a branch or a tag', text)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git refuses control characters in refs
  if (/[\u0000- ~^:?[\\\u007f]|\.\.|@\{|\/\/|\/$|\.lock$|\.$/.test(text))
    throw wrong(
      reading,
      field,
      'holds what no ref name may hold, so it could never match',
      'only * and ** are special',
      text,
    )
  return compiled(reading, field, text)
}

/** One or more patterns of canonical references without tag, or of files. */
export function subjectPatterns(reading: Reading, field: Field): readonly [SubjectPattern, ...SubjectPattern[]] {
  const [first, ...more] = oneOrMore(reading, field)
  return [subjectPattern(reading, first), ...more.map(item => subjectPattern(reading, item))]
}

function subjectPattern(reading: Reading, field: Field): SubjectPattern {
  if (textOf(reading, field).startsWith(FILE)) return { ...filePattern(reading, field), of: 'file' }
  return { ...referencePattern(reading, field), of: 'image' }
}

/**
 * `file:dist/**`: a path relative to the folder in which the gate is started, in the one spelling that `filePath` gives. The
 * word in front keeps both kinds apart, also for people: `**` alone never meant a file.
 */
function filePattern(reading: Reading, field: Field): Pattern {
  const text = asciiOf(reading, field)
  const path = text.slice(FILE.length)
  const never = (why: string, expected: string) => wrong(reading, field, `can never match: ${why}`, expected, text)
  if (path.includes('\\')) throw never('the parts of a path are separated by /', text.replaceAll('\\', '/'))
  if (/^\/|^[A-Za-z]:/.test(path)) throw never('paths are relative to the folder of the gate', 'file:dist/**')
  const segments = path.split('/')
  if (segments.includes('..')) throw never('a path never leads out of the folder of the gate', 'file:dist/**')
  if (segments.some(segment => segment === '' || segment === '.'))
    throw never('it has an empty part or one that means nothing', 'file:dist/**')
  return compiled(reading, field, text)
}

/** A pattern that no canonical reference could match is refused with the spelling to use (13-adversary 34). */
function referencePattern(reading: Reading, field: Field): Pattern {
  const text = asciiOf(reading, field)
  const slash = text.indexOf('/')
  const host = slash === -1 ? text : text.slice(0, slash)
  const path = slash === -1 ? '' : text.slice(slash + 1)
  const never = (why: string, expected: string) => wrong(reading, field, `can never match: ${why}`, expected, text)
  if (text !== text.toLowerCase()) throw never('references are compared in lower case', text.toLowerCase())
  if (!/^[a-z0-9._/:[\]*-]*$/.test(text))
    throw never('only * and ** are special, and tags are not matched', 'ghcr.io/acme/**')
  if (path.includes(':'))
    throw never('references are matched without tag', text.slice(0, slash + 1) + path.replace(/:.*$/, ''))
  if (HUB_ALIASES.includes(host)) throw never('this host is written docker.io', `docker.io/${path}`)
  if (/:443$|\.$/.test(host))
    throw never('default port and trailing dot are dropped', `${host.replace(/:443$|\.$/, '')}/${path}`)
  if (slash === -1 && !host.includes('**')) throw never('a reference is host/repository', `docker.io/library/${text}`)
  if (!/[.:*]|^localhost$/.test(host)) throw never('the first part is no host', `docker.io/${text}`)
  if (host === 'docker.io' && !/[/*]/.test(path))
    throw never('official images are below library/', `docker.io/library/${path}`)
  if (/\/\/|\/$/.test(text)) throw never('it has an empty part', 'ghcr.io/acme/**')
  return compiled(reading, field, text)
}

function compiled(reading: Reading, field: Field, text: string): Pattern {
  const pattern = compilePattern(text)
  if (pattern === undefined)
    throw wrong(reading, field, 'is not a pattern', `at most ${MAX_PATTERN} characters, * or **`, text)
  return pattern
}

/** @throws when rules above match everything this one could match. */
export function refuseUnreachable(
  reading: Reading,
  field: Field,
  match: readonly SubjectPattern[],
  earlier: readonly SubjectPattern[],
  budget: Budget,
): void {
  // Rules for images leave every file to later rules, whatever their stars could mean.
  const rivals = (of: SubjectPattern['of']) => earlier.filter(pattern => pattern.of === of)
  if (match.every(pattern => isCovered(pattern, rivals(pattern.of), budget)))
    throw wrong(
      reading,
      field,
      'can never be reached: rules above it match everything it matches',
      'the narrower rule first',
    )
}
