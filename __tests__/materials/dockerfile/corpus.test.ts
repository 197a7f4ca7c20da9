import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { WaybillError } from '../../../src/core/error.ts'
import { readDockerfile } from '../../../src/materials/dockerfile/instructions.ts'
import { pullsOf } from '../../../src/materials/dockerfile/pulls.ts'
import { readBase } from '../../../src/materials/dockerfile/triggers.ts'

const VECTORS = join(import.meta.dirname, '../../vectors/dockerfile')
const NAMES = readdirSync(VECTORS)

interface Expected {
  readonly buildArgs?: Readonly<Record<string, string>>
  readonly contexts?: Readonly<Record<string, string>>
  readonly target?: string
  /** Source of a base image → `config` of its configuration. */
  readonly bases?: Readonly<Record<string, Parameters<typeof readBase>[0]>>
  readonly pulls?: readonly unknown[]
  readonly refused?: string
}

test('the corpus has at least 60 Dockerfiles', () => {
  expect(NAMES.length).toBeGreaterThanOrEqual(60)
})

test.each(NAMES)('what the Dockerfile %s pulls in', name => {
  const expected = JSON.parse(readFileSync(join(VECTORS, name, 'expected.json'), 'utf8')) as Expected
  const { buildArgs = {}, contexts = {}, target, bases, pulls, refused } = expected
  const run = () =>
    pullsOf(readDockerfile(readFileSync(join(VECTORS, name, 'Dockerfile'))), {
      buildArgs: new Map(Object.entries(buildArgs)),
      contexts: new Map(Object.entries(contexts)),
      ...(target === undefined ? {} : { target }),
      buildPlatform: 'linux/amd64',
      targetPlatform: 'linux/arm64',
      bases: ({ source = '' }) => (bases === undefined ? undefined : readBase(bases[source] ?? {})),
    })
  expect((pulls === undefined) !== (refused === undefined)).toBe(true)
  if (refused === undefined) expect(run()).toEqual(pulls)
  else expect(codeOf(run)).toBe(refused)
})

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(WaybillError)
    return error instanceof WaybillError ? error.code : undefined
  }
}
