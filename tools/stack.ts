import { realpathSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Stack, startStack } from '../__tests__/fakes/stack.ts'
import { exportLines } from './export-lines.ts'

/**
 * `npm run stack -- [--repository FOLDER] [--rekor v1|v2|both] [--folder FOLDER]`: starts the embedded stack, prints the
 * environment of one job as `export` lines, and runs until SIGINT or SIGTERM.
 * `--repository` serves a local git repository as `acme/app`, the run's commit being its HEAD.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { repository: { type: 'string' }, rekor: { type: 'string', default: 'v1' }, folder: { type: 'string' } },
  })
  const rekor = values.rekor
  if (rekor !== 'v1' && rekor !== 'v2' && rekor !== 'both') throw new Error('--rekor is v1, v2 or both')
  const stack = await startStack({
    rekor,
    ...(values.folder === undefined ? {} : { folder: realpathSync(values.folder) }),
  })
  const sha = values.repository === undefined ? {} : { sha: await stack.git.publish(values.repository, 'acme/app') }
  const stopped = new Promise<void>(resolve => {
    // More than once: a terminal signals the whole group, and who started this process passes its own on.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
  })
  process.stdout.write(environmentOf(stack, sha))
  await stopped
  await stack.close()
}

function environmentOf(stack: Stack, claims: { sha?: string }): string {
  const { PATH: _path, HOME: _home, ...runner } = stack.run({ claims }).environment
  const addresses = {
    STACK_FOLDER: stack.folder,
    STACK_TRUSTED_ROOT: stack.trustedRootFile,
    STACK_SIGNING_CONFIG: stack.signingConfigFile,
    STACK_REGISTRY: stack.registry.host,
    STACK_FULCIO_URL: stack.fulcio.url,
    STACK_REKOR_V1_URL: stack.rekorV1.url,
    STACK_REKOR_V2_URL: stack.rekorV2.url,
    STACK_TIMESTAMP_URL: stack.timestamp.endpoint,
    STACK_OIDC_ISSUER: stack.oidc.issuer,
  }
  return exportLines({ ...addresses, ...runner })
}

await main()
