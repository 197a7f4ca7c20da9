import { posix } from 'node:path'
import { asWaybillError } from '../core/error.ts'
import { layersOf } from './compose-extends.ts'
import {
  type ComposeSource,
  type ComposeValue,
  childrenOf,
  entryOf,
  isNothing,
  itemsOf,
  type Layer,
  type Service,
} from './compose-layer.ts'
import type { ComposeReader } from './compose-reader.ts'
import type { Lookup } from './compose-variables.ts'
import { SUBJECT_LIMITS } from './limits.ts'

/** Everything that several files describe as one application. */
export interface ComposeProject {
  readonly services: readonly Service[]
  readonly models: readonly Service[]
}

/** Which files make up a project. */
export interface ProjectFiles {
  /** The first one, and those that are laid over it. */
  readonly files: readonly string[]
  /** Relative paths begin here. */
  readonly folder: string
  readonly lookup: Lookup
  /** Files that led here by `include`. */
  readonly behind: readonly string[]
}

/** Loads files, follows `extends` and `include`. What cannot be followed is written down as unexamined, never left out. */
export async function loadProject(given: ProjectFiles, reader: ComposeReader): Promise<ComposeProject> {
  const sources: ComposeSource[] = []
  for (const file of given.files) sources.push(...(await reader.documents(file, given.folder, given.lookup)))
  return projectOf(sources, given, reader)
}

async function projectOf(
  sources: readonly ComposeSource[],
  given: ProjectFiles,
  reader: ComposeReader,
): Promise<ComposeProject> {
  const [services, models] = [new Map<string, Service>(), new Map<string, Service>()]
  const included: ComposeProject[] = []
  for (const source of sources) {
    for (const key of ['services', 'models']) checkMap(source, key, reader)
    for (const [name, value] of childrenOf(source, 'services'))
      stack(services, name, value, await layersOf(value, reader))
    for (const [name, value] of childrenOf(source, 'models')) stack(models, name, value, layerIn(value))
    const include = entryOf({ slot: source.root, path: '', source }, 'include')
    if (include !== undefined) included.push(...(await includedBy(include, given, reader)))
  }
  for (const project of included) for (const service of project.services) checkName(service, services, reader)
  return {
    services: [...services.values(), ...included.flatMap(project => project.services)],
    models: [...models.values(), ...included.flatMap(project => project.models)],
  }
}

/** Services behind a list or a template would be missed. */
function checkMap(source: ComposeSource, key: string, reader: ComposeReader): void {
  const value = entryOf({ slot: source.root, path: '', source }, key)
  if (value !== undefined && value.slot.node.kind !== 'map' && !isNothing(value))
    reader.unknown(value, 'no map of names')
}

/** compose-spec 14-include says that names must not meet; programs lay one over the other in either order. */
function checkName(service: Service, services: ReadonlyMap<string, Service>, reader: ComposeReader): void {
  const name = service.value.path.slice('services.'.length)
  if ([...services.values()].some(other => other.value.path === service.value.path))
    reader.unknown(service.value, `the name of an included service stands in the file that includes it: ${name}`)
}

function stack(all: Map<string, Service>, name: string, value: ComposeValue, layers: readonly Layer[]): void {
  const { tag } = value.slot.node
  if (tag === '!reset') all.delete(name)
  else all.set(name, { value, layers: [...(tag === undefined ? (all.get(name)?.layers ?? []) : []), ...layers] })
}

function layerIn({ slot, path, source }: ComposeValue): readonly Layer[] {
  return slot.node.kind === 'map' ? [{ map: slot.node, path, source }] : []
}

async function includedBy(
  include: ComposeValue,
  given: ProjectFiles,
  reader: ComposeReader,
): Promise<readonly ComposeProject[]> {
  if (include.slot.node.kind !== 'list' && !isNothing(include)) reader.unknown(include, 'include is no list')
  const projects: ComposeProject[] = []
  for (const item of itemsOf(include)) {
    const one = await includedFiles(item, given, reader)
    if (one === undefined) continue
    const sources: ComposeSource[] = []
    for (const file of one.files) sources.push(...(await reader.named(item, file, one.folder, one.lookup)))
    projects.push(await projectOf(sources, one, reader))
  }
  return projects
}

/** compose-spec 14-include § Short syntax, Long syntax. */
async function includedFiles(
  item: ComposeValue,
  given: ProjectFiles,
  reader: ComposeReader,
): Promise<ProjectFiles | undefined> {
  const named = item.slot.node.kind === 'map' ? entryOf(item, 'path') : item
  const values = named === undefined ? [] : named.slot.node.kind === 'list' ? itemsOf(named) : [named]
  const files = values.map(value => reader.path(value))
  const [first] = files
  if (first === undefined || files.includes(undefined)) {
    if (values.length === 0) reader.unknown(item, 'include without a path')
    return undefined
  }
  if (
    given.behind.includes(first) ||
    given.files.includes(first) ||
    given.behind.length >= SUBJECT_LIMITS.composeDepth
  ) {
    reader.unknown(item, 'files that include each other, or too many one behind the other')
    return undefined
  }
  const directory = entryOf(item, 'project_directory')
  const folder = directory === undefined ? posix.dirname(first) : reader.path(directory)
  if (folder === undefined) return undefined
  const lookup = await includedVariables(item, folder, given.lookup, reader)
  if (lookup === undefined) return undefined
  return { files: files.filter(file => file !== undefined), folder, lookup, behind: [...given.behind, ...given.files] }
}

/** The including project's variables win over those of the included one. */
async function includedVariables(
  item: ComposeValue,
  folder: string,
  outer: Lookup,
  reader: ComposeReader,
): Promise<Lookup | undefined> {
  const named = entryOf(item, 'env_file')
  const values = named === undefined ? [] : named.slot.node.kind === 'list' ? itemsOf(named) : [named]
  const files = named === undefined ? [posix.join(folder, '.env')] : values.map(value => reader.path(value))
  const all = new Map<string, string>()
  for (const file of files) {
    if (file === undefined) return undefined
    try {
      const found = await reader.environment(file, name => outer(name) ?? all.get(name))
      if (found === undefined && named !== undefined) throw new Error('the env_file does not exist')
      for (const [name, value] of found ?? []) all.set(name, value)
    } catch (error) {
      reader.unknown(item, asWaybillError(error).message)
      return undefined
    }
  }
  return name => outer(name) ?? all.get(name)
}
