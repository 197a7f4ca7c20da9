import type { BuildResult } from '../../src/build/builder.ts'
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

describe('of parts that other jobs built', () => {
  const manifest = parseDigest(`sha256:${'2'.repeat(64)}`)
  const platform = 'linux/arm64'
  const planned = request({ planned: {} as never })
  const kept: string[] = []
  const keeping = { ...ports, keep: async (name: string) => kept.push(name) } as unknown as AttestPorts
  const with_ = (rebuilt: BuildResult['rebuilt']): AgainInput => {
    const given = input('buildx')
    return {
      ...given,
      built: { ...given.built, result: { ...given.built.result, rebuilt } },
      image: { platforms: [{ platform, digest: manifest }] },
    } as unknown as AgainInput
  }

  test('it is claimed where each job says so, and that the word is theirs is told', async () => {
    const run = record()
    const claimed = await buildAgain(planned, keeping, with_([{ platform, state: 'passed', manifest }]), run)
    expect([claimed?.digest, kept]).toEqual([expect.stringMatching(/^sha256:/), ['waybill-comparison.json']])
    const { reproducible, notices } = run.receipt('attest')
    expect(reproducible).toEqual({
      state: 'passed',
      platforms: [{ platform, first: manifest, second: manifest, differences: [] }],
      findings: [],
    })
    expect(notices.join(' ')).toContain('what the jobs say that built them')
  })

  test.each([
    ['no job says anything', undefined, 'unknown', 'build/second-build-failed'],
    [
      'one job says nothing',
      [{ platform, state: 'unknown', manifest, why: 'nobody' }],
      'unknown',
      'build/second-build-failed',
    ],
    ['one job gave another image', [{ platform, state: 'rejected', manifest }], 'rejected', 'build/not-reproducible'],
  ] as const)('nothing is claimed where %s', async (_, rebuilt, state, code) => {
    const run = record()
    expect(await buildAgain(planned, ports, with_(rebuilt), run)).toBeUndefined()
    const { reproducible, verdict } = run.receipt('attest')
    expect([reproducible?.state, verdict]).toEqual([state, state])
    expect(reproducible?.findings.map(finding => finding.code)).toEqual([code])
  })
})
