import { join } from 'node:path'
import { jest } from '@jest/globals'
import { missingLine, readRecipe } from './recipe-blocks.ts'
import { SITUATIONS } from './recipe-situations.ts'
import { carryOut } from './recipe-workflow.ts'
import { openRecipeWorld, type RecipeWorld } from './recipe-world.ts'

jest.setTimeout(120_000)

// What is not carried out is read by __tests__/docs-materials.test.ts.
const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'materials.md')
const { policy, actions } = readRecipe(PAGE, ['yaml policy-part', 'yaml manifest', 'yaml step'])

let world: RecipeWorld

beforeAll(async () => {
  world = await openRecipeWorld(policy)
  await SITUATIONS.before?.(world)
})

afterAll(() => world.close())

// One after the other: the page is a story.
test.each(actions.map(action => [`${action.kind} of line ${action.line}`, action] as const))(
  'what %s of docs/materials.md does is what it says',
  async (_title, action) => {
    const { exit, when, shown } = action
    if (when !== undefined) await SITUATIONS[when]?.(world)
    const { code, log } = await carryOut(world, action)
    const actual = world.shown(log)
    expect({ code, log: code === exit ? '' : actual }).toEqual({ code: exit, log: '' })
    if (shown !== undefined)
      expect({ missing: missingLine(shown, actual), actual }).toEqual({ missing: undefined, actual })
  },
)
