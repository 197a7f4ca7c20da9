import { fail } from '../core/error.ts'
import { isPrintable } from '../core/text.ts'
import { holdsKnownSecret, looksLikeSecret, namedLikeSecret } from './secret-detector.ts'

/**
 * One value that is about to be recorded for everybody to read.
 * @param what `build argument`, `label`: as the message names it. Only the name is ever shown: the value may be the secret.
 * @param secrets values this run knows to be secret.
 * @throws `build/request-malformed`, `build/argument-secret`
 */
export function checkRecordedValue(what: string, name: string, value: string, secrets: readonly string[]): void {
  if (!isPrintable(value.replaceAll('\t', ' ')))
    throw fail('build/request-malformed', `The ${what} ${name} has a value with control characters`, {
      expected: 'text on one line',
    })
  const kind = holdsKnownSecret(value, secrets)
    ? 'a secret of this run'
    : (looksLikeSecret(value) ?? namedLikeSecret(name, value))
  if (kind === undefined) return
  throw fail('build/argument-secret', `The ${what} ${name} holds ${kind}`, {
    expected: `a ${what} that everybody may read`,
    found: kind,
    remedy: REMEDIES[what] ?? IMAGE_REMEDY(name),
  })
}

export const DISPATCH_INPUT = 'dispatch input'

const REMEDIES: Readonly<Record<string, string>> = {
  [DISPATCH_INPUT]:
    'Take its name out of record-inputs: what is recorded is public for ever. Replace the secret; it stands in the event of the run.',
}

const IMAGE_REMEDY = (name: string): string =>
  `Remove ${name}: everybody who can pull the image can read it there; a RUN step gets it by the input secrets. If an image was ever built with it, replace it.`
