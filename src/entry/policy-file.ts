import { basename, dirname, join, resolve } from 'node:path'
import { LIMITS } from '../core/limits.ts'
import { readFileBounded, readSmallFile } from '../io/files.ts'
import type { KeptPolicy } from '../pipeline/kept.ts'
import { type Law, lawFromFile } from '../policy/law.ts'
import type { Receipt } from '../report/receipt.ts'

export interface PolicyOnDisk {
  readonly law: Law
  /** How a result names it. */
  readonly receipt: NonNullable<Receipt['policy']>
  /** Its bytes and those of every file it names, as they were read. */
  readonly kept: KeptPolicy
}

/**
 * A policy the caller names on disk: constant, its files below its own folder.
 * @param path relative to `folder`. @throws `core/file-unreadable`, `policy/unusable`, `policy/unsupported`
 */
export async function policyFile(path: string, folder: string): Promise<PolicyOnDisk> {
  const file = resolve(folder, path)
  const bytes = await readFileBounded(file, LIMITS.policyFileBytes)
  const files = new Map([[basename(file), bytes]])
  const law = lawFromFile(bytes, basename(file), named => {
    const content = readSmallFile(join(dirname(file), named), LIMITS.policyFileBytes)
    if (content !== undefined) files.set(named, content)
    return content
  })
  return {
    law,
    receipt: { uri: `file:${path}`, digest: law.policyDigest },
    kept: { path: basename(file), files },
  }
}
