import { asWaybillError } from '../../src/core/error.ts'
import { fileAt, pathsBelow } from '../../src/pipeline/commit-files.ts'
import { treeOf } from './materials-world.ts'

const FILES = { Dockerfile: 'FROM x', 'a/b/é.txt': 'deep', 'a/link': '-> b/é.txt', 'a/z': '', 'ab/c': '' }

test('a regular file is read by its path, whatever letters it has', async () => {
  const { root, history } = treeOf(FILES)
  expect(await fileAt(history, root, 'Dockerfile', 100)).toEqual(new TextEncoder().encode('FROM x'))
  expect(await fileAt(history, root, 'a/b/é.txt', 100)).toEqual(new TextEncoder().encode('deep'))
})

test.each(['missing', 'a', 'a/link', 'a/b', 'Dockerfile/x', '', 'a//z', '../Dockerfile', './Dockerfile'])(
  '%j is no regular file of the tree: links are not followed, and nothing leads out',
  async path => {
    const { root, history } = treeOf(FILES)
    expect(await fileAt(history, root, path, 100)).toBeUndefined()
  },
)

test('what cannot be read is an error, never absent (13-adversary 5)', async () => {
  const { root, history } = treeOf(FILES)
  const broken = { ...history, blob: () => Promise.reject(new Error('gone')) }
  const error = await fileAt(broken, root, 'Dockerfile', 100).catch(asWaybillError)
  expect(error).toMatchObject({ code: 'core/internal' })
})

test('paths of a folder are relative to it, without links, at most as many as asked for', async () => {
  const { root, history } = treeOf(FILES)
  expect([...(await pathsBelow(history, root, '.', 100))].sort()).toEqual(['Dockerfile', 'a/b/é.txt', 'a/z', 'ab/c'])
  expect([...(await pathsBelow(history, root, 'a', 100))].sort()).toEqual(['b/é.txt', 'z'])
  expect(await pathsBelow(history, root, '.', 2)).toHaveLength(2)
  expect(await pathsBelow(history, root, 'none', 100)).toEqual([])
})
