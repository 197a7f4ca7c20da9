import type { Place } from '../subjects/place.ts'

/**
 * `deploy/app.yaml:12 spec.containers[0].image`; the document where a file holds several; `default/web-1 containers[app]` in a
 * cluster. Not yet safe for anything.
 */
export function placeText({ file, document, path, line, pod }: Place): string {
  if (pod === true) return `${file} ${path}`
  const where = file === '-' ? 'standard input' : file
  const which = document > 1 ? ` (document ${document})` : ''
  return `${where}:${line}${which} ${path}`
}

/** The file, where it is one that a runner or an editor finds: relative, and not above where the run stands. */
export function fileOf({ file, pod }: Place): string | undefined {
  if (pod === true) return undefined
  const path = file.replace(/^(?:\.\/)+/, '')
  const outside = path === '' || path === '-' || /^(?:[A-Za-z]:)?[/\\]/.test(path) || path.split(/[/\\]/).includes('..')
  return outside ? undefined : path
}

/** Lines count from 1. */
export function lineOf({ line }: Place): number | undefined {
  return Number.isSafeInteger(line) && line >= 1 ? line : undefined
}
