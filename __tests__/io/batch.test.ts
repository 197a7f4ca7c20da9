import { type BatchProcess, startBatch } from '../../src/io/batch.ts'

const NODE = process.execPath
const ECHO = 'process.stdin.on("data", chunk => process.stdout.write(chunk))'

function start(script: string, onData: (chunk: Uint8Array) => Promise<void> | undefined) {
  let ended: (failure: Error | undefined) => void = () => {}
  const end = new Promise<Error | undefined>(resolve => {
    ended = resolve
  })
  const batch: BatchProcess = startBatch({ file: NODE, args: ['-e', script], env: {}, onData, onEnd: ended })
  return { batch, end }
}

test('startBatch() answers as long as it lives, and close() ends it without a failure', async () => {
  const parts: Uint8Array[] = []
  const { batch, end } = start(ECHO, chunk => {
    parts.push(chunk)
    return undefined
  })
  const heard = async (text: string) => {
    while (Buffer.concat(parts).toString() !== text) await new Promise(resolve => setTimeout(resolve, 5))
  }
  batch.write('one\n')
  await heard('one\n')
  batch.write('two\n')
  await heard('one\ntwo\n')
  await batch.close()
  await batch.close()
  expect(await end).toBeUndefined()
})

test('startBatch() tells a program that ends by itself, with what it said', async () => {
  const { end } = start('console.error("no such thing"); process.exit(3)', () => undefined)
  expect(await end).toMatchObject({ code: 'core/process-failed', found: expect.stringContaining('no such thing') })
})

test('startBatch() tells a program that cannot start', async () => {
  const end = new Promise(resolve => {
    startBatch({ file: '/nowhere/tool', args: [], env: {}, onData: () => undefined, onEnd: resolve })
  })
  expect(await end).toMatchObject({ code: 'core/process-failed' })
  const relative = () => startBatch({ file: 'git', args: [], env: {}, onData: () => undefined, onEnd: () => {} })
  expect(relative).toThrow('not an absolute path')
})

test('startBatch() reads no further while the reader is busy', async () => {
  let busy = 0
  let most = 0
  let bytes = 0
  const { end } = start('process.stdout.write("x".repeat(1000000))', async chunk => {
    most = Math.max(most, ++busy)
    await new Promise(resolve => setTimeout(resolve, 1))
    bytes += chunk.byteLength
    busy--
  })
  await end
  while (bytes < 1_000_000) await new Promise(resolve => setTimeout(resolve, 5))
  expect([most, bytes]).toEqual([1, 1_000_000])
})
