import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { asWaybillError } from '../../src/core/error.ts'
import type { AttestWorld } from '../../src/entry/attest-world.ts'
import { lfsContent } from '../../src/entry/materials-world.ts'
import { HttpClient } from '../../src/io/http.ts'
import { parseLfsPointer } from '../../src/source/lfs-pointer.ts'
import { type GitServer, startGitServer } from '../fakes/git-server.ts'

const TOKEN = 'ghs_example'
const ROOT = mkdtempSync(join(tmpdir(), 'waybill-lfs-world-'))
const http = new HttpClient()
let server: GitServer

beforeAll(async () => {
  server = await startGitServer({ folder: ROOT, token: TOKEN })
})
afterAll(async () => {
  http.close()
  await server.close()
  rmSync(ROOT, { recursive: true, force: true })
})

function content(token?: string) {
  const inputs = token === undefined ? {} : { githubToken: token }
  const context = { serverUrl: server.url, repository: 'acme/app' }
  return lfsContent({ http, inputs, context } as unknown as AttestWorld, join(ROOT))
}

function added(text: string) {
  const pointer = parseLfsPointer(Buffer.from(server.lfs.add(text)), 'x')
  if (pointer === undefined) throw new Error('no pointer')
  return pointer
}

test('content of Git LFS is asked of the run’s own repository with the run’s token, each into a file of its own', async () => {
  const source = content(TOKEN)
  expect(source.remote).toBe(`${server.url}/acme/app`)
  const files = await Promise.all(['one', 'two'].map(text => source.obtain(added(text), 'model.bin')))
  expect(files.map(file => readFileSync(file, 'utf8'))).toEqual(['one', 'two'])
  expect(new Set(files.map(dirname))).toEqual(new Set([ROOT]))
  expect(new Set(files).size).toBe(2)
  const asked = server.log.filter(({ path }) => path.endsWith('/batch'))
  expect(new Set(asked.map(({ path }) => path))).toEqual(new Set(['/acme/app.git/info/lfs/objects/batch']))
})

test('without a token nothing is sent that would be one, and the refusal has a code', async () => {
  server.log.length = 0
  const code = await content()
    .obtain(added('three'), 'model.bin')
    .then(
      () => 'passed',
      error => asWaybillError(error).code,
    )
  expect(code).toMatch(/^source\/lfs-/)
  expect(server.log.map(({ headers }) => headers.authorization)).toEqual(server.log.map(() => undefined))
})
