import { LIMITS } from '../core/limits.ts'
import type { AttestInputs } from '../github/attest-inputs.ts'
import type { RunContext } from '../github/context.ts'
import type { Environment } from '../io/environment.ts'
import { exists, readFileBounded, writeFileAtomic } from '../io/files.ts'
import { findFiles } from '../io/found-files.ts'
import { hashStableFile } from '../io/stable-file.ts'
import type { WorkspaceFiles } from '../pipeline/attest-request.ts'
import { keyFileSigner, type SignerServices } from './file-signer.ts'
import { keyName, openSigningKey } from './named-secret.ts'

export interface WorkspaceWorld {
  readonly env: Environment
  readonly inputs: Pick<AttestInputs, 'key' | 'keyPassword' | 'transparencyLog' | 'signingConfig'>
  readonly context: Pick<RunContext, 'workspace'>
  readonly services: () => Promise<SignerServices>
}

/** The job's workspace as the story knows it, and the key that signs its files. */
export function workspaceFiles({ env, inputs, context, services }: WorkspaceWorld): WorkspaceFiles {
  return {
    find: patterns => findFiles(context.workspace, patterns, LIMITS.attestedFiles),
    hash: async path => (await hashStableFile(path)).digest,
    present: async path => ((await exists(path)) ? readFileBounded(path, LIMITS.bundleBytes) : undefined),
    write: (path, bytes) => writeFileAtomic(path, bytes),
    keySigner: async () => {
      const { key = '', keyPassword: password } = inputs
      const place = { key, ...(password === undefined ? {} : { password }) }
      const opened = await openSigningKey(place, context.workspace, env)
      return keyFileSigner(opened, keyName(place), seen(inputs) ? await services() : undefined)
    },
  }
}

/** A key needs no service. Nobody is told of its signatures unless services are named, or the public log is chosen. */
function seen({ transparencyLog, signingConfig }: WorkspaceWorld['inputs']): boolean {
  return transparencyLog === 'public' || signingConfig !== undefined
}
