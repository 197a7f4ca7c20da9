import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { objectionsTo } from './contents.ts'
import { readTarball } from './tarball.ts'

export interface PackOptions {
  /** The checkout that is packed, with its `dist/`. */
  readonly root: string
  /** Where the tarball is written. */
  readonly out: string
  /** Under which name it is published; without one it stays `private`, and npm itself refuses to publish it. */
  readonly name?: string
  /** `https://github.com/owner/name`, which provenance is compared with. */
  readonly repository?: string
}

export interface Packed {
  readonly path: string
  readonly manifest: Readonly<Record<string, unknown>>
}

/** What is copied as it is. `dist` is bundled, so nothing else is needed to run. */
const CONTENT = ['dist', 'schemas', 'README.md', 'CHANGELOG.md', 'LICENSE'] as const

/** A scope and a name, or a name (the rules of the registry for new packages). */
const PACKAGE_NAME = /^(?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/

/** The manifest of the package: without what only development needs, above all without scripts and dependencies. */
export function manifestOf(text: string, { name, repository }: Pick<PackOptions, 'name' | 'repository'>) {
  const own = JSON.parse(text) as Readonly<Record<string, unknown>>
  if (name !== undefined && !PACKAGE_NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a package`)
  const { version, description, license, type, engines, bin } = own
  return {
    name: name ?? own.name,
    version,
    ...(name === undefined ? { private: true } : {}),
    description,
    license,
    ...(repository === undefined ? {} : { repository: { type: 'git', url: `git+${repository}.git` } }),
    type,
    engines,
    bin,
    files: ['dist', 'schemas', 'CHANGELOG.md'],
  }
}

/**
 * Packs twice, from two folders, and keeps the tarball when both are the same and nothing in it is out of place.
 * @throws with every objection, or with the last words of `npm pack`.
 */
export function pack(options: PackOptions): Packed {
  const { root, out } = options
  const manifest = manifestOf(readFileSync(join(root, 'package.json'), 'utf8'), options)
  const packed = [1, 2].map(() => packOnce(root, manifest))
  const [first, second] = packed
  if (first === undefined || second === undefined || !first.bytes.equals(second.bytes))
    throw new Error('The same files were packed to other bytes')
  const objections = objectionsTo(readTarball(first.bytes), [root, homedir(), tmpdir()])
  if (objections.length > 0) throw new Error(`The package cannot be released:\n  ${objections.join('\n  ')}`)
  mkdirSync(out, { recursive: true })
  const path = join(out, first.file)
  writeFileSync(path, first.bytes)
  return { path, manifest }
}

function packOnce(root: string, manifest: object): { readonly file: string; readonly bytes: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-pack-'))
  try {
    for (const name of CONTENT) cpSync(join(root, name), join(folder, 'package', name), { recursive: true })
    writeFileSync(join(folder, 'package', 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    const args = [
      'pack',
      '--json',
      '--ignore-scripts',
      '--offline',
      '--no-update-notifier',
      '--pack-destination',
      folder,
    ]
    // With a home of its own, so that no setting of whoever runs it counts, and nothing of him is read.
    const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`, HOME: folder }
    const run = spawnSync('npm', args, { cwd: join(folder, 'package'), env, encoding: 'utf8' })
    if (run.status !== 0) throw new Error(`npm pack failed:\n${run.error?.message ?? run.stderr}`)
    const [{ filename }] = JSON.parse(run.stdout) as [{ filename: string }]
    return { file: filename, bytes: readFileSync(join(folder, filename)) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
