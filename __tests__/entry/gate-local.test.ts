import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hexOf, parseDigest } from '../../src/core/digest.ts'
import { openLocalEvidence } from '../../src/entry/gate-local.ts'
import { parseReference } from '../../src/registry/reference.ts'
import { writeLayout } from '../fakes/layout.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gate-local-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A layout of one image whose entry has this name. @returns folder and digest. */
function layout(content: string, name: string) {
  const written = writeLayout(join(folder, content), { content })
  const path = join(written.folder, 'index.json')
  const index = JSON.parse(readFileSync(path, 'utf8'))
  const [entry] = index.manifests
  const annotations = { 'org.opencontainers.image.ref.name': name }
  writeFileSync(path, JSON.stringify({ ...index, manifests: [{ ...entry, annotations }] }))
  return written
}

async function digestOf(text: string, ...layouts: readonly { folder: string }[]) {
  const local = await openLocalEvidence(layouts.map(item => item.folder))
  return local.digestOf(parseReference(text))
}

describe('13-adversary 34: offline, what a tag means', () => {
  test('stands in a layout by its tag, or by the whole name', async () => {
    const [bare, whole] = [layout('bare', 'v1'), layout('whole', 'ghcr.io/acme/app:v1')]
    expect(await digestOf('ghcr.io/acme/app:v1', bare)).toBe(bare.digest)
    expect(await digestOf('ghcr.io/acme/app:v1', whole)).toBe(whole.digest)
    expect(await digestOf('ghcr.io/acme/app:v2', bare, whole)).toBeUndefined()
  })

  test('is not what another repository has under that tag', async () => {
    expect(await digestOf('ghcr.io/acme/app:v1', layout('other', 'ghcr.io/acme/tool:v1'))).toBeUndefined()
  })

  test('is unclear where two layouts say different things', async () => {
    const [one, two] = [layout('one', 'v1'), layout('two', 'v1')]
    await expect(digestOf('ghcr.io/acme/app:v1', one, two)).rejects.toMatchObject({ code: 'registry/layout-ambiguous' })
    expect(await digestOf('ghcr.io/acme/app:v1', one, one)).toBe(one.digest)
  })
})

test('13-adversary 31: platforms of an index that a layout holds in part are not none', async () => {
  const written = writeLayout(join(folder, 'index'), { platforms: ['linux/amd64', 'linux/arm64'] })
  const digest = parseDigest(written.digest)
  expect(await (await openLocalEvidence([written.folder])).platformsOf(digest)).toEqual(written.children)
  rmSync(join(written.folder, 'blobs', 'sha256', hexOf(parseDigest(written.children[1] ?? ''))))
  await expect((await openLocalEvidence([written.folder])).platformsOf(digest)).rejects.toMatchObject({
    code: 'registry/child-missing',
  })
})
