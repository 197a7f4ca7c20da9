import { fail } from '../../src/core/error.ts'
import { RunRecord } from '../../src/pipeline/run.ts'
import { StageLog } from '../../src/pipeline/stages.ts'

async function passed(): Promise<RunRecord> {
  const record = new RunRecord(new StageLog({ clock: () => 0, progress: () => {}, requests: () => 0 }))
  await record.stages.run('source', 'enforce', async () => ({ state: 'passed', value: undefined }))
  return record
}

test('13-adversary 38: a run that ended with an error did not pass, whatever its stages say', async () => {
  expect((await passed()).receipt('attest').verdict).toBe('passed')
  const unknown = await passed()
  unknown.fail(fail('core/unreachable', 'The registry did not answer'))
  expect(unknown.receipt('attest').verdict).toBe('unknown')
  const rejected = await passed()
  rejected.fail(fail('policy/no-rule', 'No rule', { kind: 'rejected' }))
  expect(rejected.receipt('attest').verdict).toBe('rejected')
})
