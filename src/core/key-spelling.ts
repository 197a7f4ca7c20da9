import { isObject, type Json } from './json.ts'

/**
 * Go's JSON finds a field by its name in any case of letters and lets the last one win, so `Manifests` beside `manifests` is one
 * list to us and another to whoever pulls (13-adversary 21). Source: Go `encoding/json` § Unmarshal.
 * @param names fields that mean something. @param free fields below which keys are anybody's own.
 * @returns the first key that is one of the names but for its letters, at any depth.
 */
export function respelledKey(
  value: Json,
  names: ReadonlySet<string>,
  free: ReadonlySet<string> = new Set(),
): string | undefined {
  const meant = new Map([...names].map(name => [folded(name), name]))
  const open: Json[] = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (Array.isArray(next)) open.push(...(next as readonly Json[]))
    else if (isObject(next))
      for (const [key, inner] of Object.entries(next)) {
        const name = meant.get(folded(key))
        if (name !== undefined && name !== key) return key
        if (!free.has(key)) open.push(inner)
      }
  }
  return undefined
}

/** As Go folds: the long s and the sign of Kelvin are letters, too. */
function folded(text: string): string {
  return text.toUpperCase().toLowerCase()
}
