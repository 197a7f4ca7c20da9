import { posix } from 'node:path'
import { type ComposeSource, type ComposeValue, childrenOf, entryOf, isNothing, type Layer } from './compose-layer.ts'
import type { ComposeReader } from './compose-reader.ts'
import { SUBJECT_LIMITS } from './limits.ts'

/**
 * The layers of one service as one file describes it: what it extends below, itself on top. compose-spec 05-services § extends
 * @param behind services that led here by `extends`.
 */
export async function layersOf(
  service: ComposeValue,
  reader: ComposeReader,
  behind: readonly string[] = [],
): Promise<readonly Layer[]> {
  const { slot, path, source } = service
  if (slot.node.kind !== 'map') {
    if (!isNothing(service) && slot.node.tag !== '!reset') reader.unknown(service, 'the service is no map')
    return []
  }
  const own: Layer = { map: slot.node, path, source }
  const extended = entryOf(service, 'extends')
  if (extended === undefined) return [own]
  const step = `${source.file} ${source.document} ${path}`
  if (behind.includes(step) || behind.length >= SUBJECT_LIMITS.composeDepth) {
    reader.unknown(extended, 'services that extend each other, or too many one behind the other')
    return [own]
  }
  const base = await baseOf(extended, reader)
  return base === undefined ? [own] : [...(await layersOf(base, reader, [...behind, step])), own]
}

async function baseOf(extended: ComposeValue, reader: ComposeReader): Promise<ComposeValue | undefined> {
  const named = extended.slot.node.kind === 'map' ? entryOf(extended, 'service') : extended
  if (named === undefined) reader.unknown(extended, 'extends without a service')
  const name = named === undefined ? undefined : reader.text(named)
  if (name === undefined) return undefined
  const sources = await sourcesOf(extended, reader)
  const found = sources?.flatMap(source => childrenOf(source, 'services')).filter(([other]) => other === name)
  // In two documents of one file: which of the two is extended is for each program to guess.
  if (found !== undefined && found.length !== 1) reader.unknown(extended, 'the service is not there, or twice', name)
  return found?.length === 1 ? found[0]?.[1] : undefined
}

/** Where the extended service is looked for; undefined after saying why it cannot be. */
async function sourcesOf(extended: ComposeValue, reader: ComposeReader): Promise<readonly ComposeSource[] | undefined> {
  const file = entryOf(extended, 'file')
  if (file === undefined || isNothing(file)) return [extended.source]
  const path = reader.path(file)
  if (path === undefined) return undefined
  const sources = await reader.named(file, path, posix.dirname(path), extended.source.lookup)
  return sources.length === 0 ? undefined : sources
}
