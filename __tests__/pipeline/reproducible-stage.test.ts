import { parseDigest } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import type { AttestPorts, AttestRequest } from '../../src/pipeline/attest-request.ts'
import { type AgainInput, buildAgain } from '../../src/pipeline/reproducible-stage.ts'
import { RunRecord } from '../../src/pipeline/run.ts'
import { StageLog } from '../../src/pipeline/stages.ts'

const DIGEST = parseDigest(`sha256:${'1'.repeat(64)}`)
const record = () => new RunRecord(new StageLog({ clock: () => 0, requests: () => 0, progress: () => {} }))

const ports = {
  folder: () => Promise.reject(fail('core/file-unwritable', 'The disk is full')),
  secondBuilder: () => Promise.reject(fail('build/failed', 'buildx ended with an error')),
  keep: () => Promise.reject(new RangeError('nothing is kept of a build that was not compared')),
} as unknown as AttestPorts

function input(builder: string): AgainInput {
  const history = { fetchTree: async () => undefined, tree: async () => [] }
  return {
    source: { history, commit: { id: 'a'.repeat(40), committer: { time: 1 } } },
    materials: { contexts: new Map(), placed: new Map() },
    built: { result: { builder, digest: DIGEST } },
    image: undefined,
  } as unknown as AgainInput
}

const request = (over: Partial<AttestRequest> = {}) =>
  ({ reproducible: true, sign: true, build: {}, ...over }) as unknown as AttestRequest

test('a second build that cannot be made is unknown, ends nothing and claims nothing', async () => {
  const run = record()
  expect(await buildAgain(request(), ports, input('buildx'), run)).toBeUndefined()
  expect(run.stages.state('reproducible')).toBe('unknown')
  expect(run.error).toBeUndefined()
  const { verdict, reproducible, notChecked } = run.receipt('attest')
  expect(verdict).toBe('unknown')
  expect(reproducible).toMatchObject({ state: 'unknown', platforms: [] })
  expect(reproducible?.findings[0]).toMatchObject({ code: 'build/second-build-failed' })
  expect(reproducible?.findings[0]?.found).toMatch(/\((core\/file-unwritable|build\/failed)\)$/)
  expect(notChecked).toHaveLength(1)
})

test.each([
  ['nobody asked for it', request({ reproducible: undefined } as never), 'buildx'],
  ['Waybill did not build the first', request(), 'layout'],
])('there is no stage where %s', async (_, asked, builder) => {
  const run = record()
  expect(await buildAgain(asked, ports, input(builder), run)).toBeUndefined()
  expect(run.stages.receipts().map(({ name }) => name)).not.toContain('reproducible')
  expect(run.receipt('attest').reproducible).toBeUndefined()
})
