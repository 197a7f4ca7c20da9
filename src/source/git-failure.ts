import { asWaybillError, type ErrorFacts, fail, type WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'

interface Context {
  readonly doing: string
  readonly url: string
  readonly token: boolean
}

type Row = readonly [pattern: RegExp, explain: (context: Context, line: string) => Error]

/**
 * git tells what went wrong in English words only. They decide which of several *unknown* outcomes is reported and which
 * remedy is shown, never whether something passed; an unknown sentence is reported as it is.
 */
const ROWS: readonly Row[] = [
  [/mismatched algorithms|object[- ]format|unsupported.*sha256/i, () => sha256Repository()],
  [/not our ref|couldn't find remote ref|no such remote ref|unadvertised object/i, (c, line) => notFound(c, line)],
  [
    /could not read Username|terminal prompts disabled|Authentication failed|error: 40[13]\b|access denied/i,
    needsLogin,
  ],
  [/repository .* not found|Repository not found|error: 404\b|does not appear to be a git repository/i, noRepository],
  [
    /did not send all necessary objects|bad object|unable to read|missing (blob|tree|commit)|Could not read/i,
    incomplete,
  ],
  [/hash mismatch|sha1 mismatch|is corrupt/i, (c, line) => damaged(c, line)],
]

/** @param result of a git that ended with another code than 0. */
export function explainFailure(
  result: { readonly code: number; readonly stderr: Uint8Array },
  context: Context,
): Error {
  const text = Buffer.from(result.stderr).toString('utf8')
  // "hash mismatch" is followed by lines that only say that something is missing.
  if (/hash mismatch|sha1 mismatch/i.test(text)) return damaged(context, lineOf(text, /mismatch/i))
  for (const [pattern, explain] of ROWS) if (pattern.test(text)) return explain(context, lineOf(text, pattern))
  return unreachable(context, lineOf(text, /fatal|error/i) || `exit code ${result.code}`)
}

/** The first line that says so, printable. */
function lineOf(text: string, pattern: RegExp): string {
  const lines = text.split('\n')
  return printable((lines.find(line => pattern.test(line)) ?? lines[0] ?? '').trim(), 300)
}

export function sha256Repository(): Error {
  return fail('source/repository-unsupported', 'The repository uses SHA-256 object ids', {
    expected: 'SHA-1 object ids',
    found: 'SHA-256 object ids',
  })
}

function notFound(context: Context, found: string): Error {
  return fail(
    'source/commit-not-found',
    `The repository ${context.url} does not serve what was asked: ${context.doing}`,
    {
      found,
    },
  )
}

function needsLogin(context: Context, found: string): Error {
  return unreachable(context, found, {
    expected: 'permission to read the repository',
    remedy: context.token
      ? 'The token may not read this repository: add `permissions: { contents: read }` to the job, or give a token of the right repository.'
      : 'The repository needs a login: give `github-token` and add `permissions: { contents: read }` to the job.',
  })
}

/** A server that hides private repositories answers the same for "not yours" and "not there". */
function noRepository(context: Context, found: string): Error {
  return unreachable(context, found, {
    expected: 'a repository that exists and may be read',
    remedy: context.token
      ? `Check the URL ${context.url}, and that the token may read it: \`permissions: { contents: read }\`.`
      : `Check the URL ${context.url}; a private repository needs \`github-token\` and \`permissions: { contents: read }\`.`,
  })
}

function incomplete(context: Context, found: string): Error {
  return fail('source/object-missing', `The repository ${context.url} is not complete`, {
    expected: 'all objects of the history',
    found,
  })
}

function damaged(context: Context, found: string): Error {
  return fail(
    'source/object-forged',
    `The repository ${context.url} holds an object with another content than its id says`,
    {
      found,
    },
  )
}

function unreachable(context: Context, found: string, facts: ErrorFacts = {}): Error {
  return fail('source/repository-unreachable', `Cannot ${context.doing} from ${context.url}`, { ...facts, found })
}

/**
 * For what may fail without ending the source stage: the error as ours.
 * @throws it, when time or room on disk is used up, for then nothing more can be done.
 */
export function unlessStageEnds(error: unknown): WaybillError {
  const known = asWaybillError(error)
  if (known.code === 'source/deadline' || known.code === 'source/disk-limit') throw known
  return known
}
