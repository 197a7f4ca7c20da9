import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { objectionsTo } from '../../../tools/release/contents.ts'
import { pack } from '../../../tools/release/stage.ts'
import { readTarball, type TarballFile } from '../../../tools/release/tarball.ts'
import { tarOf } from '../../fakes/tar.ts'

const ROOT = join(import.meta.dirname, '../../..')

let folder = ''
let files: readonly TarballFile[] = []
let path = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-package-'))
  const packed = pack({ root: ROOT, out: join(folder, 'out'), name: '@acme/waybill' })
  path = packed.path
  files = readTarball(readFileSync(path))
})
afterAll(() => rmSync(folder, { recursive: true }))

test('the package holds the bundle, the schemas and four texts, and what it says is its bin is there', () => {
  const held = files.map(file => file.path.replace('package/', ''))
  const below = (name: string) => readdirSync(join(ROOT, name)).map(file => `${name}/${file}`)
  const texts = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
  expect([...held].sort()).toEqual([...below('dist'), ...below('schemas'), ...texts].sort())
  const manifest = JSON.parse(
    Buffer.from(files.find(file => file.path === 'package/package.json')?.bytes ?? []).toString(),
  )
  expect(held).toContain(manifest.bin.waybill)
  expect(manifest).not.toHaveProperty('private')
  expect(files.find(file => file.path === 'package/dist/cli.js')?.mode).toBe(0o755)
})

test('what is unpacked runs, from anywhere, with nothing installed', () => {
  expect(spawnSync('tar', ['-xzf', path, '-C', folder]).status).toBe(0)
  const args = [join(folder, 'package/dist/cli.js'), '--version']
  const run = spawnSync(process.execPath, args, { cwd: folder, env: { PATH: '', HOME: folder }, encoding: 'utf8' })
  expect([run.status, run.stdout]).toEqual([0, expect.stringMatching(/\d+\.\d+\.\d+/)])
})

const file = (name: string, text: string, over: Partial<TarballFile> = {}): TarballFile => ({
  path: name,
  mode: 0o644,
  time: files[0]?.time ?? 0,
  bytes: Buffer.from(text),
  ...over,
})
const withFile = (added: TarballFile) =>
  objectionsTo([...files.filter(({ path }) => path !== added.path), added], ['/srv/ci'])
const TOKEN = `ghp_${'aB3'.repeat(12)}`
const KEY = `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG'.repeat(4)}\n-----END PRIVATE KEY-----\n`

describe('what does not belong into a package is named', () => {
  test('nothing is, of what was packed', () => {
    expect(objectionsTo(files, [ROOT, '/srv/ci'])).toEqual([])
  })

  test.each<[string, () => TarballFile, string]>([
    ['a test', () => file('package/__tests__/docs.test.ts', ''), '__tests__/docs.test.ts does not belong there'],
    ['a source', () => file('package/src/entry/main.ts', ''), 'does not belong there'],
    ['a settings file', () => file('package/.npmrc', ''), 'does not belong there'],
    ['a path upwards', () => file('package/dist/../../x.js', ''), 'does not belong there'],
    ['a folder of this machine', () => file('package/dist/7.index.js', '"/srv/ci/node_modules/x"'), 'of this machine'],
    ['a folder of a runner', () => file('package/dist/7.index.js', '"/home/runner/work/x"'), '/home/runner/'],
    ['a token', () => file('package/dist/7.index.js', `x="${TOKEN}"`), 'looks like a GitHub token'],
    ['a token in a text', () => file('package/README.md', `token: ${TOKEN}\n`), 'looks like a GitHub token'],
    ['a key', () => file('package/dist/7.index.js', `x=${JSON.stringify(KEY)}`), 'looks like a private key'],
    ['permissions', () => file('package/dist/cli.js', '', { mode: 0o777 }), 'the permissions 777'],
    ['a time of its own', () => file('package/LICENSE', '', { time: 1 }), 'different times'],
    ['a script', () => file('package/package.json', '{"scripts": {"install": "id"}}'), 'package.json says scripts'],
    ['a dependency', () => file('package/package.json', '{"dependencies": {}}'), 'package.json says dependencies'],
  ])('%s', (_name, added, objection) => {
    expect(withFile(added()).join('\n')).toContain(objection)
  })

  test('what is missing, and what is there twice', () => {
    const without = files.filter(({ path }) => path !== 'package/LICENSE')
    expect(objectionsTo(without, [])).toEqual(['package/LICENSE is missing'])
    expect(objectionsTo([...files, ...files.slice(0, 1)], []).join()).toContain('is there twice')
  })
})

describe('readTarball()', () => {
  const put = (letter: string, at: number) => (bytes: Buffer) => {
    bytes.write(letter, at)
    return bytes
  }
  const tar = (name: string, change: (bytes: Buffer) => Buffer = bytes => bytes) =>
    gzipSync(change(Buffer.from(tarOf(name, 'hello'), 'latin1')))

  test('reads files', () => {
    const [read] = readTarball(tar('package/a'))
    expect([read?.path, read?.mode, Buffer.from(read?.bytes ?? []).toString()]).toEqual(['package/a', 0o644, 'hello'])
  })

  test.each<[string, () => Buffer]>([
    ['a link', () => tar('package/a', put('2', 156))],
    ['a number that is none', () => tar('package/a', put('x', 124))],
    ['an end that is missing', () => tar('package/a', bytes => bytes.subarray(0, 1024))],
    ['a file that is cut off', () => tar('package/a', bytes => bytes.subarray(0, 514))],
    ['something else', () => Buffer.from('hello')],
  ])('refuses %s', (_name, bytes) => {
    expect(() => readTarball(bytes())).toThrow()
  })
})
