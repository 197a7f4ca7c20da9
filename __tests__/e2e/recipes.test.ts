import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { missingLine, readRecipe } from './recipe-blocks.ts'
import { SITUATIONS } from './recipe-situations.ts'
import { carryOut } from './recipe-workflow.ts'
import { openRecipeWorld, type RecipeWorld } from './recipe-world.ts'

jest.setTimeout(120_000)

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'recipes')
const RECIPES = readdirSync(FOLDER).filter(name => /^(?:check|update)-/.test(name))

/** What a page does with something that passed, and must not do with anything else. */
const USES = /\b(kubectl apply|docker compose|oras cp|aws s3 sync incoming) /

test('there is a recipe for each of the three moments, and one for what goes in', () => {
  const checks = ['check-at-deploy.md', 'check-at-upload.md', 'check-where-it-runs.md']
  expect(RECIPES).toEqual([...checks, 'update-materials.md'])
})

describe.each(RECIPES)('%s', name => {
  const { policy, actions } = readRecipe(join(FOLDER, name))
  let world: RecipeWorld

  beforeAll(async () => {
    world = await openRecipeWorld(policy)
    await SITUATIONS.before?.(world)
  })

  afterAll(() => world.close())

  // One after the other: a page is a story, and each block finds what those before it left behind.
  test.each(actions.map(action => [`${action.kind} of line ${action.line}`, action] as const))(
    'what %s does is what it says',
    async (_title, action) => {
      const { line, text, exit, when, shown } = action
      if (when !== undefined) await situation(when)(world)
      const before = world.calls().length
      const { code, log } = await carryOut(world, action)
      const actual = world.shown(log)
      if (process.env.SHOW_RECIPES !== undefined) process.stderr.write(`== ${name}:${line} exit ${code}\n${actual}\n`)
      expect({ code, log: code === exit ? '' : actual }).toEqual({ code: exit, log: '' })
      const used = world.calls().slice(before)
      expect(used.some(call => USES.test(call))).toBe(exit === 0 && USES.test(text))
      if (shown !== undefined)
        expect({ missing: missingLine(shown, actual), actual }).toEqual({ missing: undefined, actual })
    },
  )
})

function situation(name: string): (world: RecipeWorld) => Promise<void> {
  const found = SITUATIONS[name]
  if (found === undefined) throw new Error(`There is no situation ${name}`)
  return found
}

describe('readRecipe()', () => {
  const page = (markdown: string) => {
    const path = join(mkdtempSync(join(tmpdir(), 'waybill-recipe-')), 'page.md')
    writeFileSync(path, `\`\`\`yaml policy\ndeploy: []\n\`\`\`\n\n${markdown}`)
    return () => readRecipe(path)
  }

  test.each([
    ['of another language', '```js\nx\n```\n'],
    ['of no language', '```\nwaybill --version\n```\n'],
    ['without an exit code', '```sh\nwaybill --version\n```\n'],
    ['that shows the output of nothing', '```text\npassed\n```\n'],
    ['that is indented', '- one\n\n  ```sh exit=0\n  waybill --version\n  ```\n'],
    ['that does not end', '```sh exit=0\nwaybill --version\n'],
  ])('refuses a block %s: nothing would carry it out', (_name, markdown) => {
    expect(page(markdown)).toThrow()
  })

  test('takes commands, workflows and what they print, also once more under other circumstances', () => {
    const { actions } = page('```sh exit=0\na\n```\n\n```text\none\n```\n\n```text exit=1 when=b\ntwo\n```\n')()
    expect(actions.map(({ text, exit, when, shown }) => [text, exit, when, shown])).toEqual([
      ['a\n', 0, undefined, 'one\n'],
      ['a\n', 1, 'b', 'two\n'],
    ])
  })
})

test.each([
  ['a\nb\n', undefined],
  ['a\n…\nd\n', undefined],
  ['b\n', 'b'],
  ['a\nc\n', 'c'],
  ['a\n…\ne\n', 'e'],
])('missingLine(%j) compares with all that came', (shown, missing) => {
  expect(missingLine(shown, 'a\nb\nc\nd\n')).toBe(missing)
})

test('no other page of the recipes has a block that nobody carries out', () => {
  const others = readdirSync(FOLDER).filter(name => !RECIPES.includes(name))
  for (const name of others) expect(readFileSync(join(FOLDER, name), 'utf8')).not.toMatch(/^\s*(```|~~~)/m)
})
