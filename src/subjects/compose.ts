import { posix } from 'node:path'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { loadProject } from './compose-project.ts'
import { type ComposeFiles, ComposeReader } from './compose-reader.ts'
import { examineModel, examineService } from './compose-service.ts'
import type { Lookup } from './compose-variables.ts'
import type { Examined } from './found.ts'
import { Gathering } from './gathering.ts'
import { unexamined } from './image-text.ts'

export interface ComposeRequest {
  /** Paths relative to the folder of `files`, with `/`; each is laid over the one before it, as with several `-f`. */
  readonly files: readonly [string, ...string[]]
  /**
   * Variables that the caller vouches for; they win over every `.env` file. The environment of this process is never asked: it is
   * not the one that deploys, and holds secrets.
   */
  readonly variables?: Readonly<Record<string, string>>
  /** In place of the `.env` beside the first file. */
  readonly envFiles?: readonly string[]
}

/**
 * Every image of a compose application (13-adversary 33): services of all profiles with any number of replicas, image volumes,
 * `pre_start` steps, models; `extends`, `include`, override files, anchors and variables resolved. What cannot be resolved is
 * in `unexamined`, and so is every service with `build` or `provider`. Places name the file in which the text stands, which may be
 * an included one.
 * @throws `verify/manifest-unreadable` when one of the given files cannot be read; `verify/manifest-empty` without any service.
 * @see compose-spec, commit 170098b
 */
export async function imagesInCompose(request: ComposeRequest, files: ComposeFiles): Promise<Examined> {
  const found = new Gathering()
  const reader = new ComposeReader(files, found)
  const folder = posix.dirname(posix.normalize(request.files[0]))
  const given = request.files.map(file => posix.normalize(file))
  const lookup = await variables(request, folder, reader)
  const project = await loadProject({ files: given, folder, lookup, behind: [] }, reader)
  if (project.services.length === 0)
    throw fail('verify/manifest-empty', `${printable(given.join(', '))} holds no service`, {
      expected: 'services: …',
      found: 'nothing',
    })
  for (const service of project.services) examineService(service, found)
  for (const model of project.models) examineModel(model, found)
  await automatic(given, lookup, reader, found)
  return found.result()
}

async function variables(request: ComposeRequest, folder: string, reader: ComposeReader): Promise<Lookup> {
  const { variables: own = {}, envFiles } = request
  const outer: Lookup = name => (Object.hasOwn(own, name) ? own[name] : undefined)
  const all = new Map<string, string>()
  for (const file of envFiles ?? [posix.join(folder, '.env')]) {
    const found = await reader.environment(posix.normalize(file), name => outer(name) ?? all.get(name))
    if (found === undefined && envFiles !== undefined)
      throw fail('verify/manifest-unreadable', `${printable(file)} does not exist`, { found: 'no file' })
    for (const [name, value] of found ?? []) all.set(name, value)
  }
  return name => outer(name) ?? all.get(name)
}

/** In the order in which compose looks for them when it is not told. compose-spec 03-compose-file */
const STANDARD = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml']
const OVERRIDES = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
]

/** Without `-f`, compose takes files that nobody named: others than were examined here. */
async function automatic(
  files: readonly string[],
  lookup: Lookup,
  reader: ComposeReader,
  found: Gathering,
): Promise<void> {
  const [file = '', ...more] = files
  const chosen = lookup('COMPOSE_FILE')
  const same = chosen
    ?.split(lookup('COMPOSE_PATH_SEPARATOR') || ':')
    .map(path => posix.normalize(posix.join(posix.dirname(file), path)))
  if (same !== undefined && same.join('\n') !== files.join('\n')) otherFile(file, chosen ?? '', found)
  const rank = STANDARD.indexOf(posix.basename(file))
  if (same !== undefined || more.length > 0 || rank < 0) return
  const beside = (name: string) => posix.join(posix.dirname(file), name)
  for (const name of [...STANDARD.slice(0, rank), ...OVERRIDES])
    if (await reader.exists(beside(name))) otherFile(file, name, found)
}

function otherFile(file: string, other: string, found: Gathering): void {
  const place = { file, document: 1, path: '', line: 1 }
  const sentence = `compose takes ${printable(other, 100)} when it is not told which files to take`
  const remedy = 'Name all the files to the gate in the order in which they are deployed, and deploy with -f.'
  found.unknown(place, unexamined(place, sentence, 'all files by name', printable(other), remedy))
}
