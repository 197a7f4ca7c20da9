import { posix } from 'node:path'
import { asWaybillError, fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { type ComposeSource, type ComposeValue, placeOf, textOf } from './compose-layer.ts'
import type { Lookup } from './compose-variables.ts'
import { readEnvFile } from './env-file.ts'
import type { Gathering } from './gathering.ts'
import { unexamined } from './image-text.ts'
import { SUBJECT_LIMITS } from './limits.ts'
import { readYamlFile } from './yaml-documents.ts'
import { unreadable } from './yaml-text.ts'

/** The files of one folder. Nothing outside of it is ever read. */
export interface ComposeFiles {
  /**
   * @param path normalised, relative to the folder, with `/`, never beginning with `..`.
   * @returns undefined when nothing stands there; throws when it cannot be read, is too large or leads out of the folder.
   */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>
}

/** Reads the files of a project, each once, and says where something could not be followed. */
export class ComposeReader {
  readonly #files: ComposeFiles
  readonly #found: Gathering
  readonly #bytes = new Map<string, Promise<Uint8Array | undefined>>()

  constructor(files: ComposeFiles, found: Gathering) {
    this.#files = files
    this.#found = found
  }

  /** The documents of a file; compose lays them over each other like files. @throws `verify/manifest-unreadable` */
  async documents(file: string, folder: string, lookup: Lookup): Promise<readonly ComposeSource[]> {
    const bytes = await this.#once(file, SUBJECT_LIMITS.manifestBytes)
    if (bytes === undefined)
      throw fail('verify/manifest-unreadable', `${printable(file)} does not exist`, { found: 'no file' })
    const yaml = readYamlFile(bytes, file)
    const sources: ComposeSource[] = []
    for (const { number, root } of yaml.documents()) {
      if (root === undefined) continue
      if (root.node.kind !== 'map') throw unreadable(file, yaml.lineOf(root.at), 'something other than a map')
      sources.push({ file, document: number, folder, lookup, root, lineOf: yaml.lineOf })
    }
    return sources
  }

  /** As `documents`, for a file that another one names: what goes wrong is unknown at that place. */
  async named(by: ComposeValue, file: string, folder: string, lookup: Lookup): Promise<readonly ComposeSource[]> {
    try {
      return await this.documents(file, folder, lookup)
    } catch (error) {
      this.unknown(by, asWaybillError(error).message)
      return []
    }
  }

  /** Variables of a `.env` file below those that are known already. @returns undefined when it does not exist. */
  async environment(file: string, outer: Lookup): Promise<ReadonlyMap<string, string> | undefined> {
    const bytes = await this.#once(file, SUBJECT_LIMITS.envFileBytes)
    return bytes === undefined ? undefined : readEnvFile(bytes, file, outer)
  }

  /** True when a file of that name is there; one that cannot be read is there too. */
  async exists(file: string): Promise<boolean> {
    return this.#once(file, SUBJECT_LIMITS.manifestBytes).then(
      bytes => bytes !== undefined,
      () => true,
    )
  }

  /** The path that a value names, relative to the folder of the project's files; undefined after saying why not. */
  path(value: ComposeValue): string | undefined {
    const text = this.text(value)
    if (text === undefined) return undefined
    const remote = /^[a-z][a-z0-9+.-]*:|^git@|\.git(?:#|$)/i.test(text)
    const path = posix.normalize(posix.join(value.source.folder, text))
    if (!remote && text !== '' && !posix.isAbsolute(text) && !text.startsWith('~') && !path.startsWith('..'))
      return path
    this.unknown(value, remote ? 'a file from elsewhere' : 'a file outside the project folder', text)
    return undefined
  }

  /** Text with its variables filled in; undefined after saying why not. */
  text(value: ComposeValue): string | undefined {
    const text = textOf(value)
    if (text?.kind === 'text') return text.text
    this.unknown(value, text === undefined ? 'what stands there is not text' : text.why)
    return undefined
  }

  unknown(value: ComposeValue, sentence: string, found?: string, remedy?: string): void {
    const place = placeOf(value)
    const shown = found === undefined ? undefined : printable(found, 200)
    this.#found.unknown(place, unexamined(place, sentence, 'something that can be followed', shown, remedy))
  }

  async #once(file: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const known = this.#bytes.get(file)
    if (known !== undefined) return known
    if (this.#bytes.size >= SUBJECT_LIMITS.composeFiles)
      throw fail('verify/manifest-unreadable', `The project leads to more than ${SUBJECT_LIMITS.composeFiles} files`)
    const bytes = this.#files.read(file, maxBytes)
    this.#bytes.set(file, bytes)
    return bytes
  }
}
