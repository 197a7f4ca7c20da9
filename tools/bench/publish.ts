import { comparePublish, notesOf, rowOf } from './publish-compare.ts'
import { startWorld, stopWorld } from './publish-world.ts'
import type { Row } from './table.ts'

/**
 * Signature and provenance for an image that is in the registry already: the action with `builder: none` against
 * `cosign sign` and `cosign attest`, each run against an image of its own, taking turns.
 */
export async function benchPublish(dist: string, verbose: boolean): Promise<{ rows: readonly Row[]; notes: string[] }> {
  const world = await startWorld()
  try {
    const one = await comparePublish(world, dist, { name: 'image', platforms: ['amd64'], as: 'image' })
    const rows: Row[] = [
      rowOf('sign + publish an image', one.comparable, one, 'goal ≤ 0.25'),
      rowOf('the same with preflight and source', one.withoutReadBack, one),
      rowOf('the same with reading back: the whole process', one.whole, one),
    ]
    return { rows, notes: notesOf('image', one, verbose) }
  } finally {
    await stopWorld(world)
  }
}
