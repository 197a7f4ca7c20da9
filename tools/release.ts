const DEVELOPMENT = 'export const RELEASE_BUILD = false'
const RELEASE = 'export const RELEASE_BUILD = true'

/**
 * The compiled `entry/version.js` of a release (13-adversary 44).
 * @throws when the constant is not there: a release that believes to be none would sign with names that nobody owns.
 */
export function asRelease(compiled: string): string {
  if (compiled.split(DEVELOPMENT).length !== 2) throw new Error('lib/entry/version.js does not say what build it is')
  return compiled.replace(DEVELOPMENT, RELEASE)
}
