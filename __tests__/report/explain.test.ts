import type { Finding } from '../../src/core/verdict.ts'
import { explain } from '../../src/report/explain.ts'
import type { Explained, ExplainedStep } from '../../src/report/explain-case.ts'
import { readStory, storyFolders, tell } from '../policy/stories.ts'
import { idOf } from '../policy/world.ts'

/** Every commit of a story, explained. */
function explained(folder: string) {
  const watched: Omit<Explained, 'id' | 'end'>[] = []
  const end = tell(folder, readStory(folder), false, step => watched.push(step))
  return watched.flatMap(item =>
    [...item.step.broughtIn, item.step.commit].map(({ id }) => {
      const steps = explain({ ...item, id, end })
      const final = end.commits.find(commit => commit.id === id)
      if (steps === undefined || final === undefined) throw new Error(`There is no explanation of ${id}`)
      return { steps, final }
    }),
  )
}

const tells =
  ({ code, message }: Finding) =>
  (step: ExplainedStep) =>
    step.text.startsWith(`${code}: ${message}`)

test.each(storyFolders())('explain() tells every finding of the story %s once, and ends with its verdict', folder => {
  for (const { steps, final } of explained(folder)) {
    expect(steps[0]?.step).toBe('commit')
    expect(steps.at(-1)).toMatchObject({ step: 'verdict', outcome: final.outcome })
    for (const finding of final.findings) expect(steps.filter(tells(finding))).toHaveLength(1)
    const against = steps.slice(0, -1).filter(({ outcome }) => outcome === 'rejected' || outcome === 'unknown')
    if (final.outcome !== 'passed') expect(against.length).toBeGreaterThan(0)
    if (final.outcome === 'passed' && final.basis !== 'excepted') expect(against).toEqual([])
  }
})

test('explain() tells what the platform and our own merge say', () => {
  const texts = storyFolders().flatMap(folder =>
    explained(folder).flatMap(({ steps }) => steps.map(({ text }) => text)),
  )
  for (const words of [
    /^the platform says: author /,
    /^our own merge of its parents: the same tree$/,
    /^our own merge of its parents: another tree/,
    /^pull request \d+: \d+ commits up to .*; squash: /,
    /^made of nothing but \d+ judged commits/,
    /^the platform could not be asked: /,
    / asks for 1 approval of /,
    /^signed-by-reviewer, by /,
    /^platform-recorded, by /,
    /^changes the policy \(.*accepted from here on$/,
    / excepts it: /,
  ])
    expect(texts).toContainEqual(expect.stringMatching(words))
})

test('explain() has nothing to say about a commit of another step', () => {
  const [folder = ''] = storyFolders()
  tell(folder, readStory(folder), false, step => {
    const end = tell(folder, readStory(folder))
    expect(explain({ ...step, id: idOf('nobody'), end })).toBeUndefined()
  })
})
