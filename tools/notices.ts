/**
 * Licence notices of everything that `dist/` may hold: the production part of the lockfile, with full texts.
 * The bundler's own list is incomplete for ES modules; the lockfile is a superset of what it bundles, which is the safe side.
 * Deterministic: sorted, no dates, no paths of the machine. Fails when a package has no text and no entry in `WITHOUT_FILE`.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LEFT_OUT } from './leave-out.ts'

interface LockEntry {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

interface Lockfile {
  readonly packages: Readonly<Record<string, LockEntry>>
}

interface Notice {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly text: string
}

/** Packages that ship no licence file, and where their text is: another package of the same repository, or the standard text. */
const WITHOUT_FILE: Readonly<
  Record<string, { readonly license: string; readonly from: string; readonly copyright?: string }>
> = {
  '@npmcli/agent': { license: 'ISC', from: 'tools/licences/ISC.txt', copyright: 'Copyright (c) GitHub Inc.' },
  '@sigstore/verify': { license: 'Apache-2.0', from: 'node_modules/@sigstore/bundle/LICENSE' },
  '@nodable/entities': { license: 'MIT', from: 'tools/licences/MIT.txt', copyright: 'Copyright (c) Amit Gupta' },
  eastasianwidth: { license: 'MIT', from: 'tools/licences/MIT.txt', copyright: 'Copyright (c) 2013 Masaki Komagata' },
  isarray: { license: 'MIT', from: 'tools/licences/MIT.txt', copyright: 'Copyright (c) 2013 Julian Gruber' },
  'proxy-agent-negotiate': { license: 'MIT', from: 'node_modules/agent-base/LICENSE' },
}

/**
 * Parts of the lockfile that `dist` does not hold: what `leave-out.ts` keeps out of the bundle, a code generator that the artifact
 * client names and never loads, and what the Kubernetes client has for its own command line and for logs of containers.
 */
const NOT_BUNDLED: readonly string[] = [...Object.keys(LEFT_OUT), '@protobuf-ts/plugin', 'argparse', 'stream-buffers']

/** Licences that allow what we do: ship a copy, with the notice, inside a bundle. Any other needs a decision first. */
const BUNDLED = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', '0BSD']

/** LGPL-3.0: only as a file of its own that a user can replace. */
const LAZY_CHUNK = 'openpgp'

const RULE = `\n${'='.repeat(80)}\n\n`

/** Writes the notices of the lockfile at `root` to `file`, after checking that the LGPL library is a chunk of its own. */
export async function writeNotices(root: string, file: string): Promise<void> {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile
  const notices = production(lock).map(([path, entry]) => noticeOf(root, path, entry))
  const chunk = lazyChunk(dirname(file), notices)
  writeFileSync(file, render(root, notices, chunk))
}

function production(lock: Lockfile): readonly (readonly [string, LockEntry])[] {
  const left = leftOut(lock)
  return Object.entries(lock.packages).filter(
    ([path, entry]) => path !== '' && !entry.dev && !entry.devOptional && !left.has(path),
  )
}

/** Paths of `NOT_BUNDLED` and of what only they need. */
function leftOut({ packages }: Lockfile): ReadonlySet<string> {
  const cut = Object.keys(packages).filter(path => NOT_BUNDLED.includes(nameOf(path)))
  const needed = reached(packages, [''], path => !NOT_BUNDLED.includes(nameOf(path)))
  return new Set([...reached(packages, cut, () => true)].filter(path => !needed.has(path)))
}

function reached(
  packages: Lockfile['packages'],
  from: readonly string[],
  follow: (path: string) => boolean,
): ReadonlySet<string> {
  const seen = new Set(from)
  for (const path of seen) {
    const { dependencies, optionalDependencies, peerDependencies } = packages[path] ?? {}
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const found = installed(packages, path, name)
      if (found !== undefined && follow(found)) seen.add(found)
    }
  }
  return seen
}

/** Where a package finds another: in its own folder, or in one around it. */
function installed(packages: Lockfile['packages'], path: string, name: string): string | undefined {
  for (let around = path; ; around = around.slice(0, Math.max(0, around.lastIndexOf('/node_modules/')))) {
    const found = `${around === '' ? '' : `${around}/`}node_modules/${name}`
    if (Object.hasOwn(packages, found)) return found
    if (around === '') return undefined
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

function noticeOf(root: string, path: string, entry: LockEntry): Notice {
  const name = nameOf(path)
  const license = entry.license ?? 'none declared'
  if (name !== LAZY_CHUNK && !mayBundle(license)) throw new Error(`${name}: the licence ${license} needs a decision`)
  return { name, version: entry.version ?? '', license, text: textOf(root, path, name, license) }
}

/** `A`, or an SPDX expression of them: every licence of an AND, one of an OR. */
export function mayBundle(expression: string): boolean {
  const bare = /^\(([^()]*)\)$/.exec(expression)?.[1] ?? expression
  if (/[()]/.test(bare) || (/ AND /.test(bare) && / OR /.test(bare))) return false
  if (/ OR /.test(bare)) return bare.split(' OR ').some(part => BUNDLED.includes(part))
  return bare.split(' AND ').every(part => BUNDLED.includes(part))
}

function textOf(root: string, path: string, name: string, license: string): string {
  const folder = join(root, path)
  if (!existsSync(folder)) throw new Error(`${path} is not installed; run npm ci`)
  const files = readdirSync(folder).filter(file => /^(licen[cs]e|copying|notice)(\.|-|$)/i.test(file))
  if (files.length > 0)
    return files
      .sort()
      .map(file => readFileSync(join(folder, file), 'utf8').trim())
      .join('\n\n')
  const known = Object.hasOwn(WITHOUT_FILE, name) ? WITHOUT_FILE[name] : undefined
  if (known === undefined || known.license !== license)
    throw new Error(`${name} has no licence text; find out which applies and add it to WITHOUT_FILE`)
  const copyright = known.copyright === undefined ? '' : `${known.copyright}\n\n`
  return `(The package ships no licence file; it declares ${license}.)\n\n${copyright}${readFileSync(join(root, known.from), 'utf8').trim()}`
}

/**
 * The file of `dist` that holds the LGPL library, and only it: LGPL-3.0 § 4 lets a user combine Waybill with a changed
 * version, which takes no more than replacing that file.
 */
function lazyChunk(dist: string, notices: readonly Notice[]): string {
  const library = notices.find(({ name }) => name === LAZY_CHUNK)
  if (library === undefined) throw new Error(`${LAZY_CHUNK} is not a production dependency any more: drop its notice`)
  const scripts = readdirSync(dist).filter(file => /\.[cm]?js$/.test(file))
  const marker = `OpenPGP.js ${library.version}`
  const holders = scripts.filter(file => readFileSync(join(dist, file), 'utf8').includes(marker))
  const [chunk] = holders
  if (holders.length !== 1 || chunk === undefined || chunk === 'index.js')
    throw new Error(`${LAZY_CHUNK} must be in exactly one chunk of its own; found in: ${holders.join(', ') || 'none'}`)
  return chunk
}

function render(root: string, notices: readonly Notice[], chunk: string): string {
  const sorted = [...notices].sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version))
  const unique = sorted.filter(
    (notice, at) => `${notice.name}@${notice.version}` !== `${sorted[at - 1]?.name}@${sorted[at - 1]?.version}`,
  )
  const parts = unique.map(notice => {
    const note = notice.name === LAZY_CHUNK ? `${lgplNote(root, chunk)}\n\n` : ''
    return `${notice.name} ${notice.version}\nLicence: ${notice.license}\n\n${note}${notice.text}\n`
  })
  const list = unique.map(({ name, version, license }) => `  ${name} ${version} (${license})`).join('\n')
  const head = `Waybill's bundle holds parts of the following packages. Each keeps its own licence, printed below.\n\n${list}\n`
  const gpl = `GNU General Public License, version 3, to which the GNU Lesser General Public License refers\n\n`
  return [head, ...parts, gpl + readFileSync(join(root, 'tools/licences/GPL-3.0.txt'), 'utf8')].join(RULE)
}

function lgplNote(root: string, chunk: string): string {
  const source = readFileSync(join(root, 'node_modules', LAZY_CHUNK, 'dist/node/openpgp.mjs'), 'utf8')
  const inner = [...new Set([...source.matchAll(/^\/\*! (.+MIT License.+) \*\/$/gm)].map(([, line = '']) => line))]
  return [
    'OpenPGP.js is used under the GNU Lesser General Public License, version 3 or later. It is unchanged.',
    `It is not part of the main bundle: it is the separate file ${chunk}, loaded only when an OpenPGP signature or key is`,
    'read. To use a changed version of the library, install it in its place (npm install) and build again (npm run build),',
    `or replace ${chunk}; Waybill's own sources are under Apache-2.0 and complete for that purpose.`,
    'Waybill does not restrict modification of the library or reverse engineering for debugging such modifications.',
    '',
    'The library itself holds parts of these works:',
    ...inner.map(line => `  ${line}`),
    '',
    readFileSync(join(root, 'tools/licences/MIT.txt'), 'utf8').trim(),
  ].join('\n')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..')
  await writeNotices(root, join(root, 'dist', 'THIRD-PARTY-NOTICES.txt'))
}
