import { posix } from 'node:path'
import { fail } from '../core/error.ts'
import { isObject, type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { arrayAt, objectAt, stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { treePath } from './tree-path.ts'

/** One target of a bake file, in the words of a build request; paths from the root of the commit. */
export interface BakeTarget {
  readonly context: string
  readonly file: string
  readonly target?: string
  readonly platforms: readonly string[]
  readonly buildArgs: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly network: 'default' | 'none'
  readonly noCache: boolean
  /** As written: the request's own door reads them. */
  readonly contexts: ReadonlyMap<string, string>
  /** Which secrets the target names; their values come from inputs alone. */
  readonly secrets: readonly string[]
  /** What stands there and is said elsewhere. */
  readonly unused: readonly string[]
}

/** What a step says by its inputs, or does by itself: where something is written to is not for the commit to say. */
const UNUSED = ['tags', 'output', 'attest', 'cache-from', 'cache-to']
const SERVED = [
  'context',
  'dockerfile',
  'target',
  'platforms',
  'args',
  'labels',
  'annotations',
  'network',
  'no-cache',
  'contexts',
  'secret',
  'description',
  ...UNUSED,
]
const GROUP_DEPTH = 10

/**
 * Reads what `docker buildx bake --print` says of one target. Whatever a request cannot say is refused by its name.
 * @param bytes JSON; `${` and `%{` in values stand there as `$${` and `%%{`. Source: buildx 0.29.1 `bake/bake.go` `Target`.
 * @param name target, or a group that comes to one target.
 * @throws `build/bake-unusable`, `build/bake-refused`
 */
export function readBakePrint(bytes: Uint8Array, name: string): BakeTarget {
  const print = parseJsonObject(bytes, 'bake')
  const targets = objectAt(print.target ?? {}, 'target')
  const groups = isObject(print.group) ? print.group : {}
  const [only, ...more] = [...new Set(membersOf(name, targets, groups, 0))]
  if (only === undefined || more.length > 0)
    throw fail('build/bake-unusable', `${printable(name, 160)} of the bake file is not one target`, {
      expected: 'one target',
      found: [only, ...more].join(', ') || 'none',
      remedy: 'Use one step for each target, each with its own `bake: FILE TARGET`.',
    })
  return readTarget(objectAt(targets[only], only))
}

function membersOf(name: string, targets: JsonObject, groups: JsonObject, depth: number): readonly string[] {
  if (Object.hasOwn(targets, name)) return [name]
  const group = Object.hasOwn(groups, name) ? groups[name] : undefined
  if (!isObject(group) || depth > GROUP_DEPTH) return []
  return textsAt(group.targets, 'targets').flatMap(member => membersOf(member, targets, groups, depth + 1))
}

function readTarget(fields: JsonObject): BakeTarget {
  const unknown = Object.keys(fields).find(field => !SERVED.includes(field) && fields[field] !== false)
  if (unknown !== undefined) throw refused(unknown, ADVICE[unknown])
  const context = folderOf(fields.context)
  return {
    context,
    file: posix.join(context, pathAt(fields.dockerfile ?? 'Dockerfile', 'dockerfile')),
    ...(fields.target === undefined ? {} : { target: stringAt(fields.target, 'target') }),
    platforms: textsAt(fields.platforms, 'platforms'),
    buildArgs: pairsAt(fields.args, 'args'),
    labels: pairsAt(fields.labels, 'labels'),
    annotations: annotationsOf(fields.annotations),
    network: networkOf(fields.network),
    noCache: fields['no-cache'] === true,
    contexts: contextsOf(fields.contexts),
    secrets: secretsOf(fields.secret),
    unused: UNUSED.filter(field => fields[field] !== undefined),
  }
}

/** For fields whose meaning another place serves. */
const ADVICE: Readonly<Record<string, string>> = {
  'dockerfile-inline': 'Write the Dockerfile to a file of the repository, and name it in `dockerfile`.',
  ssh: 'Remove `ssh` from the target, and give it as the input `ssh`.',
  pull: 'Remove `pull`: base images are pinned by what was verified.',
  call: 'Remove `call`: the target is built.',
}

function folderOf(value: Json | undefined): string {
  return value === undefined ? '.' : pathAt(value, 'context')
}

function pathAt(value: Json | undefined, field: string): string {
  const path = stringAt(value, field)
  const clean = treePath(path)
  const elsewhere = /^[a-z][a-z0-9+.-]*:/i.test(path) || /^[^/]*@/.test(path) || path === '-'
  if (elsewhere || clean === undefined)
    throw fail('build/bake-refused', `The target's ${field} is no path inside the repository`, {
      expected: 'a relative path without ..',
      found: printable(path, 200),
      remedy: `Give ${field} as a path inside the repository, without “..”; contexts start at its root, a dockerfile in the context.`,
    })
  return clean
}

function networkOf(value: Json | undefined): 'default' | 'none' {
  if (value === undefined || value === 'default') return 'default'
  if (value === 'none') return value
  throw refused(`network = ${printable(JSON.stringify(value), 60)}`, 'Remove `network`, or set it to "none".')
}

function contextsOf(value: Json | undefined): ReadonlyMap<string, string> {
  const contexts = pairsAt(value, 'contexts')
  for (const [name, source] of Object.entries(contexts))
    if (source.startsWith('target:'))
      throw refused(
        `contexts.${printable(name, 100)} = target:…`,
        'Make the other target a stage of the same Dockerfile, and name the stage where the context was named.',
      )
  return new Map(Object.entries(contexts))
}

/** An annotation of an index or a manifest alone is none that a request could say. */
function annotationsOf(value: Json | undefined): Readonly<Record<string, string>> {
  const entries = textsAt(value, 'annotations').map(text => {
    const [, key, found] = /^(?:manifest:)?([^=:,]+)=(.*)$/s.exec(text) ?? []
    if (key === undefined || found === undefined)
      throw refused('annotations of an index', 'Write annotations as "key=value": they are set on each manifest.')
    return [key, found] as const
  })
  return Object.fromEntries(entries)
}

/** Ids alone: which file or variable of the machine would be read is not for the commit to say. */
function secretsOf(value: Json | undefined): readonly string[] {
  return listAt(value, 'secret').map((item, at) => stringAt(objectAt(item, `secret[${at}]`).id, `secret[${at}].id`))
}

/** A value of null is one that the Dockerfile has a default for. */
function pairsAt(value: Json | undefined, field: string): Readonly<Record<string, string>> {
  if (value === undefined) return {}
  const given = Object.entries(objectAt(value, field)).filter(([, item]) => item !== null)
  return Object.fromEntries(given.map(([name, item]) => [clear(name), clear(stringAt(item, `${field}.${name}`))]))
}

function textsAt(value: Json | undefined, field: string): readonly string[] {
  return listAt(value, field).map((item, at) => clear(stringAt(item, `${field}[${at}]`)))
}

function listAt(value: Json | undefined, field: string): readonly Json[] {
  return value === undefined ? [] : arrayAt(value, field)
}

/** `--print` writes what a bake file would be read from again. */
function clear(text: string): string {
  return text.replaceAll('$${', () => '${').replaceAll('%%{', '%{')
}

function refused(field: string, remedy?: string): Error {
  return fail('build/bake-refused', `The target of the bake file has ${field}, which is not served`, {
    expected: `of ${SERVED.join(', ')} only`,
    found: field,
    ...(remedy === undefined ? {} : { remedy }),
  })
}
