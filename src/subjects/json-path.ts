import { isPrintable, printable } from '../core/text.ts'

/** `spec.containers[0].image`; keys that are not plain words in brackets: `metadata.annotations["a.b/c"]`. */
export function keyPath(parent: string, key: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(key)) return parent === '' ? key : `${parent}.${key}`
  // A key is chosen by whoever wrote the file and is shown to people.
  return `${parent}[${JSON.stringify(isPrintable(key) ? key : printable(key, 200))}]`
}

export function itemPath(parent: string, index: number): string {
  return `${parent}[${index}]`
}
