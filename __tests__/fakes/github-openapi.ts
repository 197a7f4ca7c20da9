import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { breaks, type Schema } from '../report/schema.ts'

interface Endpoint {
  readonly query: Readonly<Record<string, Schema>>
  readonly schema: Schema
  /** Of what is written. */
  readonly body?: Schema
}

interface Description {
  /** Package and version that this was taken from, by tools/github-openapi.ts. */
  readonly source: string
  /** `GET /repos/{owner}/{repo}` → its query parameters and the schema of its answer. */
  readonly endpoints: Readonly<Record<string, Endpoint>>
  readonly $defs: Readonly<Record<string, Schema>>
}

/** The part of GitHub's OpenAPI description for what Waybill asks. */
export const OPENAPI = JSON.parse(readFileSync(join(import.meta.dirname, 'github-openapi.json'), 'utf8')) as Description

export interface Match {
  /** `GET /repos/{owner}/{repo}` */
  readonly endpoint: string
  /** Decoded values of the path's parameters. */
  readonly values: Readonly<Record<string, string>>
}

/** The endpoint that a path belongs to; literal words win over parameters. */
export function matchEndpoint(method: string, path: string): Match | undefined {
  const matches = Object.keys(OPENAPI.endpoints).flatMap(endpoint => {
    const [verb, template = ''] = endpoint.split(' ')
    const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
    const found = new RegExp(`^${template.replace(/\{\w+\}/g, '([^/]+)')}$`).exec(path)
    if (verb !== method || found === null) return []
    const values = Object.fromEntries(names.map((name, at) => [name, decodeURIComponent(found[at + 1] ?? '')]))
    return [{ endpoint, values }]
  })
  return matches.sort((a, b) => Object.keys(a.values).length - Object.keys(b.values).length)[0]
}

/** What is wrong with a question: a parameter that is not described, or a value that it may not have. */
export function questionProblems(endpoint: string, query: URLSearchParams): readonly string[] {
  const known = OPENAPI.endpoints[endpoint]?.query ?? {}
  return [...query].flatMap(([name, value]) => {
    const schema = known[name]
    if (schema === undefined) return [`${endpoint} has no parameter ${name}`]
    const read = schema.type === 'integer' ? Number(value) : schema.type === 'boolean' ? value === 'true' : value
    return breaks(schema, read, `${endpoint}?${name}`, rootSchema)
  })
}

/** What is wrong with what the client wrote. */
export function bodyProblems(endpoint: string, body: unknown): readonly string[] {
  const schema = OPENAPI.endpoints[endpoint]?.body
  return schema === undefined ? [] : breaks(schema, body, `body of ${endpoint}`, rootSchema)
}

/** What is wrong with an answer of the double. */
export function answerProblems(endpoint: string, body: unknown): readonly string[] {
  const schema = OPENAPI.endpoints[endpoint]?.schema
  if (schema === undefined) return [`${endpoint} is not described`]
  return breaks(schema, JSON.parse(JSON.stringify(body)), endpoint, rootSchema)
}

const rootSchema: Schema = { $defs: OPENAPI.$defs }
