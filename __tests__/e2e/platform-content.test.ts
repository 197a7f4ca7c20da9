import { jest } from '@jest/globals'
import type { CommitOptions } from '../fakes/repository.ts'
import type { Story } from './platform-story.ts'
import { BUILT, expectPassed, expectStopped, levelsOf, PlatformWorld } from './platform-support.ts'
import { footprint } from './source-support.ts'

jest.setTimeout(120_000)

let on: PlatformWorld
beforeAll(async () => {
  on = await PlatformWorld.start()
})
afterAll(() => on?.close())

const RULES = { platform: 'merge: clean, squash: evidence, content: ["@bots"]' }
const BOT = { author: 'renovate[bot]' }
const update = (version: number): CommitOptions => ({
  message: `Update to ${version}`,
  ...on.byRenovate,
  files: { version: `${version}\n` },
})

async function stopped(story: Story, ...facts: readonly RegExp[]): Promise<void> {
  const before = footprint(on.scenario)
  expectStopped(on, await story.run(), before, 'source/platform-content', 1, ...facts)
}

test('13-adversary 8: a pull request that is a bot’s from the first commit to the last counts as its content, never as signed', async () => {
  const story = on.story('bot', RULES)
  story.merge(story.topic([update(1), update(2)])[1] ?? '', BOT)
  const step = await story.run(BUILT)
  expectPassed(on, step, 'platform', 'platform', 'derived')
  expect(step.result.subjects.slice(0, 2).map(({ principal }) => principal)).toEqual(['renovate', 'renovate'])
  expect(levelsOf(step)).toEqual(['SLSA_SOURCE_LEVEL_UNEVALUATED', 'ORG_SOURCE_COMMITS_ACCEPTED'])
})

test('13-adversary 8: its squash is worth no more than the bot’s content', async () => {
  const story = on.story('bot-squash', RULES)
  story.squash(story.topic([update(1), update(2)])[1] ?? '', BOT)
  const step = await story.run(BUILT)
  expectPassed(on, step, 'platform')
  expect(levelsOf(step)).toEqual(['SLSA_SOURCE_LEVEL_UNEVALUATED', 'ORG_SOURCE_COMMITS_ACCEPTED'])
})

test('13-adversary 8: one commit of somebody else in the bot’s pull request takes it all back, also a signed one', async () => {
  const story = on.story('bot-foreign', RULES)
  const work = { message: 'Help the bot', ...on.by('bob'), files: { help: '1' } }
  story.merge(story.topic([update(1), work, update(2)])[2] ?? '', BOT)
  await stopped(story, /of pull request \d+ is of bob \(102\)/)
})

test('13-adversary 8: an edit by API in the bot’s name, by somebody who is not the bot, does not count', async () => {
  const story = on.story('bot-forged', RULES)
  const head = story.topic([update(1)])[0]
  // The author line says renovate; the platform knows who acted.
  story.merge(head, { ...BOT, commits: [{ oid: head, author: 'mallory', committer: 'mallory' }] })
  await stopped(story, /mallory \(104\)/)
})

test('13-adversary 8: the bot’s commits in a pull request of somebody else do not count', async () => {
  const story = on.story('bot-carried', RULES)
  story.merge(story.topic([update(1)])[0], { author: 'mallory' })
  await stopped(story, /is of mallory \(104\), not renovate\[bot\]/)
})

test('13-adversary 8: a merge that adds to the bot’s pull request is rejected', async () => {
  const story = on.story('bot-evil', RULES)
  const head = story.topic([update(1)])[0]
  story.squash(head, { ...BOT, tree: story.withFile(story.mergedTree(head), 'evil') })
  on.repository.commits.set(story.head, { oid: story.head, author: 'renovate[bot]' })
  await stopped(story, /its tree is not what git itself makes of it/)
})

test('13-adversary 8: an edit straight on the branch came through no pull request', async () => {
  const story = on.story('bot-direct', RULES)
  story.push(update(1))
  on.repository.commits.set(story.head, { oid: story.head, author: 'renovate[bot]' })
  await stopped(story, /it came through no pull request/)
})
