import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { asWaybillError, type WaybillError } from '../../core/error.ts'
import { maybe } from '../../core/maybe.ts'
import { makeTemporaryFolder, remove } from '../../io/files.ts'
import type { Receipt } from '../../report/receipt.ts'
import { renderResult } from '../../report/result.ts'
import { renderSourceCheck } from '../../report/source-check.ts'
import { exitCodeOfError, exitCodeOfVerdict } from '../exit-code.ts'
import { refusedReceipt } from '../report-run.ts'
import { terminalOptions, writePage } from '../show.ts'
import { runSourceCheck } from '../source-check.ts'
import { type CommandLine, command, type Desk, noMore, usage } from './command.ts'

export interface SourceCheck {
  readonly range?: string
  readonly since?: string
  readonly repo: string
  readonly ref?: string
  readonly policy?: string
  readonly offline: boolean
  readonly explain?: string
  readonly engine: 'js' | 'native' | 'both'
  readonly trustedRoot?: string
  /** Where a page with the verdict goes, as written. */
  readonly html?: string
  readonly json: boolean
  readonly quiet: boolean
}

const WORDS = 'source check'
const OPTIONS = {
  since: { type: 'string' },
  repo: { type: 'string' },
  ref: { type: 'string' },
  policy: { type: 'string' },
  offline: { type: 'boolean' },
  explain: { type: 'string' },
  engine: { type: 'string' },
  'trusted-root': { type: 'string' },
  html: { type: 'string' },
  quiet: { type: 'boolean' },
} as const

export const sourceCheckCommand = command({
  words: WORDS,
  synopsis: 'source check [OLD..NEW | NEW --since ANCHOR] [--policy FILE] [--explain COMMIT]',
  usage: `waybill source check – who signed which commit of a clone, and whether the policy accepts it

  waybill source check [OLD..NEW | NEW --since ANCHOR] [--policy FILE] [--explain COMMIT]

What is judged:
  OLD..NEW                            what is reachable from NEW and not from OLD; NEW is HEAD if left away
                                        (default: what HEAD has and the default branch of origin has not)
  NEW --since ANCHOR                  the line of first parents from ANCHOR to NEW (default: HEAD)
  OLD..NEW --since ANCHOR             as in a pull request: by the law accepted at OLD, seen from ANCHOR
  --repo DIR                          the clone (default: the present folder)
  --ref REF                           whose rules hold, in full: refs/heads/main (default: the branch OLD, else NEW,
                                        else the one checked out, else the default branch of origin)

By which law:
  --policy FILE                       this file judges everything, and no commit changes it
                                        (default: .github/waybill.yml of ANCHOR or OLD, and accepted changes)

What it rests on:
  --offline                           ask nobody; else GitHub is asked where GITHUB_TOKEN is set
  --trusted-root FILE                 trust root for gitsign and timestamps (default: the public Sigstore instance)
  --engine js|native|both             who checks signatures: Waybill; gpg and ssh-keygen; both, and they must agree

How to tell:
  --explain COMMIT                    every step of the decision about one commit
  --html FILE                         also write one page that needs nothing else: no script, no network
  --json                              the result object on stdout, nothing else
  --quiet                             only the exit code; mistakes of the command line still go to stderr

Exit codes: 0 passed · 1 rejected · 2 unknown · 3 the command line, policy or clone could not be understood

Example:
  waybill source check main..HEAD
`,
  options: OPTIONS,
  read: readSourceCheck,
  run: sourceCheck,
})

/** Pure. @throws `entry/usage` */
function readSourceCheck({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): SourceCheck {
  noMore(references, WORDS, 1)
  const [range] = references
  const { engine = 'js', ref, since, repo = '.', offline = false, json = false, quiet = false } = values
  if (engine !== 'js' && engine !== 'native' && engine !== 'both')
    throw usage('There is no such engine', 'js, native or both', engine)
  if (ref !== undefined && !/^refs\/(heads|tags)\/[^\s~^:?*[\\]+$/.test(ref))
    throw usage('--ref is not the full name of a branch or tag', 'refs/heads/main', ref)
  if (since?.includes('..'))
    throw usage('--since names one commit', '--since ANCHOR; a range stands alone: OLD..NEW', since)
  return {
    ...maybe('range', range),
    ...maybe('since', since),
    repo,
    ...maybe('ref', ref),
    ...maybe('policy', values.policy),
    offline,
    ...maybe('explain', values.explain),
    engine,
    ...maybe('trustedRoot', values['trusted-root']),
    ...maybe('html', values.html),
    json,
    quiet,
  }
}

async function sourceCheck(wish: SourceCheck, desk: Desk): Promise<number> {
  const { world, env } = desk
  const work = await makeTemporaryFolder(resolve(world.workingFolder, env.TMPDIR || tmpdir()), 'waybill-check-')
  try {
    const { receipt, error } = await runSourceCheck(wish, desk, work)
    const exitCode = error === undefined ? exitCodeOfVerdict(receipt.verdict) : exitCodeOfError(error)
    await show(receipt, exitCode, wish, desk)
    return exitCode
  } catch (thrown) {
    return await failed(asWaybillError(thrown), wish, desk)
  } finally {
    await remove(work)
  }
}

async function show(receipt: Receipt, exitCode: number, { html, json, quiet }: SourceCheck, desk: Desk): Promise<void> {
  await writePage(receipt, html, desk)
  if (json) desk.world.out(renderResult(receipt))
  if (json || quiet) return
  desk.world.out(renderSourceCheck(receipt, { ...terminalOptions(desk), exitCode }))
}

/** A history that could not be judged is a verdict and belongs to stdout; a mistake of the caller does not. */
async function failed(error: WaybillError, wish: SourceCheck, desk: Desk): Promise<number> {
  const receipt = { ...refusedReceipt(WORDS, error), notChecked: ['Everything: the judging did not come to its end.'] }
  if (!wish.json && error.kind === 'configuration') throw error
  const exitCode = exitCodeOfError(error.kind)
  await show(receipt, exitCode, wish, desk)
  return exitCode
}
