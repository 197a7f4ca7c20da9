/** A file that says what a package manager fetches: the build may use it, and nobody here checks what it names. */
export interface LockFile {
  readonly path: string
  readonly manager: string
}

/** Names as their managers write them; compared in lower case, because some file systems do. */
const MANAGERS: Readonly<Record<string, string>> = {
  'package-lock.json': 'npm',
  'npm-shrinkwrap.json': 'npm',
  'yarn.lock': 'Yarn',
  'pnpm-lock.yaml': 'pnpm',
  'bun.lock': 'Bun',
  'bun.lockb': 'Bun',
  'deno.lock': 'Deno',
  'pipfile.lock': 'Pipenv',
  'poetry.lock': 'Poetry',
  'uv.lock': 'uv',
  'pdm.lock': 'PDM',
  'pylock.toml': 'pip',
  'conda-lock.yml': 'conda',
  'go.sum': 'Go',
  'cargo.lock': 'Cargo',
  'gemfile.lock': 'Bundler',
  'composer.lock': 'Composer',
  'packages.lock.json': 'NuGet',
  'gradle.lockfile': 'Gradle',
  'verification-metadata.xml': 'Gradle',
  'pom.xml': 'Maven',
  'mix.lock': 'Mix',
  'pubspec.lock': 'Pub',
  'package.resolved': 'Swift',
  'podfile.lock': 'CocoaPods',
  'flake.lock': 'Nix',
  'chart.lock': 'Helm',
  'conan.lock': 'Conan',
}

/** `requirements.txt`, `requirements-dev.txt`, `dev-requirements.txt`, `requirements/base.txt`. */
const REQUIREMENTS = /(?:^|\/)(?:[^/]*requirements[^/]*|requirements\/[^/]+)\.txt$/i

/** At most this many are named; a monorepo has one for each package. */
const MAX_NAMED = 100

/**
 * What package managers would read in a context, for the summary’s "not checked" (4-materials § 2).
 * @param paths of files, `/` between their parts. @returns sorted by path; `more`: how many are not named.
 */
export function lockFilesIn(paths: Iterable<string>): { readonly found: readonly LockFile[]; readonly more: number } {
  const all: LockFile[] = []
  for (const path of paths) {
    const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
    // What is installed already carries lock files of its own.
    if (/(?:^|\/)(?:node_modules|vendor|\.git)\//.test(path)) continue
    const manager = Object.hasOwn(MANAGERS, name) ? MANAGERS[name] : REQUIREMENTS.test(path) ? 'pip' : undefined
    if (manager !== undefined) all.push({ path, manager })
  }
  all.sort((a, b) => (a.path < b.path ? -1 : 1))
  return { found: all.slice(0, MAX_NAMED), more: Math.max(0, all.length - MAX_NAMED) }
}
