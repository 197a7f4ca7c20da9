import { createHash } from 'node:crypto'
import { looksLikeSecret } from '../../src/build/secret-detector.ts'
import type { TarballFile } from './tarball.ts'

/** Everything that a package of this project may hold, by path; nothing else is there by accident. */
const ALLOWED: readonly RegExp[] = [
  /^package\/(?:package\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
  // The bundle, its parts, and a few lines for each door.
  /^package\/dist\/(?:\d+\.index|[a-z]+)\.js$/,
  /^package\/dist\/(?:package\.json|SOURCE|THIRD-PARTY-NOTICES\.txt)$/,
  /^package\/schemas\/[a-z-]+\.json$/,
]

const NEEDED = [
  'package/package.json',
  'package/README.md',
  'package/LICENSE',
  'package/dist/cli.js',
  'package/dist/index.js',
  'package/dist/package.json',
  'package/dist/THIRD-PARTY-NOTICES.txt',
]

/** What would run on the machine of whoever installs the package, or pull in what nobody has attested. */
const FORBIDDEN_FIELDS = [
  'scripts',
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
  'bundleDependencies',
  'overrides',
]

/** Folders under which machines keep what people and runners own; a bundle that names one was not built from the sources alone. */
const MACHINE_PATH = /(?:\/home\/(?:runner|user|[a-z]+\/(?:src|work|code))\/|\/Users\/[a-z]+\/|[A-Z]:\\\\?Users\\)/

/**
 * What is wrong with the package that was packed. Empty: it may be released.
 * @param places folders of this machine whose names must not be in it.
 */
export function objectionsTo(files: readonly TarballFile[], places: readonly string[]): readonly string[] {
  const paths = files.map(({ path }) => path)
  const times = new Set(files.map(({ time }) => time))
  return [
    ...paths.filter((path, at) => paths.indexOf(path) !== at).map(path => `${path} is there twice`),
    ...paths.filter(path => !ALLOWED.some(pattern => pattern.test(path))).map(path => `${path} does not belong there`),
    ...NEEDED.filter(path => !paths.includes(path)).map(path => `${path} is missing`),
    ...(times.size > 1 ? ['its files have different times, so the same sources give other bytes'] : []),
    ...files.flatMap(file => objectionsToFile(file, places)),
  ]
}

function objectionsToFile({ path, mode, bytes }: TarballFile, places: readonly string[]): readonly string[] {
  const text = Buffer.from(bytes).toString('utf8')
  const place = places.find(folder => folder.length > 1 && text.includes(`${folder}/`))
  const foreign = MACHINE_PATH.exec(text)?.[0]
  const secret = secretIn(path, text)
  return [
    ...(mode !== 0o644 && mode !== 0o755 ? [`${path} has the permissions ${mode.toString(8)}`] : []),
    ...(place === undefined ? [] : [`${path} names a folder of this machine`]),
    ...(foreign === undefined ? [] : [`${path} names a folder of a machine: ${foreign}`]),
    ...(secret === undefined ? [] : [`${path} holds what looks like ${secret}`]),
    ...(path === 'package/package.json' ? objectionsToManifest(text) : []),
  ]
}

/** SHA-256 of the key that every copy of the storage emulator has; its makers publish it, and their library names it. */
const PUBLISHED = '0011cc25eb4320717494d2703e8cba85743e71b500283c21c8b88147992f9059'

function isPublished(word: string): boolean {
  const key = /AccountKey=([^;]+)/.exec(word)?.[1]
  return key !== undefined && createHash('sha256').update(key).digest('hex') === PUBLISHED
}

/** Word by word: programs speak of the forms of keys, and only a whole one is a secret. */
function secretIn(path: string, text: string): string | undefined {
  const words = path.endsWith('.js') ? text.matchAll(/["'`]([^"'`\n]{16,4096})["'`]/g) : text.matchAll(/(\S{16,4096})/g)
  for (const [, word = ''] of words) {
    const kind = isPublished(word) ? undefined : looksLikeSecret(word)
    // A name of a kind of key, or a pattern that finds one, is no key: that has its bytes behind it.
    if (kind !== undefined && !(kind === 'a private key' && !/KEY-----[\s\\nr]*[A-Za-z0-9+/]{32}/.test(word)))
      return kind
  }
  return undefined
}

function objectionsToManifest(text: string): readonly string[] {
  const manifest = JSON.parse(text) as Readonly<Record<string, unknown>>
  return FORBIDDEN_FIELDS.filter(field => field in manifest).map(field => `package.json says ${field}`)
}
