import type { Comparison } from './compare.ts'
import type { Inspection } from './inspection.ts'
import { visibleJson } from './visible-json.ts'

/** `{schemaVersion, command, data}` of 1-product § 8: there is no verdict of `inspect`, only the gate's beside it. */
export function inspectionJson(images: readonly Inspection[], changes?: Comparison): string {
  const data = { images, ...(changes === undefined ? {} : { changes }) }
  return `${visibleJson(JSON.stringify({ schemaVersion: 1, command: 'inspect', data }, null, 2))}\n`
}
