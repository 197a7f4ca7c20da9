import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { holdFiles } from '../../src/io/held-files.ts'

const place = () => join(mkdtempSync(join(tmpdir(), 'waybill-held-')), 'secrets')
const bytes = (text: string) => new TextEncoder().encode(text)

test('files are for this user alone, replace what a killed run left, and are gone when released', async () => {
  const folder = place()
  mkdirSync(folder)
  writeFileSync(join(folder, '0'), 'of a run before')
  writeFileSync(join(folder, '7'), 'of a run before')
  const release = await holdFiles(folder, new Map([['0', bytes('now')]]))
  expect(readFileSync(join(folder, '0'), 'utf8')).toBe('now')
  expect(statSync(join(folder, '0')).mode & 0o777).toBe(0o600)
  expect(existsSync(join(folder, '7'))).toBe(false)
  await release()
  expect(existsSync(folder)).toBe(false)
  const again = await holdFiles(folder, new Map([['0', bytes('again')]]))
  await again()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) expect(process.listenerCount(signal)).toBeLessThan(2)
})

test('what cannot be written leaves nothing', async () => {
  const folder = place()
  const files = new Map([
    ['0', bytes('x')],
    ['no/such', bytes('y')],
  ])
  await expect(holdFiles(folder, files)).rejects.toMatchObject({ code: 'core/file-unwritable' })
  expect(existsSync(folder)).toBe(false)
})

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s ends the process as ever, and the files with it',
  async signal => {
    const folder = place()
    const module = pathToFileURL(join(import.meta.dirname, '..', '..', 'src', 'io', 'held-files.ts')).href
    const program = `import { holdFiles } from ${JSON.stringify(module)}
await holdFiles(${JSON.stringify(folder)}, new Map([['0', Buffer.from('x')]]))
console.log('held')
setInterval(() => {}, 1000)`
    const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')
    expect(existsSync(join(folder, '0'))).toBe(true)
    child.kill(signal)
    const [, by] = await once(child, 'exit')
    expect([by, existsSync(folder)]).toEqual([signal, false])
  },
)
