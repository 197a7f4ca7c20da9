import { isPrintable } from '../core/text.ts'

/**
 * JSON text in which characters that a terminal or an editor would act on are written as JSON escapes: equal for a machine,
 * harmless for a person.
 */
export function visibleJson(json: string): string {
  return json.replace(/[^\u0020-\u007e\n]/gu, visible)
}

function visible(character: string): string {
  if (isPrintable(character)) return character
  return [...Array(character.length).keys()]
    .map(at => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('')
}
