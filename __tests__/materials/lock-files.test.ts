import { lockFilesIn } from '../../src/materials/lock-files.ts'

test('lockFilesIn() names what package managers read, sorted, and not what is installed', () => {
  const paths = [
    'web/package-lock.json',
    'go.sum',
    'go.mod',
    'requirements/base.txt',
    'requirements-dev.txt',
    'Gemfile.lock',
    'node_modules/a/package-lock.json',
    'constructor',
    'notes.txt',
  ]
  expect(lockFilesIn(paths)).toEqual({
    found: [
      { path: 'Gemfile.lock', manager: 'Bundler' },
      { path: 'go.sum', manager: 'Go' },
      { path: 'requirements-dev.txt', manager: 'pip' },
      { path: 'requirements/base.txt', manager: 'pip' },
      { path: 'web/package-lock.json', manager: 'npm' },
    ],
    more: 0,
  })
})

test('13-adversary 43: lockFilesIn() names a hundred and counts the rest', () => {
  const { found, more } = lockFilesIn(Array.from({ length: 130 }, (_, at) => `p${at}/yarn.lock`))
  expect([found.length, more]).toEqual([100, 30])
})
