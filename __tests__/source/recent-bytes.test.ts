import { RecentBytes } from '../../src/source/recent-bytes.ts'
import { idOfCommit } from './support.ts'

const named = (text: string) => idOfCommit(Buffer.from(text))

test('what was kept is given once', () => {
  const recent = new RecentBytes(10)
  const bytes = new Uint8Array(4)
  recent.keep(named('a'), bytes)
  expect(recent.take(named('b'))).toBeUndefined()
  expect(recent.take(named('a'))).toBe(bytes)
  expect(recent.take(named('a'))).toBeUndefined()
})

test('13-adversary 13: no more bytes are kept than were allowed, the oldest go first', () => {
  const recent = new RecentBytes(10)
  for (const name of ['a', 'b', 'c']) recent.keep(named(name), new Uint8Array(4))
  expect(recent.take(named('a'))).toBeUndefined()
  expect(recent.take(named('b'))).toHaveLength(4)
  recent.keep(named('d'), new Uint8Array(11))
  expect(['a', 'b', 'c', 'd'].map(name => recent.take(named(name)))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test('bytes kept twice count once', () => {
  const recent = new RecentBytes(10)
  for (let i = 0; i < 5; i++) recent.keep(named('a'), new Uint8Array(6))
  expect(recent.take(named('a'))).toHaveLength(6)
  recent.keep(named('b'), new Uint8Array(10))
  expect(recent.take(named('b'))).toHaveLength(10)
})
