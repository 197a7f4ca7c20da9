import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { jest } from '@jest/globals'
import { type Dockerd, releaseMounts, startDockerd } from '../../tools/peers/dockerd.ts'
import { Supervisor } from '../../tools/peers/process.ts'
import type { Finished, StepResult } from '../fakes/scenario.ts'
import { Matrix } from './matrix.ts'
import { attest, layoutOf, openWorld, pinned, repositoryIn, type World } from './world.ts'

/** Every command that a summary prints, pasted into a shell as it stands: from real runs, against the real programs. All but gh's. */
jest.setTimeout(240_000)

const ROOT = join(import.meta.dirname, '..', '..')

const matrix = new Matrix('commands')
let world: World
let supervisor: Supervisor
let docker: Dockerd
beforeAll(async () => {
  world = await openWorld()
  supervisor = new Supervisor(world.stack.folder, world.stack.peers.debian.setpriv)
  docker = await startDockerd({ folder: world.stack.folder, peers: world.stack.peers, supervisor })
})
afterAll(async () => {
  matrix.write()
  await supervisor?.stop()
  if (world !== undefined) await releaseMounts(world.stack.folder)
  await world?.close()
})

type Cosign = 'cosign3' | 'cosign2'

/** A folder with nothing but the programs that the commands name. */
function programs(cosign: Cosign): string {
  const folder = join(world.stack.folder, `programs-${cosign}`)
  mkdirSync(folder, { recursive: true })
  const waybill = join(folder, 'waybill')
  writeFileSync(waybill, `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'dist', 'cli.js')}' "$@"\n`)
  chmodSync(waybill, 0o755)
  try {
    symlinkSync(world.stack.peers.go[cosign], join(folder, 'cosign'))
    symlinkSync(world.stack.peers.debian.docker, join(folder, 'docker'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return folder
}

/** Pastes a line into `sh`, after the line that stands first in its block. */
function paste(lines: readonly string[], cosign: Cosign, trustedRoot = world.stack.trustedRootFile): Promise<Finished> {
  const env = {
    PATH: `${programs(cosign)}:${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: world.stack.folder,
    DOCKER_CONFIG: world.stack.buildkit.dockerConfig,
    DOCKER_HOST: docker.address,
    ...(trustedRoot === '' ? {} : { TRUSTED_ROOT: trustedRoot }),
  }
  return new Promise(resolve => {
    const options = { env, cwd: world.stack.folder, timeout: 120_000 }
    const child = execFile('sh', ['-c', lines.join('\n')], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, log: `${stdout}${stderr}`, stdout }),
    )
  })
}

interface Printed {
  readonly cosign: Cosign
  /** What each command needs to stand before it. */
  readonly first: readonly string[]
  readonly command: string
}

/** Every line of every shell block of a summary. */
function printedIn(summary: string): readonly Printed[] {
  return [
    ...summary.matchAll(/(<details><summary>The same with cosign 2<\/summary>\n\n)?```sh\n([\s\S]*?)\n```/g),
  ].flatMap(([, older, body = '']) => {
    const lines = body.split('\n')
    const first = lines.filter(line => line.startsWith(': "${TRUSTED_ROOT'))
    const cosign: Cosign = older === undefined ? 'cosign3' : 'cosign2'
    return lines.filter(line => !first.includes(line)).map(command => ({ cosign, first, command }))
  })
}

async function everyCommand(name: string, summary: string): Promise<readonly string[]> {
  const printed = printedIn(summary)
  for (const { cosign, first, command } of printed) {
    const short = `${command.split(' ').slice(0, 3).join(' ')} (${cosign})`
    const { code, log } = await paste([...first, command], cosign)
    matrix.record(`${name}, ${short}`, { code })
    expect(`${short} ${code} ${code === 0 ? '' : `${command}\n${log}`}`).toBe(`${short} 0 `)
  }
  return printed.map(
    ({ cosign, command }) => `${cosign === 'cosign2' ? 'cosign 2: ' : ''}${command.split(" '")[0] ?? ''}`,
  )
}

async function released(
  name: string,
  more: Readonly<Record<string, string>> = {},
): Promise<{ step: StepResult; image: string }> {
  const repository = repositoryIn(world, 'crane', `commands-${name}`)
  const step = await attest(world, { images: repository, tags: 'v1', builder: 'buildah', ...more })
  expect(`${step.code} ${step.code === 0 ? '' : step.log}`).toBe('0 ')
  return { step, image: pinned(repository, step.outputs.digest) }
}

test('every command of a release does what it says, with the trust root that the summary asks for', async () => {
  const { step } = await released('release')
  expect((await everyCommand('release', step.summary)).map(line => line.split(' --')[0])).toEqual([
    'docker pull',
    'cosign verify',
    'cosign verify-attestation',
    'waybill verify image',
    'cosign 2: cosign verify',
    'cosign 2: cosign verify-attestation',
  ])
})

test('every command of an image that was made elsewhere does what it says', async () => {
  const { step } = await released('layout', { builder: 'layout', layout: layoutOf(world, 'commands') })
  // Its layers are no archives: a daemon cannot unpack them, and nobody claims that.
  const summary = step.summary.replace(/```sh\ndocker pull .*\n```/, '')
  expect(await everyCommand('layout', summary)).toHaveLength(5)
})

test('every command that the gate prints for what it let pass does what it says', async () => {
  const { image } = await released('gate')
  const step = await world.verify(
    {
      images: image,
      'certificate-identity': `${world.stack.git.url}/acme/app/.github/workflows/release.yml@refs/heads/main`,
      'certificate-oidc-issuer': world.stack.oidc.issuer,
      require: 'signature\nprovenance',
    },
    { env: { DOCKER_CONFIG: world.stack.buildkit.dockerConfig } },
  )
  expect([step.code, step.code === 0 ? '' : step.log]).toEqual([0, ''])
  expect(await everyCommand('gate', step.summary)).toHaveLength(5)
})

test('without the trust root no command begins; with another image each of them refuses', async () => {
  const { step, image } = await released('refused')
  const other = (await released('refused', { builder: 'layout', layout: layoutOf(world, 'commands-other') })).step
  const digest = image.split('@')[1] ?? ''
  for (const { cosign, first, command } of printedIn(step.summary)) {
    if (command.startsWith('docker ')) continue
    const without = await paste([...first, command], cosign, '')
    expect([command, without.code, without.log]).toEqual([command, 2, expect.stringContaining('TRUSTED_ROOT')])
    const foreign = command.replace(digest, other.outputs.digest ?? '').replace('refs/heads/main', 'refs/heads/other')
    expect((await paste([...first, foreign], cosign)).code).toBeGreaterThan(0)
  }
})
