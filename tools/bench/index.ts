import { type Compared, comparePublish, notesOf, percent, rowOf } from './publish-compare.ts'
import { startWorld, stopWorld } from './publish-world.ts'
import { type Row, seconds } from './table.ts'

const PLATFORMS = ['amd64', 'arm64', 'ppc64le', 's390x'] as const

/**
 * Signature and provenance for an index of one platform and for one of four: the action, which signs the index and lists its
 * platforms as subjects, against `cosign sign --recursive` and `cosign attest` of the index and each platform.
 */
export async function benchIndex(dist: string, verbose: boolean): Promise<{ rows: readonly Row[]; notes: string[] }> {
  const world = await startWorld()
  try {
    const one = await comparePublish(world, dist, { name: 'one', platforms: PLATFORMS.slice(0, 1), as: 'index' })
    const four = await comparePublish(world, dist, { name: 'four', platforms: PLATFORMS, as: 'index' })
    const rows: Row[] = [
      rowOf('sign + publish an index of 1 platform', one.comparable, one),
      rowOf('sign + publish an index of 4 platforms', four.comparable, four, 'goal ≤ 0.25'),
      growth('index, 1 → 4 platforms (goal < 10 %)', one, four, ({ comparable }) => comparable),
      growth('the same, the whole process', one, four, ({ whole }) => whole),
    ]
    return {
      rows,
      notes: [...notesOf('index of 1 platform', one, verbose), ...notesOf('index of 4 platforms', four, verbose)],
    }
  } finally {
    await stopWorld(world)
  }
}

function growth(name: string, one: Compared, four: Compared, of: (compared: Compared) => number): Row {
  const text = (from: number, to: number) => `${seconds(from)} → ${seconds(to)}: ${percent((to / from - 1) * 100)}`
  return { case: name, waybill: text(of(one), of(four)), peer: `${text(one.theirs, four.theirs)} (cosign)` }
}
