import { latin1 } from '../core/bytes.ts'

/** True when `git archive` would leave files out or change their content because of this `.gitattributes`. */
export function usesExportAttributes(bytes: Uint8Array): boolean {
  return latin1(bytes)
    .split('\n')
    .some(line => !line.trimStart().startsWith('#') && /[ \t](export-ignore|export-subst)([ \t\r=]|$)/.test(line))
}

/**
 * Says what is wrong with a link that could lead out of the tree, or undefined when it cannot.
 * Allowed is `../` as often as the link lies deep, then names only. A `..` *after* a name is refused: when that name is
 * itself a link to somewhere else, `name/..` is not where it seems to be. A climb from the link's own folder is safe,
 * because folders of a tree are never links, and a descent is safe, because every link on the way keeps this rule too.
 * @param path of the link, relative to the root of the tree.
 */
export function checkLinkTarget(path: string, target: string): string | undefined {
  if (target === '') return 'an empty target'
  if (target.includes('\0')) return 'a NUL byte in its target'
  if (target.startsWith('/')) return 'an absolute target'
  const parts = target.split('/').filter(part => part !== '' && part !== '.')
  const climbs = parts.findIndex(part => part !== '..')
  const descent = climbs === -1 ? [] : parts.slice(climbs)
  const climbed = climbs === -1 ? parts.length : climbs
  if (descent.includes('..')) return 'a target with .. after a name'
  if (climbed > path.split('/').length - 1) return 'a target outside the repository'
  if (descent.some(part => part.toLowerCase() === '.git')) return 'a target in .git'
  return undefined
}
