import { decodeUtf8, utf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { readFileBounded } from '../io/files.ts'
import { kindAt } from '../io/glob.ts'
import type { FileSubject } from './files.ts'

/** One bundle as it stands in a file: never parsed further, never trusted. */
export interface FoundBundle {
  /** `file`, or `file:line` of several. */
  readonly from: string
  readonly bytes: Uint8Array
}

/** Where a signer leaves the bundle of a file. Sigstore bundle specification, client behaviour. */
export function bundlePath({ path }: FileSubject): string {
  return `${path}.sigstore.json`
}

/** The bundles beside a file; undefined when there is no such file. @throws as `readBundles` */
export async function bundlesBeside(subject: FileSubject): Promise<readonly FoundBundle[] | undefined> {
  const path = bundlePath(subject)
  return (await kindAt(path)) === undefined ? undefined : readBundles(path, `${subject.name}.sigstore.json`)
}

/**
 * The bundles of one file: one JSON object, or one on each line (`.jsonl`, as `gh attestation download` writes). The content
 * decides, not the name.
 * @throws `core/file-unreadable`; `verify/bundle-unreadable`: neither form, more than `LIMITS.subjectBundles` bundles, one of more
 * than `LIMITS.bundleBytes`, all of more than `LIMITS.subjectBundleBytes`.
 */
export async function readBundles(path: string, name = path): Promise<readonly FoundBundle[]> {
  return bundlesIn(await readFileBounded(path, LIMITS.subjectBundleBytes), name)
}

/** As `readBundles`, of bytes. */
export function bundlesIn(bytes: Uint8Array, name: string): readonly [FoundBundle, ...FoundBundle[]] {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw unreadable(name, 'not UTF-8')
  if (isObject(text)) return [{ from: name, bytes: bounded(bytes, name) }]
  const lines = text.split('\n').map((line, index) => ({ line: line.trim(), from: `${name}:${index + 1}` }))
  const [first, ...rest] = lines.filter(({ line }) => line !== '')
  if (first === undefined) throw unreadable(name, 'nothing')
  if (rest.length >= LIMITS.subjectBundles) throw unreadable(name, `more than ${LIMITS.subjectBundles} bundles`)
  const bundle = ({ line, from }: { line: string; from: string }): FoundBundle => {
    if (!isObject(line)) throw unreadable(from, 'something other than one JSON object')
    return { from, bytes: bounded(utf8(line), from) }
  }
  return [bundle(first), ...rest.map(bundle)]
}

function isObject(text: string): boolean {
  try {
    parseJsonObject(text, 'bundle')
    return true
  } catch {
    return false
  }
}

function bounded(bytes: Uint8Array, from: string): Uint8Array {
  if (bytes.byteLength > LIMITS.bundleBytes) throw unreadable(from, `more than ${LIMITS.bundleBytes} bytes`)
  return bytes
}

function unreadable(from: string, found: string): Error {
  return fail('verify/bundle-unreadable', `Cannot read bundles in ${printable(from)}: ${found}`, {
    expected: 'one JSON object, or one a line',
    found,
  })
}
