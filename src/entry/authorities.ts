import { join } from 'node:path'
import { LIMITS } from '../core/limits.ts'
import type { RunContext } from '../github/context.ts'
import { trustAuthorities } from '../io/authorities.ts'
import type { Environment } from '../io/environment.ts'
import { makeFolder, readFileBounded, writeFileAtomic } from '../io/files.ts'
import { inWorkspace } from './workspace.ts'

/**
 * The input `ca-certificates`, before the first connection: the whole process trusts them, and so does every child (git,
 * builders, credential helpers), which is told of one file with everything that is trusted now.
 * @returns the environment for children. @throws `core/file-unreadable`, `core/authority-unusable`
 */
export async function withAuthorities(
  env: Environment,
  paths: readonly string[],
  context: Pick<RunContext, 'workspace' | 'temporary'>,
): Promise<Environment> {
  if (paths.length === 0) return env
  const files = await Promise.all(
    paths.map(async name => ({
      name,
      bytes: await readFileBounded(inWorkspace(context, name), LIMITS.authorityBytes),
    })),
  )
  const folder = join(context.temporary, 'waybill')
  await makeFolder(folder)
  const bundle = join(folder, 'certificate-authorities.pem')
  await writeFileAtomic(bundle, trustAuthorities(files))
  return { ...env, SSL_CERT_FILE: bundle, NODE_EXTRA_CA_CERTS: bundle }
}
