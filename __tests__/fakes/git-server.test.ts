import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type GitServer, startGitServer } from './git-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'waybill-git-server-'))
const work = join(folder, 'work')
let server: GitServer
let head: string

async function git(...args: string[]): Promise<string> {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'alice',
    GIT_AUTHOR_EMAIL: 'alice@example.com',
    GIT_COMMITTER_NAME: 'alice',
    GIT_COMMITTER_EMAIL: 'alice@example.com',
  }
  return (await promisify(execFile)('git', args, { env })).stdout.trim()
}

beforeAll(async () => {
  await git('init', '--quiet', '--initial-branch=main', work)
  for (const content of ['one', 'two']) {
    writeFileSync(join(work, 'file'), content)
    await git('-C', work, 'add', '.')
    await git('-C', work, 'commit', '--quiet', '--message', content)
  }
  server = await startGitServer({ folder: join(folder, 'served') })
  head = await server.publish(work, 'acme/app')
})
afterEach(() => {
  server.token = undefined
  server.faults.clear()
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const target = () => mkdtempSync(join(folder, 'clone-'))

describe('the git server', () => {
  test.each(['acme/app', 'acme/app.git'])('serves a clone without trees as /%s', async repository => {
    const clone = target()
    await git('clone', '--quiet', '--bare', '--filter=tree:0', `${server.url}/${repository}`, clone)
    expect(await git('-C', clone, 'rev-parse', 'main')).toBe(head)
    const missing = await git('-C', clone, 'rev-list', '--objects', '--missing=print', 'main')
    expect(missing.split('\n').filter(line => line.startsWith('?'))).toHaveLength(2)
  })

  test('serves any object by its id, also one no ref reaches', async () => {
    const blob = await git('-C', work, 'rev-parse', 'HEAD:file')
    const clone = target()
    await git('init', '--quiet', '--bare', clone)
    await git(
      '-C',
      clone,
      'fetch',
      '--quiet',
      '--depth=1',
      `${server.url}/acme/app`,
      await git('-C', work, 'rev-parse', 'HEAD~1'),
    )
    await git('-C', clone, 'fetch', '--quiet', `${server.url}/acme/app`, blob)
    expect(await git('-C', clone, 'cat-file', 'blob', blob)).toBe('two')
  })

  test('asks for the token when there is one', async () => {
    server.token = 'right'
    const list = (token: string) => {
      const header = `AUTHORIZATION: basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`
      return git(
        '-c',
        `http.${server.url}/.extraHeader=${header}`,
        'ls-remote',
        `${server.url}/acme/app`,
        'refs/heads/main',
      )
    }
    expect(await list('right')).toBe(`${head}\trefs/heads/main`)
    await expect(list('wrong')).rejects.toThrow(/Authentication failed|could not read Username/)
    expect(server.log.at(-1)?.status).toBe(401)
  })

  test('takes no pushes and knows only what lies in its folder', async () => {
    await expect(git('-C', work, 'push', `${server.url}/acme/app`, 'main:refs/heads/other')).rejects.toThrow(/403/)
    await expect(git('ls-remote', `${server.url}/acme/other`)).rejects.toThrow(/not found/)
    expect(
      (await fetch(`${server.url}/acme/%2e%2e/%2e%2e/info/refs?service=git-upload-pack`)).status,
    ).toBeGreaterThanOrEqual(400)
  })

  test('publishes a changed repository over the old one, deleted refs included', async () => {
    await git('-C', work, 'branch', 'gone')
    await server.publish(work, 'acme/changing')
    await git('-C', work, 'branch', '--delete', 'gone')
    await server.publish(work, 'acme/changing')
    expect(await git('ls-remote', '--heads', `${server.url}/acme/changing`)).toBe(`${head}\trefs/heads/main`)
  })

  test('HEAD is the branch that was checked out', async () => {
    await git('-C', work, 'branch', 'trunk')
    const other = target()
    await git('clone', '--quiet', '--branch=trunk', work, other)
    expect(await server.publish(other, 'acme/trunk')).toBe(head)
    expect(await git('ls-remote', '--symref', `${server.url}/acme/trunk`, 'HEAD')).toContain('ref: refs/heads/trunk')
    await git('-C', work, 'branch', '--delete', 'trunk')
  })

  test('can cut an answer in the middle of a pack', async () => {
    server.faults.add({ method: 'POST', after: 1, fault: 'cut-body' })
    await expect(git('clone', '--quiet', '--bare', `${server.url}/acme/app`, target())).rejects.toThrow()
    expect(server.requests().at(-1)).toBe('POST /acme/app/git-upload-pack → cut')
  })
})
