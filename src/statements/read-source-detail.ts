import { type CommitId, type Digest, parseCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, integerAt, objectAt, optional, stringAt, stringMapAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { reading } from './parse.ts'
import type { DetailCommit, DetailException, DetailKey, DetailReview, SourceDetail } from './source-detail.ts'
import { commitAt, sha256At } from './source-vsa.ts'
import type { Statement } from './statement.ts'

const MODES = ['enforce', 'audit', 'off'] as const
const WANTED = [...MODES, 'auto'] as const
const KINDS = ['openpgp', 'ssh', 'x509', 'gitsign', 'none', 'malformed'] as const
const BASES = ['signed', 'derived', 'platform', 'pinned', 'excepted'] as const
const LABELS = ['signed-by-reviewer', 'platform-recorded', 'none'] as const
const TIMES = ['log', 'timestamp', 'platform'] as const
const KEY_KINDS = ['x509', 'gitsign', 'ssh-certificate'] as const
const EXCEPTIONS = ['commit', 'until'] as const

/** As a policy spells them, so that a revocation is compared to the letter; an e-mail address is neither. */
const FINGERPRINT = /^(?:SHA256:[A-Za-z0-9+/]{43}|[0-9A-F]{40}|[0-9A-F]{64})$/
const SERIAL = /^[0-9A-F]{1,64}$/
const PRINCIPAL = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const VERSION = /^[A-Za-z0-9][A-Za-z0-9 .,:+_()/-]{0,119}$/
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z$/

/**
 * Reads the detail of a source summary, closed: every field is known, because a gate that passed over one it does not know
 * would judge half of what the verifier found. A later version has another predicate type.
 * @throws `statements/detail-malformed`
 */
export function readSourceDetail({ subject, predicate }: Statement): SourceDetail {
  return reading('statements/detail-malformed', () => {
    const top = closed(predicate, 'predicate', TOP)
    const range = rangeAt(top.range)
    const [only, ...more] = subject
    if (more.length > 0 || commitAt(only) !== range.to)
      throw refused(`the subject ${range.to} alone`, subject.map(({ digest }) => digest.gitCommit).join(', '))
    const commits = listAt(top.commits, 'commits', detailCommit)
    if (commits.length > LIMITS.listedCommits || commits.length > range.count)
      throw refused(`at most ${range.count} commits and ${LIMITS.listedCommits}`, String(commits.length))
    return {
      range,
      law: lawAt(top.law),
      commits,
      reviews: listAt(top.reviews, 'reviews', detailReview),
      mode: wordAt(top.mode, 'mode', MODES),
      inputs: inputsAt(top.inputs),
      engines: enginesAt(top.engines),
      keys: listAt(top.keys, 'keys', detailKey),
      exceptions: listAt(top.exceptions, 'exceptions', detailException),
    }
  })
}

const TOP = ['range', 'law', 'mode', 'inputs', 'engines', 'keys', 'exceptions', 'commits', 'reviews']

function rangeAt(value: Json | undefined): SourceDetail['range'] {
  const { anchor, to, count } = closed(value, 'range', ['anchor', 'to', 'count'])
  return { anchor: idAt(anchor, 'range.anchor'), to: idAt(to, 'range.to'), count: integerAt(count, 'range.count') }
}

function lawAt(value: Json | undefined): SourceDetail['law'] {
  const law = closed(value, 'law', ['at', 'gitTree', 'policy'])
  const { uri, digest } = closed(law.policy, 'law.policy', ['uri', 'digest'])
  const gitTree = optional(law.gitTree, idAt, 'law.gitTree')
  return {
    at: idAt(law.at, 'law.at'),
    ...(gitTree === undefined ? {} : { gitTree }),
    policy: { uri: stringAt(uri, 'law.policy.uri'), digest: digestAt(digest, 'law.policy.digest') },
  }
}

function inputsAt(value: Json | undefined): SourceDetail['inputs'] {
  const { sourceMode, since } = closed(value, 'inputs', ['sourceMode', 'since'])
  const anchor = optional(since, idAt, 'inputs.since')
  return {
    sourceMode: wordAt(sourceMode, 'inputs.sourceMode', WANTED),
    ...(anchor === undefined ? {} : { since: anchor }),
  }
}

function enginesAt(value: Json | undefined): Readonly<Record<string, string>> {
  const engines = stringMapAt(objectAt(value, 'engines'), 'engines')
  for (const text of Object.entries(engines).flat())
    if (!VERSION.test(text)) throw refused('names and versions at engines', text)
  return engines
}

function detailCommit(value: Json, path: string): DetailCommit {
  const { gitCommit, kind, key, principal, githubId, basis, via } = closed(value, path, COMMIT)
  return present({
    gitCommit: idAt(gitCommit, `${path}.gitCommit`),
    kind: wordAt(kind, `${path}.kind`, KINDS),
    key: optional(key, fingerprintAt, `${path}.key`),
    principal: optional(principal, principalAt, `${path}.principal`),
    githubId: optional(githubId, integerAt, `${path}.githubId`),
    basis: wordAt(basis, `${path}.basis`, BASES),
    via: optional(via, idAt, `${path}.via`),
  })
}

const COMMIT = ['gitCommit', 'kind', 'key', 'principal', 'githubId', 'basis', 'via']

function detailReview(value: Json, path: string): DetailReview {
  const { commit, label, by, head, pull, statements, keys } = closed(value, path, REVIEW)
  return present({
    commit: idAt(commit, `${path}.commit`),
    label: wordAt(label, `${path}.label`, LABELS),
    by: listAt(by, `${path}.by`, principalAt),
    head: optional(head, idAt, `${path}.head`),
    pull: optional(pull, integerAt, `${path}.pull`),
    statements: listAt(statements, `${path}.statements`, digestAt),
    keys: listAt(keys, `${path}.keys`, fingerprintAt),
  })
}

const REVIEW = ['commit', 'label', 'by', 'head', 'pull', 'statements', 'keys']

function detailKey(value: Json, path: string): DetailKey {
  const key = closed(value, path, KEY)
  return present({
    fingerprint: fingerprintAt(key.fingerprint, `${path}.fingerprint`),
    primary: optional(key.primary, fingerprintAt, `${path}.primary`),
    ...kindAt(key, path),
    principal: principalAt(key.principal, `${path}.principal`),
    first: idAt(key.first, `${path}.first`),
    firstTime: optional(key.firstTime, timeAt, `${path}.firstTime`),
    last: idAt(key.last, `${path}.last`),
    lastTime: optional(key.lastTime, timeAt, `${path}.lastTime`),
    timesFrom: optional(key.timesFrom, timesAt, `${path}.timesFrom`),
    verifiedTime: optional(key.verifiedTime, timeAt, `${path}.verifiedTime`),
    commits: integerAt(key.commits, `${path}.commits`),
  })
}

const KEY = [
  ...['fingerprint', 'primary', 'kind', 'authority', 'chain', 'serials', 'principal', 'first', 'firstTime', 'last'],
  ...['lastTime', 'timesFrom', 'verifiedTime', 'commits'],
]

/** What each kind can be revoked by has to be there, and nothing else: a gate finds no authority that is left out. */
function kindAt(key: JsonObject, path: string) {
  const kind = optional(key.kind, (word, at) => wordAt(word, at, KEY_KINDS), `${path}.kind`)
  const certified = kind === 'x509' || kind === 'ssh-certificate'
  const known = [...(certified ? ['authority'] : []), ...(kind === 'x509' ? ['chain', 'serials'] : [])]
  // Of Fulcio's certificates, one for each session, the serials may be listed, then all of them.
  const open = kind === 'gitsign' ? ['serials'] : []
  const wrong = ['authority', 'chain', 'serials'].find(
    name => !open.includes(name) && (key[name] !== undefined) !== known.includes(name),
  )
  if (wrong !== undefined) throw refused(`${known.join(', ') || 'no certificate'} at ${path}`, `it differs in ${wrong}`)
  return present({
    kind,
    authority: optional(key.authority, fingerprintAt, `${path}.authority`),
    chain: optional(key.chain, (list, at) => listAt(list, at, fingerprintAt), `${path}.chain`),
    serials: optional(key.serials, (list, at) => listAt(list, at, serialAt), `${path}.serials`),
  })
}

function serialAt(value: Json, path: string): string {
  return matching(value, path, SERIAL, 'a serial number')
}

function detailException(value: Json, path: string): DetailException {
  const { kind, commit, approvedBy, covers } = closed(value, path, ['kind', 'commit', 'approvedBy', 'covers'])
  return present({
    kind: wordAt(kind, `${path}.kind`, EXCEPTIONS),
    commit: idAt(commit, `${path}.commit`),
    approvedBy: optional(approvedBy, principalAt, `${path}.approvedBy`),
    covers: integerAt(covers, `${path}.covers`),
  })
}

function closed(value: Json | undefined, path: string, keys: readonly string[]): JsonObject {
  const object = objectAt(value, path)
  const unknown = Object.keys(object).find(key => !keys.includes(key))
  if (unknown !== undefined) throw refused(`${keys.join(', ')} at ${path}`, unknown)
  return object
}

function listAt<T>(value: Json | undefined, path: string, read: (item: Json, path: string) => T): readonly T[] {
  return arrayAt(value, path).map((item, at) => read(item, `${path}[${at}]`))
}

function wordAt<T extends string>(value: Json | undefined, path: string, words: readonly T[]): T {
  const text = stringAt(value, path)
  const word = words.find(known => known === text)
  if (word === undefined) throw refused(`${words.join(', ')} at ${path}`, text)
  return word
}

function idAt(value: Json | undefined, path: string): CommitId {
  return parseCommitId(stringAt(value, path))
}

function digestAt(value: Json | undefined, path: string): Digest {
  const digest = sha256At(value, path)
  if (digest === undefined) throw refused(`a sha256 at ${path}`, 'none')
  return digest
}

function fingerprintAt(value: Json | undefined, path: string): string {
  return matching(value, path, FINGERPRINT, 'a fingerprint')
}

function principalAt(value: Json | undefined, path: string): string {
  return matching(value, path, PRINCIPAL, 'the name of a principal')
}

function timesAt(value: Json, path: string): DetailKey['timesFrom'] & {} {
  return listAt(value, path, (item, at) => wordAt(item, at, TIMES))
}

function timeAt(value: Json, path: string): Date {
  const time = new Date(matching(value, path, TIME, 'a time in UTC'))
  if (Number.isNaN(time.getTime())) throw refused(`a time at ${path}`, String(value))
  return time
}

function matching(value: Json | undefined, path: string, pattern: RegExp, what: string): string {
  const text = stringAt(value, path)
  if (!pattern.test(text)) throw refused(`${what} at ${path}`, text)
  return text
}

function refused(expected: string, found: string): Error {
  return fail('statements/detail-malformed', 'The detail of a source summary is malformed', {
    expected,
    found: printable(found, 200) || 'nothing',
  })
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Leaves out what is undefined, so that "absent" has one spelling. */
function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>
}
