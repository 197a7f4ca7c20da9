import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'

jest.setTimeout(60_000)

const CLI = join(import.meta.dirname, '..', '..', 'dist', 'cli.js')
const WHO = ['--certificate-identity', 'https://a.example/b', '--certificate-oidc-issuer', 'https://issuer.example']

const IMAGE = `ghcr.io/acme/app@sha256:${'a'.repeat(64)}`

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-terminal-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Standard output is a pipe of which nobody reads, closed at once, or a file that takes nothing. */
function ended(args: readonly string[], stdout: 'closed' | number, env: Record<string, string> = {}) {
  return new Promise<{ code: number | null; stderr: string }>((resolve, reject) => {
    const stdio = ['ignore', stdout === 'closed' ? 'pipe' : stdout, 'pipe'] as const
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: folder,
      env: { HOME: folder, ...env },
      stdio: [...stdio],
    })
    child.stdout?.destroy()
    let stderr = ''
    child.stderr?.on('data', chunk => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', code => resolve({ code, stderr }))
  })
}

test.each([
  ['help', ['--help'], 0],
  ['a list', ['quarantine', 'list'], 0],
  ['a verdict', ['verify', 'image', IMAGE, '--offline', ...WHO], 2],
  ['a verdict for a machine', ['verify', 'image', IMAGE, '--offline', ...WHO, '--json'], 2],
  ['a mistake for a machine', ['verify', 'image', '--json'], 3],
])('%s whose reader went away ends quietly, with the code it has anyway', async (_, args, code) => {
  expect(await ended(args, 'closed')).toEqual({ code, stderr: '' })
})

test('a disk that takes nothing is told and is no yes', async () => {
  const full = openSync('/dev/full', 'w')
  const { code, stderr } = await ended(['quarantine', 'list'], full)
  closeSync(full)
  expect(code).toBe(2)
  expect(stderr).toMatch(/^core\/output-unwritable: The output cannot be written\.\n {2}found: {4}ENOSPC\n→ /)
})

describe('a registry that takes a connection and never answers', () => {
  const open = new Set<Socket>()
  let server: Server
  let host: string

  beforeAll(async () => {
    server = createServer(socket => {
      open.add(socket)
      socket.on('error', () => {})
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  })
  afterAll(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })

  /** What standard error says first; the process is ended then. */
  function firstWord(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [CLI, ...args], { cwd: folder, env: { HOME: folder } })
      let [stdout, stderr] = ['', '']
      child.stdout.on('data', chunk => {
        stdout += chunk
      })
      child.stderr.on('data', chunk => {
        stderr += chunk
        child.kill()
      })
      child.on('error', reject)
      child.on('close', () => resolve({ stdout, stderr }))
    })
  }

  test('is not waited for in silence: a line on standard error, nothing on standard output', async () => {
    const image = `${host}/acme/app@sha256:${'a'.repeat(64)}`
    const { stdout, stderr } = await firstWord(['verify', 'image', image, ...WHO])
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^judging: 0 of 1 subjects, \d+ s\n$/)
  })
})
