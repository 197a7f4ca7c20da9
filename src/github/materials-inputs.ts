import type { AttestInputs } from './attest-inputs.ts'
import { isForFilesAlone } from './file-inputs.ts'
import { contradiction, type Inputs, malformed } from './inputs.ts'

/** Inputs of the root action about what a build pulls in. */
export interface MaterialsInputs {
  readonly materialsMode: 'auto' | 'enforce' | 'audit' | 'off'
  /** Path of the manifest from the root of the commit. */
  readonly materials?: string
}

export function readMaterials(inputs: Inputs): MaterialsInputs {
  const path = inputs.text('materials')
  const clean = path?.replace(/^\.\//, '')
  if (
    clean !== undefined &&
    (/^\/|^-|\\|\0/.test(clean) || clean.split('/').some(part => part === '..' || part === ''))
  )
    throw malformed('materials', 'a path inside the repository, without ..', path ?? '')
  return {
    materialsMode: inputs.choice('materials-mode', ['auto', 'enforce', 'audit', 'off']),
    ...(clean === undefined ? {} : { materials: clean }),
  }
}

/** @throws `entry/input-contradiction` */
export function checkMaterials(read: AttestInputs): void {
  const { materialsMode: mode, materials, sourceMode, since, policy, digest, layout, command } = read
  if (mode === 'off' && materials !== undefined)
    throw contradiction(
      'Materials are not judged, but a manifest is named',
      'materials-mode: auto',
      'materials-mode: off',
    )
  const asked =
    mode === 'enforce' || mode === 'audit' ? `materials-mode: ${mode}` : materials && `materials: ${materials}`
  if (
    asked !== undefined &&
    (digest !== undefined || layout !== undefined || command !== undefined || isForFilesAlone(read))
  )
    throw contradiction(
      'What went into something that was made elsewhere nobody here can know',
      'no materials and no materials-mode, or a builder that builds',
      asked,
    )
  if (mode === 'enforce' && policy === undefined && (since === undefined || sourceMode === 'off'))
    throw contradiction(
      'materials-mode: enforce needs the policy whose rules are meant',
      'since: <full id of the commit that brought the policy>',
      sourceMode === 'off' ? 'source-mode: off' : 'no since',
    )
}
