import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Digest } from '../../src/core/digest.ts'
import { type Dockerd, releaseMounts, startDockerd } from '../../tools/peers/dockerd.ts'
import { Supervisor } from '../../tools/peers/process.ts'
import { pushRoot, rootOf } from './building.ts'
import type { World } from './world.ts'

export interface OwnMachine {
  readonly dockerd: Dockerd
  close(): Promise<void>
}

/**
 * A Docker daemon of this test alone, in a folder that is gone when it is closed.
 * @param more what else the test needs of it; where that fails, the daemon ends.
 */
export async function startMachine<T>(
  { peers }: World['stack'],
  more: (dockerd: Dockerd, folder: string) => Promise<T>,
): Promise<OwnMachine & T> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'waybill-machine-'))
  const supervisor = new Supervisor(folder, peers.debian.setpriv)
  const close = async () => {
    await supervisor.stop()
    await releaseMounts(folder)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const dockerd = await startDockerd({ folder, peers, supervisor })
    return { ...(await more(dockerd, folder)), dockerd, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The image of a builder as its makers' is, from the programs that are here. */
export async function pushBuildKit(stack: World['stack']): Promise<Digest> {
  const { folder, peers, registry } = stack
  const root = await rootOf(stack, 'buildkit', [peers.go.buildkitd, peers.go.buildctl, peers.debian.runc])
  const settings = ['--entrypoint=/usr/bin/buildkitd', '--env=PATH=/usr/bin']
  return pushRoot({ folder, peers, registry }, 'tools/buildkit:1', root, settings)
}
