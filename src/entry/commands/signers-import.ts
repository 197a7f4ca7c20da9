import { tmpdir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { CommitId } from '../../core/digest.ts'
import { fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { maybe } from '../../core/maybe.ts'
import { printable } from '../../core/text.ts'
import { githubAccounts } from '../../github/accounts.ts'
import type { Environment } from '../../io/environment.ts'
import { isFolder, makeTemporaryFolder, readFileBounded, remove, writeFileAtomic } from '../../io/files.ts'
import { HttpClient } from '../../io/http.ts'
import { findTool, run } from '../../io/process.ts'
import { type ImportPorts, importSigners, type SignersSource } from '../../pipeline/signers-import.ts'
import { renderSnapshot } from '../../pipeline/snapshot.ts'
import { Clone } from '../../source/clone.ts'
import { type History, openHistory } from '../../source/git.ts'
import { platformApi } from '../platform-api.ts'
import { requireGit } from '../workspace.ts'
import { type CommandLine, command, type Desk, noMore, usage } from './command.ts'

/** One way to name where signers are kept. */
type Place =
  | { readonly kind: 'users'; readonly logins: readonly string[] }
  | { readonly kind: 'team'; readonly org: string; readonly team: string }
  | { readonly kind: 'org'; readonly org: string }
  | { readonly kind: 'allowed-signers'; readonly path: string }
  | { readonly kind: 'keyring'; readonly path: string }
  | { readonly kind: 'history'; readonly range: string }
  | { readonly kind: 'command'; readonly command: string }

export interface SignersImport {
  readonly place: Place
  readonly repository: string
  readonly out?: string
  readonly json: boolean
}

const OPTIONS = {
  github: { type: 'string', multiple: true },
  team: { type: 'string' },
  org: { type: 'string' },
  'allowed-signers': { type: 'string' },
  keyring: { type: 'string' },
  history: { type: 'string' },
  command: { type: 'string' },
  repo: { type: 'string' },
  out: { type: 'string' },
} as const

const WORDS = 'signers import'
/** Milliseconds that a command of the caller's may take. */
const COMMAND_MS = 5 * 60_000

export const signersImportCommand = command({
  words: WORDS,
  synopsis: `signers import (--github USER… | --team ORG/TEAM | --org ORG) [--out FILE]
signers import (--allowed-signers FILE | --keyring FILE | --history RANGE | --command CMD) [--out FILE]`,
  usage: `waybill signers import – a snapshot of who signs, from where that is kept, for a person to review

  waybill signers import (--github USER… | --team ORG/TEAM | --org ORG) [--out FILE]
  waybill signers import (--allowed-signers FILE | --keyring FILE | --history RANGE | --command CMD) [--out FILE]

Nothing is trusted by being imported: the file reaches the policy (snapshots:) by a reviewed commit.

Where from (one of them):
  --github USER…                      accounts with their OpenPGP and SSH signing keys
  --team ORG/TEAM, --org ORG          its members; GITHUB_TOKEN must be allowed to see them
  --allowed-signers FILE              as ssh-keygen and git read it
  --keyring FILE                      OpenPGP public keys, armored or binary
  --history RANGE                     keys that signed commits of this clone: main, v1..main (see --repo)
  --command CMD                       a program and its words, without a shell, that prints JSON lines:
                                        {"name": "alice", "emails": […], "signers": [{"ssh": {"key": "…"}}]}
  --repo DIR                          the clone (default: the present folder)

How to tell:
  --out FILE                          write the snapshot here instead of to stdout
  --json                              a result object on stdout: the snapshot and what was left out

What was left out, and what needs a decision, goes to stderr. GITHUB_API_URL names another server.

Example:
  waybill signers import --team acme/platform --out .github/keys/platform-team.json
`,
  options: OPTIONS,
  read: readSignersImport,
  run: (wish, desk) => signersImport(wish, desk),
})

/** Pure. @throws `entry/usage` for none or several places, and for names that cannot be meant. */
function readSignersImport({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): SignersImport {
  const given = PLACES.filter(name => values[name] !== undefined)
  const [first, second] = given
  if (first === undefined) throw usage('There is no place to import from', `one of --${PLACES.join(', --')}`, 'none')
  if (second !== undefined)
    throw usage('A snapshot has one source', 'one place', given.map(name => `--${name}`).join(' and '))
  if (first !== 'github') noMore(references, WORDS)
  const { repo = '.', json = false } = values
  if (values.repo !== undefined && first !== 'history') throw usage('--repo belongs to --history', '--history RANGE')
  return { place: placeOf(first, values, references), repository: repo, ...maybe('out', values.out), json }
}

const PLACES = ['github', 'team', 'org', 'allowed-signers', 'keyring', 'history', 'command'] as const
const LOGIN = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}|[A-Za-z0-9-]{0,90}\[bot\])$/
const SLUG = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/

function placeOf(
  name: (typeof PLACES)[number],
  values: CommandLine<typeof OPTIONS>['values'],
  references: readonly string[],
): Place {
  if (name === 'github') {
    const logins = [...(values.github ?? []), ...references].flatMap(word => word.split(','))
    return { kind: 'users', logins: logins.map(login => named(login, LOGIN, 'a GitHub user')) }
  }
  const value = values[name] ?? ''
  if (name === 'org') return { kind: 'org', org: named(value, SLUG, 'a GitHub organisation') }
  if (name === 'team') {
    const [org = '', team = '', ...more] = value.split('/')
    if (more.length > 0) throw usage('A team is ORG/TEAM', '--team ORG/TEAM', value)
    return { kind: 'team', org: named(org, SLUG, 'ORG/TEAM'), team: named(team, SLUG, 'ORG/TEAM') }
  }
  if (value === '') throw usage(`--${name} needs a value`, `waybill ${WORDS} --help`)
  if (name === 'history') return { kind: name, range: value }
  if (name === 'command') return { kind: name, command: value }
  return { kind: name, path: value }
}

function named(text: string, grammar: RegExp, expected: string): string {
  if (grammar.test(text)) return text
  throw usage(`${printable(text, 100)} is not ${expected}`, expected, text)
}

async function signersImport(wish: SignersImport, desk: Desk): Promise<number> {
  const http = new HttpClient()
  const closers: (() => Promise<void>)[] = []
  try {
    const opened = await open(wish, desk, http, close => closers.push(close))
    const { snapshot, notes } = await importSigners(opened.source, opened.ports)
    const text = renderSnapshot(snapshot)
    if (wish.out !== undefined) await writeFileAtomic(resolve(desk.world.workingFolder, wish.out), text)
    for (const note of notes) desk.world.err(`note: ${printable(note, 1_000)}\n`)
    const people = Object.keys(snapshot.principals).length
    const { out } = wish
    if (out !== undefined) desk.world.err(`${people} principals written to ${printable(out)}\n`)
    const data = { principals: people, notes, ...(out === undefined ? { snapshot } : { out }) }
    if (wish.json) desk.world.out(`${JSON.stringify({ schemaVersion: 1, command: WORDS, data }, null, 2)}\n`)
    else if (out === undefined) desk.world.out(text)
    return 0
  } finally {
    for (const close of closers.reverse()) await close()
    http.close()
  }
}

interface Opened {
  readonly source: SignersSource
  readonly ports: ImportPorts
}

async function open(
  { place, repository }: SignersImport,
  desk: Desk,
  http: HttpClient,
  later: (close: () => Promise<void>) => void,
): Promise<Opened> {
  const folder = desk.world.workingFolder
  const { api, serverUrl } = platformApi(desk.env, http)
  const ports = { accounts: githubAccounts(api, serverUrl), history: NO_HISTORY, now: new Date() }
  if (place.kind === 'allowed-signers' || place.kind === 'keyring') {
    const bytes = await readFileBounded(resolve(folder, place.path), LIMITS.importBytes)
    return { source: { ...place, bytes }, ports }
  }
  if (place.kind === 'command') return { source: { ...place, output: await outputOf(place.command, desk) }, ports }
  if (place.kind !== 'history') return { source: place, ports }
  const { head, base, history } = await openRange(place.range, resolve(folder, repository), desk.env, later)
  const source = { kind: 'history', range: place.range, head, ...(base === undefined ? {} : { base }) } as const
  return { source, ports: { ...ports, history } }
}

const NO_HISTORY: ImportPorts['history'] = {
  commit: () => Promise.reject(fail('core/internal', 'no history was opened')),
}

/** Words are separated by blanks; whoever needs quotes or pipes writes a script. */
async function outputOf(text: string, { world, env }: Desk): Promise<Uint8Array> {
  if (/["'`\\$|&;<>(){}*?~#]/.test(text))
    throw usage('The command is run without a shell, so it cannot have signs of one', 'a program and plain words', text)
  const [program = '', ...args] = text.split(/\s+/).filter(word => word !== '')
  const file = program.includes('/') ? resolve(world.workingFolder, program) : findTool(program, env.PATH ?? '')
  if (file === undefined || !isAbsolute(file))
    throw usage(`There is no program ${printable(program, 100)}`, 'a program on PATH', program)
  const result = await run({
    file,
    args,
    env: withoutTokens(env),
    cwd: world.workingFolder,
    timeoutMs: COMMAND_MS,
    maxOutputBytes: LIMITS.importBytes,
  })
  if (result.code === 0) return result.stdout
  throw fail('core/process-failed', `${printable(program, 100)} ended with code ${result.code}`, {
    expected: '0',
    found: new TextDecoder().decode(result.stderr.subarray(0, 500)),
  })
}

/** The caller's own program gets the caller's environment, without what lets it speak as this job. */
function withoutTokens(env: Environment): Record<string, string> {
  const secret = /^(GITHUB_TOKEN|GH_TOKEN|INPUT_.*|ACTIONS_.*TOKEN.*)$/
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined || secret.test(name) ? [] : [[name, value]])),
  )
}

async function openRange(
  range: string,
  path: string,
  env: Environment,
  later: (close: () => Promise<void>) => void,
): Promise<{ readonly head: CommitId; readonly base?: CommitId; readonly history: History }> {
  const [from, to, ...more] = range.split('..')
  if (more.length > 0 || from === undefined || from === '' || to === '')
    throw usage('A range is NEW or OLD..NEW', '--history v1..main', range)
  if (!(await isFolder(path)))
    throw fail('core/file-unreadable', `There is no folder ${printable(path)}`, { expected: 'the folder of a clone' })
  const clone = new Clone(requireGit(env), path, env)
  const head = await clone.commit(to ?? from)
  const base = to === undefined ? undefined : await clone.commit(from)
  // A folder below the top of the clone has no objects of its own; a bare repository has no top.
  const top = await clone.find('rev-parse', '--show-toplevel')
  const folder = await makeTemporaryFolder(env.TMPDIR || tmpdir(), 'waybill-import-')
  later(() => remove(folder))
  const history = await openHistory({
    git: requireGit(env),
    folder: join(folder, 'git'),
    url: top !== undefined && isAbsolute(top) ? top : path,
    localPath: true,
    env,
    head,
    ...(base === undefined ? {} : { also: [base] }),
    deadline: new Date(Date.now() + LIMITS.sourceStageMs),
  })
  later(() => history.close())
  return { head, ...(base === undefined ? {} : { base }), history }
}
