import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { type GateBench, openGateBench, WORKFLOW } from './gate-support.ts'
import { runSession, type SessionWorld } from './session.ts'

jest.setTimeout(60_000)

const SCRIPTS = join(import.meta.dirname, '..', 'scripts')
const CLI = join(import.meta.dirname, '..', '..', 'dist', 'cli.js')

let bench: GateBench
let variables: SessionWorld['variables']

beforeAll(async () => {
  bench = await openGateBench()
  const { scenario, reference } = bench
  const unsigned = await bench.image('nobody signed this')
  variables = {
    IMAGE: reference,
    TAG: `${scenario.image}:v1`,
    UNSIGNED: `${scenario.image}@${unsigned}`,
    IDENTITY: `${scenario.stack.git.url}/${WORKFLOW}`,
    ISSUER: scenario.stack.oidc.issuer,
    ROOT: scenario.stack.trustedRootFile,
    EXPECTED: scenario.expected.join(' '),
    REGISTRY: scenario.stack.registry.host,
  }
})

afterAll(() => bench.close())

const sessions = readdirSync(SCRIPTS).filter(name => name.endsWith('.txt'))

test.each(sessions)('the session %s goes as written', async name => {
  const folder = join(bench.scenario.stack.folder, 'sessions', name)
  mkdirSync(folder, { recursive: true })
  const root = readFileSync(bench.scenario.stack.trustedRootFile, 'utf8')
  await runSession(join(SCRIPTS, name), {
    variables,
    fixtures: { 'root.json': root },
    folder,
    run: args => run(args, folder),
  })
})

/** The shipped file, in an environment without any runner. */
function run(args: readonly string[], cwd: string): ReturnType<SessionWorld['run']> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH ?? '', HOME: cwd }
    const child = spawn(process.execPath, [CLI, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const text = { stdout: '', stderr: '', log: '' }
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', chunk => {
        text[stream] += chunk
        text.log += chunk
      })
    child.on('error', reject)
    child.on('close', code => resolve({ code: code ?? -1, ...text }))
  })
}
