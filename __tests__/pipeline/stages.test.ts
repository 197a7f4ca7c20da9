import { fail } from '../../src/core/error.ts'
import { STAGES } from '../../src/core/stage.ts'
import { StageLog } from '../../src/pipeline/stages.ts'

function log(): { stages: StageLog; ask: (count: number) => void } {
  let requests = 0
  let time = 0
  const stages = new StageLog({ clock: () => (time += 5), requests: () => requests, progress: () => {} })
  return { stages, ask: count => (requests += count) }
}

test('StageLog tells every stage in order, those never begun as not-reached', async () => {
  const { stages } = log()
  await stages.run('preflight', undefined, async () => ({ state: 'passed', value: 1 }))
  stages.notAsked('materials')
  const states = Object.fromEntries(stages.receipts().map(stage => [stage.name, stage.state]))
  expect(Object.keys(states)).toEqual(STAGES.filter(name => name !== 'files' && name !== 'reproducible'))
  expect(states).toMatchObject({ preflight: 'passed', materials: 'not-asked', tags: 'not-reached' })
})

test.each([
  { kind: 'rejected', state: 'rejected' },
  { kind: 'unknown', state: 'unknown' },
  { kind: 'configuration', state: 'unknown' },
] as const)('StageLog records a thrown $kind error as $state and throws it on', async ({ kind, state }) => {
  const { stages } = log()
  const error = fail('core/internal', 'x', { kind })
  await expect(stages.run('build', undefined, () => Promise.reject(error))).rejects.toBe(error)
  expect(stages.state('build')).toBe(state)
})

test('the verdict is the worst of all asked stages, whatever their mode (13-adversary 41)', async () => {
  const { stages } = log()
  await stages.run('source', 'audit', async () => ({ state: 'rejected', value: 1 }))
  await stages.run('tags', undefined, async () => ({ state: 'passed', value: 1 }))
  expect(stages.verdict()).toBe('rejected')
})

test('a run in which nothing was asked is unknown, never passed (13-adversary 38)', () => {
  const { stages } = log()
  stages.notAsked('source')
  expect(stages.verdict()).toBe('unknown')
})

test('requests are counted by stage', async () => {
  const { stages, ask } = log()
  await stages.run('publish', undefined, async () => {
    ask(12)
    return { state: 'passed', value: 1 }
  })
  expect(stages.requests()).toEqual({ publish: 12 })
})
