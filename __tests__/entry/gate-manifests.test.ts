import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { composeImages } from '../../src/entry/gate-manifests.ts'
import { formatReference } from '../../src/registry/reference.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gate-manifests-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, image: string): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `services: {app: {image: "${image}"}}\n`)
  return name
}

/** What is judged of these files, in the order in which they are named. */
async function judged(...files: readonly [string, ...string[]]): Promise<readonly string[]> {
  const { subjects } = await composeImages(files, folder)
  return subjects.map(({ reference }) => formatReference(reference))
}

test('13-adversary 33: a compose file is laid over the one named before it, not over the one that sorts before it', async () => {
  const [base, over] = [write('compose.yml', 'ghcr.io/acme/app:good'), write('a-prod.yml', 'ghcr.io/mallory/app:evil')]
  expect(await judged(base, over)).toEqual(['ghcr.io/mallory/app:evil'])
  expect(await judged(over, base)).toEqual(['ghcr.io/acme/app:good'])
})

test('13-adversary 33: a compose file of another folder is that one, not one of its name beside the first', async () => {
  const [base, over] = [write('a/compose.yml', 'ghcr.io/acme/app:1'), write('b/over.yml', 'ghcr.io/mallory/app:evil')]
  write('a/over.yml', 'ghcr.io/acme/app:good')
  expect(await judged(base, over)).toEqual(['ghcr.io/mallory/app:evil'])
  const deep = write('a/b/over.yml', 'ghcr.io/mallory/app:deep')
  expect(await judged(base, deep)).toEqual(['ghcr.io/mallory/app:deep'])
})
