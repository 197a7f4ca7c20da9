/**
 * Writes the part of GitHub's OpenAPI description that the tests' double of its REST API is checked against:
 *
 *     node tools/github-openapi.ts FOLDER       an unpacked @octokit/openapi package
 *
 * The package is 385 MB, so it is no dependency; `__tests__/fakes/github-openapi.json` is committed and names its version.
 * Schemas become JSON Schema: `nullable` is spelled out, texts and examples are left out, references point into `$defs`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Part = { readonly [key: string]: unknown }

/** Fields of an object, or of the objects of a list; with fields of their own where these are not had whole either. */
type Fields = readonly (string | Readonly<Record<string, Fields>>)[]

const COMMENT: Fields = ['id', 'body', 'html_url', 'user', 'created_at', 'updated_at']
const PULL: Fields = [
  ...['id', 'number', 'state', 'locked'],
  { head: ['ref', 'sha', { repo: ['id', 'full_name'] }] },
  { base: ['ref', 'sha', { repo: ['id', 'full_name'] }] },
]

/**
 * Endpoints that Waybill asks, each with the fields the double has where it has not all of them; `redirect`: it has no answer
 * of its own.
 */
const USED: Readonly<Record<string, Fields | 'whole' | 'redirect'>> = {
  '/repos/{owner}/{repo}': ['id', 'name', 'full_name', 'private', 'fork', 'visibility', 'default_branch'],
  '/repos/{owner}/{repo}/activity': 'whole',
  '/repos/{owner}/{repo}/rules/branches/{branch}': 'whole',
  '/repos/{owner}/{repo}/rulesets': 'whole',
  '/repos/{owner}/{repo}/rulesets/{ruleset_id}': 'whole',
  '/repos/{owner}/{repo}/branches/{branch}': ['name', 'protected'],
  '/repos/{owner}/{repo}/branches/{branch}/protection': [
    'required_pull_request_reviews',
    'restrictions',
    'lock_branch',
    'enabled',
  ],
  '/repos/{owner}/{repo}/attestations/{subject_digest}': 'whole',
  '/repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs': [
    'total_count',
    {
      workflow_runs: [
        ...['id', 'event', 'status', 'conclusion', 'head_branch', 'head_sha', 'path', 'run_number', 'run_attempt'],
        ...['html_url', 'created_at', { repository: ['id', 'full_name'] }, { head_repository: ['id', 'full_name'] }],
      ],
    },
  ],
  '/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts': 'whole',
  '/repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}': 'redirect',
  '/repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}': [
    ...['id', 'event', 'status', 'conclusion', 'head_branch', 'head_sha', 'path', 'run_number', 'run_attempt'],
    ...['html_url', 'created_at', { repository: ['id', 'full_name'] }, { head_repository: ['id', 'full_name'] }],
  ],
  '/repos/{owner}/{repo}/issues/{issue_number}/comments': COMMENT,
  '/repos/{owner}/{repo}/pulls': PULL,
  '/repos/{owner}/{repo}/pulls/{pull_number}': PULL,
  '/repos/{owner}/{repo}/pulls/{pull_number}/files': ['sha', 'filename', 'status', 'additions', 'deletions', 'changes'],
  '/users/{username}': 'whole',
  '/users/{username}/gpg_keys': 'whole',
  '/users/{username}/ssh_signing_keys': 'whole',
  '/orgs/{org}/members': 'whole',
  '/orgs/{org}/teams/{team_slug}/members': 'whole',
}

/** Those that it writes to, with the verb and what it answers: whole, or these fields. */
const WRITTEN: readonly (readonly [verb: string, path: string, status: string, fields?: Fields])[] = [
  ['post', '/repos/{owner}/{repo}/attestations', '201'],
  ['post', '/repos/{owner}/{repo}/issues/{issue_number}/comments', '201', COMMENT],
  ['patch', '/repos/{owner}/{repo}/issues/comments/{comment_id}', '200', COMMENT],
  ['delete', '/repos/{owner}/{repo}/issues/comments/{comment_id}', '204'],
]

const SILENT = new Set([
  'description',
  'example',
  'examples',
  'title',
  'format',
  'discriminator',
  'default',
  'deprecated',
])
const OUTPUT = join(import.meta.dirname, '../__tests__/fakes/github-openapi.json')

const [, , folder] = process.argv
if (folder === undefined) throw new Error('usage: node tools/github-openapi.ts FOLDER')
const api = read(join(folder, 'generated/api.github.com.json'))
const components = at(api, 'components')
const names = new Set<string>()

const asked = Object.fromEntries(
  Object.entries(USED).map(([path, fields]) => {
    const get = at(at(at(api, 'paths'), path), 'get')
    const parameters = (get.parameters as Part[]).map(resolved)
    return [
      `GET ${path}`,
      {
        query: Object.fromEntries(
          parameters.filter(p => p.in === 'query').map(p => [String(p.name), clean(p.schema as Part)]),
        ),
        schema: fields === 'redirect' ? {} : clean(fields === 'whole' ? answerOf(get) : picked(answerOf(get), fields)),
      },
    ]
  }),
)
const written = Object.fromEntries(
  WRITTEN.map(([verb, path, status, fields]) => {
    const operation = at(at(at(api, 'paths'), path), verb)
    const name = `${verb.toUpperCase()} ${path}`
    if (status === '204') return [name, { query: {}, schema: {} }]
    const answer = answerOf(operation, status)
    const schema = clean(fields === undefined ? answer : picked(answer, fields))
    return [name, { query: {}, body: clean(bodyOf(operation)), schema }]
  }),
)
const endpoints = { ...asked, ...written }
const $defs: Record<string, unknown> = {}
for (let known = -1; known !== names.size; ) {
  known = names.size
  for (const name of [...names].sort()) $defs[name] ??= clean(at(at(components, 'schemas'), name))
}
const document = {
  source: `@octokit/openapi ${String(read(join(folder, 'package.json')).version)}, generated/api.github.com.json`,
  endpoints,
  $defs: Object.fromEntries(Object.entries($defs).sort(([a], [b]) => (a < b ? -1 : 1))),
}
writeFileSync(OUTPUT, `${JSON.stringify(document)}\n`)

function read(path: string): Part {
  return JSON.parse(readFileSync(path, 'utf8')) as Part
}

/** The value of a key; the part itself for the empty key. */
function at(part: Part, key: string): Part {
  const value = key === '' ? part : part[key]
  if (typeof value !== 'object' || value === null) throw new Error(`there is no ${key}`)
  return value as Part
}

function resolved(part: Part): Part {
  if (typeof part.$ref !== 'string') return part
  return part.$ref.replace('#/', '').split('/').reduce(at, api)
}

function answerOf(operation: Part, status = '200'): Part {
  return jsonOf(resolved(at(at(operation, 'responses'), status)))
}

function bodyOf(operation: Part): Part {
  return jsonOf(resolved(at(operation, 'requestBody')))
}

function jsonOf(part: Part): Part {
  return at(at(at(part, 'content'), 'application/json'), 'schema')
}

/** The schema of these properties alone. */
function picked(part: Part, fields: Fields): Part {
  const schema = resolved(part)
  if (schema.type === 'array') return { type: 'array', items: picked(at(schema, 'items'), fields) }
  const properties = at(schema, 'properties')
  const pairs = fields.flatMap((field): (readonly [string, Part])[] =>
    typeof field === 'string'
      ? [[field, at(properties, field)]]
      : Object.entries(field).map(([name, inner]) => [name, picked(at(properties, name), inner)]),
  )
  const names = pairs.map(([name]) => name)
  return {
    type: 'object',
    properties: Object.fromEntries(pairs),
    required: ((schema.required ?? []) as string[]).filter(field => names.includes(field)),
  }
}

function clean(part: Part): Part {
  if (typeof part.$ref === 'string') {
    const name = part.$ref.replace('#/components/schemas/', '')
    names.add(name)
    return { $ref: `#/$defs/${name}` }
  }
  const { nullable, ...kept } = Object.fromEntries(
    Object.entries(part)
      .filter(([key]) => !SILENT.has(key) && !key.startsWith('x-'))
      .map(([key, value]) => [key, cleanValue(key, value)]),
  )
  return nullable === true ? { anyOf: [kept, { type: 'null' }] } : kept
}

function cleanValue(key: string, value: unknown): unknown {
  if (key === 'properties')
    return Object.fromEntries(Object.entries(value as Part).map(([name, part]) => [name, clean(part as Part)]))
  if (key === 'enum' || key === 'required' || typeof value !== 'object' || value === null) return value
  return Array.isArray(value) ? value.map(part => clean(part as Part)) : clean(value as Part)
}
