/** The part of JSON Schema 2020-12 that our schemas use; an unknown keyword fails, so that no rule is silently skipped. */
export interface Schema {
  readonly [keyword: string]: unknown
}

type Check = (schema: Schema, value: unknown, path: string, root: Schema) => readonly string[]

const IGNORED = ['$schema', '$id', '$defs', 'title', 'description']

/** Where and how `value` breaks `schema`; empty when it does not. */
export function breaks(schema: Schema, value: unknown, path = '$', root = schema): readonly string[] {
  return Object.keys(schema).flatMap(keyword => {
    if (IGNORED.includes(keyword)) return []
    const check = CHECKS[keyword]
    if (check === undefined) throw new Error(`keyword ${keyword} at ${path} is not supported by this validator`)
    return check(schema, value, path, root)
  })
}

const CHECKS: Readonly<Record<string, Check>> = {
  $ref: ({ $ref }, value, path, root) => breaks(definition(root, String($ref)), value, path, root),
  const: (schema, value, path) => (value === schema.const ? [] : [`${path} is not ${schema.const}`]),
  enum: (schema, value, path) => ((schema.enum as unknown[]).includes(value) ? [] : [`${path} is none of the values`]),
  type: (schema, value, path) =>
    [schema.type].flat().some(type => isType(String(type), value)) ? [] : [`${path} is no ${schema.type}`],
  not: (schema, value, path, root) =>
    breaks(schema.not as Schema, value, path, root).length === 0 ? [`${path} is what it must not be`] : [],
  pattern: (schema, value, path) =>
    typeof value !== 'string' || new RegExp(String(schema.pattern), 'u').test(value) ? [] : [`${path} does not match`],
  minLength: (schema, value, path) =>
    typeof value !== 'string' || value.length >= Number(schema.minLength) ? [] : [`${path} is too short`],
  minimum: (schema, value, path) =>
    typeof value !== 'number' || value >= Number(schema.minimum) ? [] : [`${path} is too small`],
  maximum: (schema, value, path) =>
    typeof value !== 'number' || value <= Number(schema.maximum) ? [] : [`${path} is too large`],
  minItems: (schema, value, path) =>
    !Array.isArray(value) || value.length >= Number(schema.minItems) ? [] : [`${path} has too few items`],
  maxItems: (schema, value, path) =>
    !Array.isArray(value) || value.length <= Number(schema.maxItems) ? [] : [`${path} has too many items`],
  uniqueItems: (_schema, value, path) =>
    !Array.isArray(value) || new Set(value.map(item => JSON.stringify(item))).size === value.length
      ? []
      : [`${path} has an item twice`],
  minProperties: (schema, value, path) =>
    !isObject(value) || Object.keys(value).length >= Number(schema.minProperties) ? [] : [`${path} has too few keys`],
  maxProperties: (schema, value, path) =>
    !isObject(value) || Object.keys(value).length <= Number(schema.maxProperties) ? [] : [`${path} has too many keys`],
  allOf: (schema, value, path, root) => (schema.allOf as Schema[]).flatMap(part => breaks(part, value, path, root)),
  anyOf: (schema, value, path, root) => oneAtLeast(schema.anyOf as Schema[], value, path, root),
  oneOf: (schema, value, path, root) => {
    const parts = schema.oneOf as Schema[]
    const fitting = parts.filter(part => breaks(part, value, path, root).length === 0).length
    return fitting > 1 ? [`${path} fits ${fitting} shapes`] : oneAtLeast(parts, value, path, root)
  },
  required: (schema, value, path) =>
    isObject(value)
      ? (schema.required as string[]).filter(key => !Object.hasOwn(value, key)).map(key => `${path}.${key} is missing`)
      : [],
  items: (schema, value, path, root) =>
    Array.isArray(value)
      ? value.flatMap((item, at) => breaks(schema.items as Schema, item, `${path}[${at}]`, root))
      : [],
  properties: (schema, value, path, root) =>
    isObject(value)
      ? Object.entries(schema.properties as Record<string, Schema>).flatMap(([key, part]) =>
          Object.hasOwn(value, key) ? breaks(part, value[key], `${path}.${key}`, root) : [],
        )
      : [],
  additionalProperties: (schema, value, path, root) => {
    if (!isObject(value)) return []
    const more = Object.keys(value).filter(key => !Object.hasOwn((schema.properties ?? {}) as object, key))
    if (schema.additionalProperties === false) return more.map(key => `${path}.${key} is not known`)
    return more.flatMap(key => breaks(schema.additionalProperties as Schema, value[key], `${path}.${key}`, root))
  },
}

/** None fits: what is said about the one that fits best. */
function oneAtLeast(parts: readonly Schema[], value: unknown, path: string, root: Schema): readonly string[] {
  const all = parts.map(part => breaks(part, value, path, root))
  return all.reduce((best, broken) => (broken.length < best.length ? broken : best), all[0] ?? [`${path} fits nothing`])
}

function definition(root: Schema, ref: string): Schema {
  const found = (root.$defs as Record<string, Schema>)[ref.replace('#/$defs/', '')]
  if (found === undefined) throw new Error(`${ref} does not exist`)
  return found
}

function isType(type: string, value: unknown): boolean {
  if (type === 'object') return isObject(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'null') return value === null
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
