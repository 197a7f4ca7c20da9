// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Dockerfiles
import fc from 'fast-check'
import { WaybillError } from '../../../src/core/error.ts'
import { readDockerfile } from '../../../src/materials/dockerfile/instructions.ts'
import type { Pull, PullOptions } from '../../../src/materials/dockerfile/pull.ts'
import { pullsOf } from '../../../src/materials/dockerfile/pulls.ts'

const OPTIONS: PullOptions = {
  buildArgs: new Map(),
  contexts: new Map(),
  buildPlatform: 'linux/amd64',
  targetPlatform: 'linux/arm64',
}

async function pulls(text: string, over: Partial<PullOptions> = {}): Promise<readonly Pull[]> {
  return pullsOf(readDockerfile(new TextEncoder().encode(text)), { ...OPTIONS, ...over })
}

test('any text is a list of pulls or a typed error', async () => {
  const word = fc.constantFrom(
    'FROM ',
    'a',
    ' AS b',
    '\n',
    'COPY --from=',
    'RUN --mount=',
    'ARG ',
    '$x',
    '${',
    '}',
    '"',
    '\\',
    '<<E',
    '#',
    '=',
    'ADD ',
    '[',
    ' ',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 40 }), async words => {
      try {
        expect(Array.isArray(await pulls(words.join('')))).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})
