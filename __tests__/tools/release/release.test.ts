import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sectionOf } from '../../../tools/release/changelog.ts'
import { planMajorMove, refsIn } from '../../../tools/release/major-move.ts'
import { manifestOf } from '../../../tools/release/stage.ts'
import { compareVersions, readVersion, releaseOf } from '../../../tools/release/version.ts'

const ROOT = join(import.meta.dirname, '../../..')
const id = (letter: string): string => letter.repeat(40)

describe('releaseOf()', () => {
  test.each([
    ['v1.2.3', { version: '1.2.3', majorTag: 'v1', distTag: 'latest' }],
    ['v0.10.0', { version: '0.10.0', majorTag: 'v0', distTag: 'latest' }],
    ['v2.0.0-rc.1', { version: '2.0.0-rc.1', majorTag: undefined, distTag: 'next' }],
  ])('%s', (tag, release) => {
    expect(releaseOf(tag, tag.slice(1))).toEqual(release)
  })

  test.each([
    '1.2.3',
    'v1',
    'v1.2',
    'v01.2.3',
    'v1.2.3-01',
    'v1.2.3-',
    'v1.2.3+build',
    'v1.2.3\n',
    'v1.2.3;id',
    'v$(id)',
    '',
  ])('refuses %j', tag => {
    expect(() => releaseOf(tag, tag.slice(1))).toThrow('is no tag of a release')
  })

  test('refuses a tag that says another version than package.json', () => {
    expect(() => releaseOf('v1.2.4', '1.2.3')).toThrow('The tag says 1.2.4, package.json 1.2.3')
  })
})

test('versions are ordered as semver 2.0.0 orders them', () => {
  const order =
    '1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.9.0 1.10.0 2.0.0'
  const versions = order.split(' ').flatMap(text => readVersion(text) ?? [])
  expect([...versions].reverse().sort(compareVersions)).toEqual(versions)
})

describe('sectionOf()', () => {
  const text = '# Changes\n\n## 1.1.0\n\nNew.\n\n### Details\n\nMore.\n\n## 1.0.0 (first)\n\nAll.\n'

  test.each([
    ['1.1.0', 'New.\n\n### Details\n\nMore.\n'],
    ['1.0.0', 'All.\n'],
  ])('%s', (version, expected) => {
    expect(sectionOf(text, version)).toBe(expected)
  })

  test('a release that says nothing is none', () => {
    expect(() => sectionOf(text, '1.2.0')).toThrow('has 0 sections')
    expect(() => sectionOf(`${text}\n## 1.1.0\n\nAgain.\n`, '1.1.0')).toThrow('has 2 sections')
    expect(() => sectionOf('## 1.0.0\n\n## 0.9.0\n\nx\n', '1.0.0')).toThrow('says nothing')
    expect(() => sectionOf('## 1.0.0', '1.0.0')).toThrow('says nothing')
  })

  test('this version has a section', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    expect(sectionOf(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'), version)).not.toBe('')
  })
})

describe('manifestOf()', () => {
  const text = readFileSync(join(ROOT, 'package.json'), 'utf8')

  test('without a name that was decided on, npm itself refuses to publish it', () => {
    expect(manifestOf(text, {})).toMatchObject({ name: 'waybill', private: true })
  })

  test('has a name, where it comes from, and nothing that runs or is fetched when it is installed', () => {
    const manifest = manifestOf(text, { name: '@acme/waybill', repository: 'https://github.com/acme/waybill' })
    expect(Object.keys(manifest)).toEqual(
      'name version description license repository type engines bin files'.split(' '),
    )
    expect(manifest).toMatchObject({
      name: '@acme/waybill',
      repository: { url: 'git+https://github.com/acme/waybill.git' },
    })
  })

  test.each(['Acme', '../x', '@acme', '-x', 'a b', '@a/b/c'])('refuses the name %j', name => {
    expect(() => manifestOf(text, { name })).toThrow('is no name of a package')
  })
})

describe('planMajorMove()', () => {
  const refs = (tags: Readonly<Record<string, string>>) =>
    refsIn(
      Object.entries(tags)
        .map(([name, letter]) => `${id(letter)}\trefs/tags/${name}\n`)
        .join(''),
    )

  test.each([
    ['is new with the first release', 'v1.0.0', { 'v1.0.0': 'a' }, { kind: 'move', to: id('a') }],
    ['goes forward', 'v1.1.0', { 'v1.0.0': 'a', v1: 'a', 'v1.1.0': 'b' }, { kind: 'move', from: id('a'), to: id('b') }],
    [
      'stays before a correction of an older line',
      'v1.0.1',
      { 'v1.1.0': 'a', v1: 'a', 'v1.0.1': 'b' },
      { kind: 'stay' },
    ],
    ['stays when a run is repeated', 'v1.1.0', { 'v1.1.0': 'b', v1: 'b' }, { kind: 'stay' }],
    ['stays when an old run is repeated', 'v1.0.0', { 'v1.0.0': 'a', 'v1.1.0': 'b', v1: 'b' }, { kind: 'stay' }],
    ['stays for a prerelease', 'v2.0.0-rc.1', { 'v2.0.0-rc.1': 'c' }, { kind: 'stay', tag: 'v2' }],
  ])('%s', (_name, tag, tags, expected) => {
    expect(planMajorMove(tag, refs(tags))).toMatchObject(expected)
  })

  test('a tag that somebody moved by hand is not moved again', () => {
    expect(() => planMajorMove('v1.1.0', refs({ v1: 'c', 'v1.0.0': 'a', 'v1.1.0': 'b' }))).toThrow(
      'which is no release',
    )
    const foreign = { v1: 'c', 'v1.1.0': 'b', 'v2.0.0': 'c', 'v1.2.0-rc.1': 'c' }
    expect(() => planMajorMove('v1.1.0', refs(foreign))).toThrow('which is no release')
    expect(() => planMajorMove('v1.2.0', refs({ v1: 'c' }))).toThrow('The server has no tag v1.2.0')
  })

  test('of an annotated tag the lease names the object, and the release its commit', () => {
    const output = [
      [id('1'), 'v1'],
      [id('a'), 'v1^{}'],
      [id('2'), 'v1.0.0'],
      [id('a'), 'v1.0.0^{}'],
      [id('3'), 'v1.1.0'],
      [id('b'), 'v1.1.0^{}'],
    ]
    const refs = refsIn(output.map(([object, name]) => `${object}\trefs/tags/${name}\n`).join(''))
    expect(planMajorMove('v1.1.0', refs)).toEqual({ kind: 'move', tag: 'v1', from: id('1'), to: id('b') })
  })
})

describe('tools/release/major-tag.ts with a real git', () => {
  let folder = ''
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@example.com', ...args], {
      cwd: join(folder, 'work'),
      encoding: 'utf8',
    }).trim()
  const commit = (message: string, tag: string): string => {
    git('commit', '--quiet', '--allow-empty', '-m', message)
    git('tag', tag)
    return git('rev-parse', 'HEAD')
  }
  const move = (...args: string[]) =>
    spawnSync(process.execPath, [join(ROOT, 'tools/release/major-tag.ts'), ...args], {
      cwd: join(folder, 'work'),
      encoding: 'utf8',
    })
  const served = (): string => git('ls-remote', 'origin', 'refs/tags/v1').split('\t')[0] ?? ''

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-major-'))
    execFileSync('git', ['init', '--quiet', '--bare', join(folder, 'origin.git')])
    execFileSync('git', ['init', '--quiet', join(folder, 'work')])
    git('remote', 'add', 'origin', join(folder, 'origin.git'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('moves it forward only, and without --push only tells it', () => {
    const first = commit('One', 'v1.0.0')
    git('push', '--quiet', '--tags', 'origin', 'HEAD')
    expect(move('--tag', 'v1.0.0')).toMatchObject({ status: 0, stdout: expect.stringContaining('v1: new → ') })
    expect(served()).toBe('')
    expect(move('--tag', 'v1.0.0', '--push').status).toBe(0)
    expect(served()).toBe(first)
    const second = commit('Two', 'v1.1.0')
    git('push', '--quiet', '--tags', 'origin', 'HEAD')
    expect(move('--tag', 'v1.1.0', '--push').status).toBe(0)
    expect(served()).toBe(second)
    expect(move('--tag', 'v1.0.0', '--push')).toMatchObject({ status: 0, stdout: expect.stringContaining('v1 stays') })
    expect(served()).toBe(second)
    expect(move('--tag', 'v1.9.0', '--push')).toMatchObject({ status: 1, stderr: 'The server has no tag v1.9.0\n' })
  })

  test('who was overtaken between looking and pushing moves nothing', () => {
    const first = commit('One', 'v1.0.0')
    const second = commit('Two', 'v1.1.0')
    git('push', '--quiet', '--tags', 'origin', 'HEAD')
    expect(move('--tag', 'v1.0.0', '--push').status).toBe(0)
    const { stdout } = move('--tag', 'v1.1.0')
    const [, ...command] = (stdout.split('\n')[1] ?? '').split(' ')
    const third = commit('Three', 'v1.2.0')
    git('push', '--quiet', 'origin', 'v1.2.0', `+${third}:refs/tags/v1`)
    expect(command).toContain(`--force-with-lease=refs/tags/v1:${first}`)
    expect(() => git(...command)).toThrow('stale info')
    expect([served(), third].map(commit => commit !== second)).toEqual([true, true])
    expect(served()).toBe(third)
  })
})

test('13-adversary 44: nothing is released while own names have no home, and the message names the constant', () => {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-check-'))
  const outputs = join(folder, 'outputs')
  writeFileSync(outputs, '')
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const run = spawnSync(process.execPath, [join(ROOT, 'tools/release/check.ts'), '--tag', `v${version}`], {
    env: { PATH: process.env.PATH, GITHUB_OUTPUT: outputs },
    encoding: 'utf8',
  })
  expect([run.status, readFileSync(outputs, 'utf8')]).toEqual([1, ''])
  expect(run.stderr).toContain('change OWN_URI_BASE in src/statements/uris.ts')
  rmSync(folder, { recursive: true })
})
