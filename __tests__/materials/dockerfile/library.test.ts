import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DockerfileParser } from 'dockerfile-ast'
import { WaybillError } from '../../../src/core/error.ts'
import { readDockerfile } from '../../../src/materials/dockerfile/instructions.ts'

const VECTORS = join(import.meta.dirname, '../../vectors/dockerfile')

/** Where the library differs from BuildKit, of which each vector says how it reads the file (decision 0016). */
const DIFFER = ['escape-unknown-before', 'heredoc-not', 'heredoc-spaces', 'two-backslashes']

test('a second reader finds the same instructions in all Dockerfiles but those of which it is known that it does not', () => {
  const differ = readdirSync(VECTORS).filter(name => {
    const bytes = readFileSync(join(VECTORS, name, 'Dockerfile'))
    const own = ownReading(bytes)
    return own !== undefined && own.join('\n') !== libraryReading(bytes.toString('utf8')).join('\n')
  })
  expect(differ.sort()).toEqual(DIFFER)
})

/** `3 COPY` for each instruction, or undefined for a file that is refused. */
function ownReading(bytes: Uint8Array): readonly string[] | undefined {
  try {
    return readDockerfile(bytes).instructions.map(({ line, keyword }) => `${line} ${keyword}`)
  } catch (error) {
    expect(error).toBeInstanceOf(WaybillError)
    return undefined
  }
}

function libraryReading(text: string): readonly string[] {
  const parsed = DockerfileParser.parse(text).getInstructions()
  return parsed.map(one => `${one.getRange().start.line + 1} ${one.getKeyword().toUpperCase()}`)
}
