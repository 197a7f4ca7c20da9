import { existsSync, readFileSync } from 'node:fs'
import type { Scenario } from '../fakes/scenario.ts'

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync) ?? ''

/** Bob changes what is built; a static shell lies beside the Dockerfile, so that no base image is needed. */
export async function commitDockerfile(scenario: Scenario, dockerfile: readonly string[]): Promise<void> {
  scenario.repository.commit({
    message: 'Change what is built',
    signer: scenario.bob,
    name: 'Bob',
    email: 'bob@example.com',
    files: { Dockerfile: [...dockerfile, ''].join('\n'), 'busybox.sh': readFileSync(BUSYBOX) },
  })
  await scenario.publish()
}
