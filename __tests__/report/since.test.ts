import type { Receipt, SinceReceipt } from '../../src/report/receipt.ts'
import { sincePart } from '../../src/report/since.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { MATERIAL_RECEIPTS } from './material-receipts.ts'
import { digest, RELEASE, without } from './receipts.ts'

const FOUND: SinceReceipt = { state: 'found', image: digest('6'), commit: 'b'.repeat(40), commits: 3, materials: 4 }

test('nobody looked: nothing is said; nothing is there, or it proves nothing: that is said', () => {
  const quiet: Receipt = without(RELEASE, 'since')
  expect(sincePart(quiet, 9)).toBeUndefined()
  expect(sincePart({ ...quiet, since: { state: 'none' } }, 9)).toContain('There is no attested image of this branch')
  expect(sincePart({ ...quiet, since: { state: 'unknown', why: 'registry/unavailable' } }, 9)).toContain(
    'Not known: the record of the last image could not be read, or no run of this branch signed it (`registry/unavailable`).',
  )
})

test.each([
  { given: FOUND, says: '- Commits: 3 new' },
  { given: { ...FOUND, commits: 0 }, says: '- Commits: none' },
  { given: without(FOUND, 'commits'), says: '- Commits: not known, that commit is none of those looked at here' },
  { given: FOUND, says: '- Size: +1.2 MB over 2 platforms' },
] as const)('of $given it says $says', ({ given, says }) => {
  expect(renderSummary({ ...RELEASE, since: given }).split('\n')).toContain(says)
})

test('a base image that changed stands with both digests, and of what was not looked at nothing is claimed', () => {
  const { materials } = MATERIAL_RECEIPTS
  const told = sincePart({ ...materials, since: FOUND }, 9)
  expect(told).toContain(
    '1 has another digest\n  - `docker.io/library/node:24` `sha256:333333333333` → `sha256:444444444444`',
  )
  expect(sincePart({ ...materials, since: { ...FOUND, materials: 0 } }, 9)).toContain(
    'the provenance of that image names none',
  )
  expect(sincePart({ ...RELEASE, since: FOUND }, 9)).toContain('not known, nobody looked at them in this run')
  const same = {
    ...materials.materials,
    items: materials.materials.items.map(item => without(item, 'previous' as never)),
  }
  expect(sincePart({ ...materials, materials: same as never, since: FOUND }, 9)).toContain('none has another digest')
})

test('a size is compared only where both images have the platform', () => {
  if (RELEASE.image === undefined) throw new Error('The release has an image')
  const [first, second] = RELEASE.image.platforms
  if (first === undefined || second === undefined) throw new Error('The release has two platforms')
  const grown = {
    ...RELEASE.image,
    platforms: [{ ...first, previousSize: 32_000_000 }, without(second, 'previousSize')],
  }
  expect(renderSummary({ ...RELEASE, image: grown })).toContain('- Size: −1.0 MB\n')
  const unknown = { ...RELEASE.image, platforms: [without(first, 'previousSize')] }
  expect(renderSummary({ ...RELEASE, image: unknown })).toContain('- Size: not known\n')
})
