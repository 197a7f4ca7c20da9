import { setTimeout as sleep } from 'node:timers/promises'
import { childEnvironment } from '../../src/io/environment.ts'
import { findTool, run } from '../../src/io/process.ts'

const SH = '/bin/sh'
const sh = (script: string, more: object = {}) =>
  run({ file: SH, args: ['-c', script], env: { PATH: '/usr/bin:/bin' }, ...more })
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

test('run() gives exit code and both outputs', async () => {
  const result = await sh('echo out; echo err >&2; exit 3')
  expect([result.code, text(result.stdout), text(result.stderr)]).toEqual([3, 'out\n', 'err\n'])
})

test('run() tells stderr as it comes, apart from stdout', async () => {
  const told: string[] = []
  await sh('echo out; echo touch the key >&2', { onStderr: (chunk: Uint8Array) => told.push(text(chunk)) })
  expect(told.join('')).toBe('touch the key\n')
})

test('run() keeps a program that may ask on the terminal in the caller’s session, and ends it in time', async () => {
  const session = 'cut -d" " -f6 /proc/$$/stat /proc/$PPID/stat'
  const [own, parent] = text((await sh(session, { terminal: true })).stdout).split('\n')
  const [apart] = text((await sh(session)).stdout).split('\n')
  expect([own === parent, apart === parent]).toEqual([true, false])
  await expect(sh('exec sleep 60', { terminal: true, timeoutMs: 50 })).rejects.toMatchObject({
    code: 'core/process-failed',
    kind: 'unknown',
  })
})

test('run() passes arguments as they are: no shell reads them', async () => {
  const args = ['$(touch pwned)', '`id`', '; echo x', "'", '"', '*']
  const result = await run({ file: '/usr/bin/printf', args: ['%s\\n', ...args], env: {} })
  expect(text(result.stdout).split('\n').slice(0, -1)).toEqual(args)
})

test('run() feeds the input, and a child that does not read it is no failure', async () => {
  expect(text((await sh('cat', { input: Buffer.from('hello') })).stdout)).toBe('hello')
  expect((await sh('exit 0', { input: Buffer.alloc(1_000_000) })).code).toBe(0)
})

test('13-adversary 16: a child sees the environment it is given and nothing of ours', async () => {
  process.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN = 'secret'
  try {
    const result = await run({ file: '/usr/bin/env', args: [], env: { A: '1' } })
    expect(text(result.stdout)).toBe('A=1\n')
  } finally {
    delete process.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN
  }
})

test('13-adversary 16: childEnvironment() is an allow-list: no token, no input, no git variable', () => {
  const parent = {
    PATH: '/bin',
    HOME: '/h',
    GITHUB_TOKEN: 's',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 's',
    INPUT_KEY: 's',
    SIGSTORE_ID_TOKEN: 's',
    GIT_DIR: 'x',
    NODE_OPTIONS: '--require x',
    LD_PRELOAD: 'x',
  }
  expect(childEnvironment(parent, { EXTRA: '1' })).toEqual({ LC_ALL: 'C', PATH: '/bin', HOME: '/h', EXTRA: '1' })
})

test('run() ends the whole process group when time is up', async () => {
  let printed = ''
  const onOutput = (chunk: Uint8Array) => {
    printed += text(chunk)
  }
  const started = performance.now()
  await expect(sh('sleep 60 & echo $!; wait', { timeoutMs: 300, onOutput })).rejects.toMatchObject({
    code: 'core/process-failed',
    kind: 'unknown',
  })
  expect(performance.now() - started).toBeLessThan(50_000)
  const grandchild = Number(printed.trim())
  expect(grandchild).toBeGreaterThan(1)
  await expectGone(grandchild)
})

/** Gone, or a zombie nobody has collected yet. */
async function expectGone(pid: number): Promise<void> {
  for (let round = 0; round < 50; round++) {
    const state = text((await sh(`ps -o stat= -p ${pid} || true`)).stdout).trim()
    if (state === '' || state.startsWith('Z')) return
    await sleep(50)
  }
  throw new Error(`process ${pid} still runs`)
}

test('13-adversary 43: a process that left the group and holds its pipes is not waited for, neither after the end nor past the deadline', async () => {
  const left = 'setsid sleep 60 & sleep 0.5; echo done'
  const ended = await sh(left, { endGroup: true })
  expect([ended.code, text(ended.stdout)]).toEqual([0, 'done\n'])
  await expect(sh(`${left}; exec sleep 60`, { timeoutMs: 1_000 })).rejects.toMatchObject({
    code: 'core/process-failed',
    kind: 'unknown',
  })
}, 50_000)

test('run() stops a child that prints more than is kept', async () => {
  await expect(sh('yes', { maxOutputBytes: 10_000 })).rejects.toMatchObject({ code: 'core/process-failed' })
})

test('run() lets a child print without bound where its output is streamed on', async () => {
  let seen = 0
  const onOutput = (chunk: Uint8Array) => {
    seen += chunk.byteLength
  }
  const result = await sh('head -c 200000 /dev/zero', { maxOutputBytes: 1000, onOutput })
  expect([result.code, seen]).toEqual([0, 200_000])
  expect(result.stdout.byteLength).toBeLessThanOrEqual(1000)
})

test('run() names a signal that ended the child', async () => {
  await expect(sh('kill -TERM $$')).rejects.toMatchObject({
    code: 'core/process-failed',
    message: expect.stringContaining('SIGTERM'),
  })
})

test.each(['sh', './sh', '', '/no/such/program'])('run() of %j fails with a typed error', async file => {
  await expect(run({ file, args: [], env: {} })).rejects.toMatchObject({ code: 'core/process-failed' })
})

test('findTool() looks in absolute folders of the given PATH only', () => {
  expect(findTool('sh', '/nowhere:/bin')).toBe('/bin/sh')
  expect(findTool('sh', '.:bin:')).toBeUndefined()
  expect(findTool('no-such-tool', '/bin:/usr/bin')).toBeUndefined()
})
