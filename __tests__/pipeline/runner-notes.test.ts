import { runnerNotes } from '../../src/pipeline/runner-notes.ts'

test('13-adversary 40: the summary tells where each part was built, and when that costs the level', () => {
  expect(runnerNotes(undefined)).toEqual([])
  expect(runnerNotes({ 'linux/amd64': 'ubuntu-24.04' })).toEqual([
    'The parts were built on: linux/amd64 on ubuntu-24.04.',
  ])
  const [note = ''] = runnerNotes({ 'linux/amd64': 'ubuntu-24.04', 'linux/arm64': 'own' })
  expect(note).toContain('linux/arm64 on own, so Build L3 is not claimed')
  expect(note).not.toContain('vouch for linux/amd64')
})
