import { LIMITS } from '../../src/core/limits.ts'
import { contentOf } from '../../src/pipeline/lfs-receipt.ts'
import type { ExportedTree } from '../../src/source/export.ts'
import { idOf } from '../policy/world.ts'

const COMMIT = idOf('built')
const OWN = 'https://github.com/acme/app'

test('13-adversary 14: very many files of Git LFS are one entry of the built commit, whosever submodule they lie in', () => {
  const within = { commit: idOf('submodule'), path: 'x.bin' }
  const large = Array.from({ length: LIMITS.lfsListed + 1 }, (_, at) => ({
    oid: String(at).padStart(64, '0'),
    size: at,
    path: `lib/${at}.bin`,
    remote: 'https://github.com/mallory/lib',
    within,
  }))
  const exported = { large, submodules: [] as const } as unknown as ExportedTree
  const [sum, ...more] = contentOf(exported, COMMIT, [], OWN)
  expect(more).toEqual([])
  expect(sum).toMatchObject({ uri: `git+${OWN}@${COMMIT}#*`, annotations: { objects: String(large.length) } })
  const few = { large: large.slice(0, 1), submodules: [] as const } as unknown as ExportedTree
  expect(contentOf(few, COMMIT, [], OWN)).toMatchObject([
    { uri: `git+https://github.com/mallory/lib@${within.commit}#x.bin`, digest: { sha256: '0'.repeat(64) } },
  ])
})
