/**
 * `npm run peers [-- --repository FOLDER]`: installs and starts the peers, prints the environment of one job as `export`
 * lines, and runs until SIGINT or SIGTERM. `--repository` serves a local git repository as `acme/app`.
 */
import { parseArgs } from 'node:util'
import { exportLines } from '../export-lines.ts'
import { installPeers } from './install.ts'
import { startPeers } from './stack.ts'

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { repository: { type: 'string' } } })
  await installPeers(line => console.error(line))
  const stack = await startPeers()
  try {
    const sha = values.repository === undefined ? {} : { sha: await stack.git.publish(values.repository, 'acme/app') }
    const stopped = new Promise<void>(resolve => {
      // More than once: a terminal signals the whole group, and who started this process passes its own on.
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
    })
    const registries = Object.entries(stack.registries).map(
      ([name, { host }]) => [`PEERS_REGISTRY_${name.toUpperCase()}`, host] as const,
    )
    const addresses = {
      PEERS_FOLDER: stack.folder,
      PEERS_COSIGN3: stack.peers.go.cosign3,
      PEERS_COSIGN2: stack.peers.go.cosign2,
      PEERS_TRUSTED_ROOT: stack.trustedRootFile,
      PEERS_SIGNING_CONFIG: stack.signingConfigFile,
      PEERS_FULCIO_URL: stack.fulcio.url,
      PEERS_REKOR_V1_URL: stack.rekorV1.url,
      PEERS_REKOR_V2_URL: stack.rekorV2.url,
      PEERS_TIMESTAMP_URL: stack.timestamp.url,
      PEERS_OIDC_ISSUER: stack.oidc.issuer,
      DOCKER_CONFIG: stack.buildkit.dockerConfig,
      ...Object.fromEntries(registries),
    }
    const { PATH: _path, HOME: _home, ...runner } = stack.run({ claims: sha }).environment
    process.stdout.write(exportLines({ ...addresses, ...runner }))
    await stopped
  } finally {
    await stack.close()
  }
}

await main()
