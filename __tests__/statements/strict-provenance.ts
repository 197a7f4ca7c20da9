import type { Json } from '../../src/core/json.ts'

/**
 * A strict decoder of SLSA provenance v1, written after the published message types and nothing of ours: the JSON form of protobuf,
 * where a field that the type does not have, `null`, or another type is an error.
 * Sources: slsa.dev/spec/v1.1/provenance (provenance.proto), in-toto attestation v1.1.0 (resource_descriptor.proto, statement.proto).
 */
type Check = (value: Json, path: string) => void

const text: Check = (value, path) => {
  if (typeof value !== 'string') throw new Error(`${path} is no string`)
}

/** google.protobuf.Timestamp: RFC 3339 in UTC. */
const timestamp: Check = (value, path) => {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(value))
    throw new Error(`${path} is no timestamp`)
  if (Number.isNaN(Date.parse(value))) throw new Error(`${path} is no day`)
}

/** google.protobuf.Struct: any object; `null` inside is a value of its own and decoders of Go keep it apart from absence. */
const struct: Check = (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${path} is no object`)
  noNull(value, path)
}

function noNull(value: Json, path: string): void {
  if (value === null) throw new Error(`${path} is null`)
  if (typeof value === 'object') for (const [key, item] of Object.entries(value)) noNull(item, `${path}.${key}`)
}

const mapOf =
  (check: Check): Check =>
  (value, path) => {
    struct(value, path)
    for (const [key, item] of Object.entries(value as object)) check(item as Json, `${path}.${key}`)
  }

const listOf =
  (check: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) throw new Error(`${path} is no list`)
    for (const [at, item] of value.entries()) check(item, `${path}[${at}]`)
  }

const message =
  (fields: Readonly<Record<string, Check>>, ...required: readonly string[]): Check =>
  (value, path) => {
    struct(value, path)
    for (const [key, item] of Object.entries(value as object)) {
      const check = Object.hasOwn(fields, key) ? fields[key] : undefined
      if (check === undefined) throw new Error(`${path} has no field ${key}`)
      check(item as Json, `${path}.${key}`)
    }
    for (const key of required) if (!Object.hasOwn(value as object, key)) throw new Error(`${path} is without ${key}`)
  }

const descriptor: Check = (value, path) => {
  message({
    name: text,
    uri: text,
    digest: mapOf(text),
    content: text,
    downloadLocation: text,
    mediaType: text,
    annotations: struct,
  })(value, path)
  const { uri, digest, content } = value as Record<string, Json | undefined>
  // in-toto: at least one of these, or nobody can tell what is described.
  if (uri === undefined && digest === undefined && content === undefined) throw new Error(`${path} describes nothing`)
}

const statement = message(
  {
    _type: text,
    subject: listOf(descriptor),
    predicateType: text,
    predicate: message(
      {
        buildDefinition: message(
          {
            buildType: text,
            externalParameters: struct,
            internalParameters: struct,
            resolvedDependencies: listOf(descriptor),
          },
          'buildType',
          'externalParameters',
        ),
        runDetails: message(
          {
            builder: message({ id: text, builderDependencies: listOf(descriptor), version: mapOf(text) }, 'id'),
            metadata: message({ invocationId: text, startedOn: timestamp, finishedOn: timestamp }),
            byproducts: listOf(descriptor),
          },
          'builder',
        ),
      },
      'buildDefinition',
      'runDetails',
    ),
  },
  '_type',
  'subject',
  'predicateType',
  'predicate',
)

/** @throws `Error` that names the first place that a strict reader would not take. */
export function decodeStrictly(bytes: Uint8Array): void {
  statement(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json, 'statement')
}
