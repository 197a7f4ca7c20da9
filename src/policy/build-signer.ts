import {
  type ExpectedGithub,
  type ExpectedSigner,
  type ExpectedSigstore,
  type ExpectedWorkflow,
  GITHUB_ISSUER,
  GITHUB_SERVER,
} from './expected.ts'
import { KEYS } from './keys.ts'
import { isPullRef, type Pattern } from './match.ts'
import { type FileReading, namedFile } from './paths.ts'
import { refPattern, refPatterns } from './patterns.ts'
import { DEFAULT_BUILDERS } from './policy.ts'
import {
  asciiOf,
  type Field,
  type Fields,
  fieldsOf,
  oneOrMore,
  onlyKey,
  type Reading,
  required,
  textOf,
  wordOf,
  wrong,
} from './read.ts'

/** Names that Waybill records for who made the image. Only the first two drive a build from the exported commit. */
export const BUILDERS = { judged: ['buildx', 'buildah', 'layout', 'none', 'command'], later: [] } as const

const TRIGGERS = {
  judged: ['push', 'release', 'create', 'workflow_dispatch', 'repository_dispatch', 'schedule', 'workflow_call'],
  later: ['merge_group', 'pull_request', 'pull_request_target', 'workflow_run', 'issue_comment'],
} as const

const RUNNERS = { judged: ['github-hosted', 'self-hosted'], later: [] } as const

/** `build:` of a deploy rule: one signer, and which builders count. */
export function parseBuild(
  reading: FileReading,
  field: Field,
): { readonly build: ExpectedSigner; readonly builders: readonly string[] } {
  const fields = fieldsOf(reading, field, KEYS.build)
  const builders = fields.get('builders')
  const [signer, second] = [...fields].filter(([key]) => key !== 'builders')
  if (signer === undefined || second !== undefined)
    throw wrong(reading, field, 'must name exactly one signer', 'github: {…}, sigstore: {…} or key: FILE')
  return {
    build: parseBuildSigner(reading, signer[0], signer[1]),
    builders:
      builders === undefined
        ? DEFAULT_BUILDERS
        : oneOrMore(reading, builders).map(item => wordOf(reading, item, BUILDERS)),
  }
}

/** One signer of an image: `github`, `sigstore` or `key`. */
export function parseBuildSigner(reading: FileReading, kind: string, value: Field): ExpectedSigner {
  if (kind === 'github') return parseGithub(reading, value)
  if (kind === 'sigstore') return parseSigstore(reading, value)
  return { kind: 'key', file: namedFile(reading, value, 'key') }
}

/** An identity and its issuer; `signers` of a principal have the same shape. */
export function parseSigstore(reading: Reading, field: Field): ExpectedSigstore {
  const fields = fieldsOf(reading, field, KEYS.sigstore)
  const issuer = required(reading, field, fields, 'issuer')
  return {
    kind: 'sigstore',
    identity: parseIdentity(reading, required(reading, field, fields, 'identity')),
    issuer: parseIssuer(reading, issuer),
  }
}

/** A text is the whole identity. `prefix` ends in "/", so that `…/acme` cannot also mean `…/acme-evil`. */
function parseIdentity(reading: Reading, field: Field): ExpectedSigstore['identity'] {
  if (field.node.kind !== 'map') {
    const exact = asciiOf(reading, field)
    if (exact.includes('*'))
      throw wrong(reading, field, 'is compared whole: * has no meaning here', 'prefix: "https://…/"', exact)
    if (isPullIdentity(exact))
      throw wrong(reading, field, 'names a pull request, which never matches', '…@refs/heads/…', exact)
    return { exact }
  }
  const { value } = onlyKey(reading, field, KEYS.identity)
  const prefix = asciiOf(reading, value)
  if (!/^https:\/\/[^/*]+\/.*\/$/.test(prefix) || prefix.includes('*'))
    throw wrong(
      reading,
      value,
      'is not a usable prefix',
      'https://host/path/ (ending in "/", at least one segment)',
      prefix,
    )
  return { prefix }
}

/** Whether a SAN ends in a pull request's ref. */
export function isPullIdentity(identity: string): boolean {
  const at = identity.indexOf('@refs/')
  return at !== -1 && isPullRef(identity.slice(at + 1))
}

export function parseIssuer(reading: Reading, field: Field): string {
  const issuer = asciiOf(reading, field)
  if (!/^https?:\/\/[^\s*]+$/.test(issuer)) throw wrong(reading, field, 'is not an issuer', GITHUB_ISSUER, issuer)
  return issuer
}

function parseGithub(reading: Reading, field: Field): ExpectedGithub {
  const fields = fieldsOf(reading, field, KEYS.github)
  const need = (key: string): Field => required(reading, field, fields, key)
  const caller = fields.get('caller')
  const issuer = fields.get('issuer')
  const server = fields.get('server')
  return {
    kind: 'github',
    repository: parseRepository(reading, need('repository')),
    repositoryId: parseRepositoryId(reading, need('repository-id')),
    signer: parseWorkflow(reading, need('signer')),
    sourceRef: parseSourceRef(reading, need('source-ref')),
    issuer: issuer === undefined ? GITHUB_ISSUER : parseIssuer(reading, issuer),
    server: server === undefined ? GITHUB_SERVER : parseServer(reading, server),
    ...(caller === undefined
      ? {}
      : { caller: isAny(reading, caller) ? ('any' as const) : parseWorkflow(reading, caller) }),
    ...parseRun(reading, fields),
  }
}

function parseRun(reading: Reading, fields: Fields): Pick<ExpectedGithub, 'trigger' | 'runner' | 'environment'> {
  const trigger = fields.get('trigger')
  const runner = fields.get('runner')
  const environment = fields.get('environment')
  return {
    ...(trigger === undefined
      ? {}
      : { trigger: oneOrMore(reading, trigger).map(item => wordOf(reading, item, TRIGGERS)) }),
    ...(runner === undefined ? {} : { runner: wordOf(reading, runner, RUNNERS) }),
    ...(environment === undefined ? {} : { environment: textOf(reading, environment) }),
  }
}

function isAny(reading: Reading, field: Field): boolean {
  return field.node.kind === 'text' && textOf(reading, field) === 'any'
}

function parseRepository(reading: Reading, field: Field): string {
  const text = asciiOf(reading, field)
  if (!/^[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+$/.test(text))
    throw wrong(reading, field, 'is not a repository', 'owner/repo', text)
  return text
}

function parseRepositoryId(reading: Reading, field: Field): string {
  const text = asciiOf(reading, field)
  if (text !== 'any' && !/^[1-9][0-9]{0,18}$/.test(text))
    throw wrong(
      reading,
      field,
      'is not a repository id',
      'the number, as printed by: gh api repos/OWNER/REPO --jq .id',
      text,
    )
  return text
}

function parseSourceRef(reading: Reading, field: Field): readonly [Pattern, ...Pattern[]] | 'any' {
  return isAny(reading, field) ? 'any' : refPatterns(reading, field)
}

function parseServer(reading: Reading, field: Field): string {
  const text = asciiOf(reading, field)
  if (!/^https:\/\/[a-z0-9.-]+(:[0-9]+)?$/.test(text))
    throw wrong(reading, field, 'is not a server', GITHUB_SERVER, text)
  return text
}

/**
 * `owner/repo/.github/workflows/f.yml@refs/…` or `…@<40 hex digits>`.
 * The path is literal and cut at the first "@refs/" or "@<commit>" behind the file name: a workflow file lies directly in its
 * folder, so neither an "@" in its name nor one in a ref can move the cut.
 */
function parseWorkflow(reading: Reading, field: Field): ExpectedWorkflow {
  const text = textOf(reading, field)
  const form = /^([A-Za-z0-9._-]+\/[A-Za-z0-9._-]+\/\.github\/workflows\/[^/*@]+\.ya?ml)@(.+)$/.exec(text)
  const [, path, at] = form ?? []
  if (path === undefined || at === undefined)
    throw wrong(
      reading,
      field,
      'is not a workflow at a ref',
      'owner/repo/.github/workflows/f.yml@refs/heads/main',
      text,
    )
  if (/^[0-9a-f]{40}$/.test(at)) return { path, at: { commit: at }, text }
  const ref: Field = {
    node: { kind: 'text', at: field.node.at, text: at, plain: false },
    name: `${field.name} (its ref)`,
  }
  return { path, at: { ref: refPattern(reading, ref) }, text }
}
