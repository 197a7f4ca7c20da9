import { Matrix } from './matrix.ts'
import { type KeyFiles, makeKey } from './signing.ts'
import { openWorld, type World } from './world.ts'

/** The real services, a key that counts and one that does not. */
export interface KeyedWorld {
  readonly world: World
  readonly key: KeyFiles
  readonly strangersKey: KeyFiles
}

/**
 * Opens a world before the tests of a file and closes it after them; what they saw is written down as the file's matrix.
 * @param opened is given the world before the first test.
 */
export function withKeyedWorld(name: string, opened: (made: KeyedWorld) => void): Matrix {
  const matrix = new Matrix(name)
  let world: World | undefined
  beforeAll(async () => {
    world = await openWorld()
    opened({ world, key: await makeKey(world, 'alice'), strangersKey: await makeKey(world, 'mallory') })
  })
  afterAll(async () => {
    matrix.write()
    await world?.close()
  })
  return matrix
}
