import { together } from '../../src/core/together.ts'

test('together() gives all results in their order', async () => {
  expect(await together([Promise.resolve(1), 'two', undefined] as const)).toEqual([1, 'two', undefined])
})

test('together() tells the first failure in order, not in time, after all have ended', async () => {
  let ended = false
  const late = new Promise((_, reject) =>
    setTimeout(() => {
      ended = true
      reject(new Error('late, but first'))
    }, 20),
  )
  await expect(together([late, Promise.reject(new Error('early'))] as const)).rejects.toThrow('late, but first')
  expect(ended).toBe(true)
})
