/** Identifiers of semver 2.0.0, items 2 and 9; no build metadata, which neither a tag of npm nor an order has a place for. */
const VERSION = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-((?:[0-9A-Za-z-]+)(?:\.[0-9A-Za-z-]+)*))?$/

export interface Version {
  readonly text: string
  readonly numbers: readonly [major: number, minor: number, patch: number]
  /** Empty for what is meant for everybody. */
  readonly prerelease: readonly string[]
}

export interface Release {
  readonly version: string
  /** `v1`: the tag that follows it; none for a prerelease. */
  readonly majorTag: string | undefined
  /** The dist-tag under which a package registry offers it: who asks for nothing never gets a prerelease. */
  readonly distTag: 'latest' | 'next'
}

/** @returns the version, or nothing where the text is none. */
export function readVersion(text: string): Version | undefined {
  const [matched, major, minor, patch, prerelease = ''] = VERSION.exec(text) ?? []
  if (matched === undefined) return undefined
  const identifiers = prerelease === '' ? [] : prerelease.split('.')
  if (identifiers.some(identifier => /^0\d+$/.test(identifier))) return undefined
  return { text, numbers: [Number(major), Number(minor), Number(patch)], prerelease: identifiers }
}

/**
 * What a pushed tag releases.
 * @param declared the version in package.json. @throws when the tag is no `v` and a version, or another one.
 */
export function releaseOf(tag: string, declared: string): Release {
  const version = tag.startsWith('v') ? readVersion(tag.slice(1)) : undefined
  if (version === undefined) throw new Error(`${JSON.stringify(tag)} is no tag of a release: v1.2.3 or v1.2.3-rc.1`)
  if (version.text !== declared) throw new Error(`The tag says ${version.text}, package.json ${declared}`)
  const stable = version.prerelease.length === 0
  return {
    version: version.text,
    majorTag: stable ? `v${version.numbers[0]}` : undefined,
    distTag: stable ? 'latest' : 'next',
  }
}

/** Precedence of semver 2.0.0, item 11. @returns below 0 when `a` comes before `b`. */
export function compareVersions(a: Version, b: Version): number {
  for (const at of [0, 1, 2] as const) {
    const difference = a.numbers[at] - b.numbers[at]
    if (difference !== 0) return difference
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) return b.prerelease.length - a.prerelease.length
  for (const [at, mine] of a.prerelease.entries()) {
    const theirs = b.prerelease[at]
    if (theirs === undefined) return 1
    const difference = compareIdentifiers(mine, theirs)
    if (difference !== 0) return difference
  }
  return a.prerelease.length - b.prerelease.length
}

function compareIdentifiers(a: string, b: string): number {
  const [numeric, other] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (numeric && other) return Number(a) - Number(b)
  if (numeric !== other) return numeric ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}
