import { basename, dirname, join, resolve } from 'node:path'
import { LIMITS } from '../core/limits.ts'
import { readFileBounded, readSmallFile } from '../io/files.ts'
import { type Law, lawFromFile } from '../policy/law.ts'
import type { Receipt } from '../report/receipt.ts'

export interface PolicyOnDisk {
  readonly law: Law
  /** How a result names it. */
  readonly receipt: NonNullable<Receipt['policy']>
}

/**
 * A policy the caller names on disk: constant, its files below its own folder.
 * @param path relative to `folder`. @throws `core/file-unreadable`, `policy/unusable`, `policy/unsupported`
 */
export async function policyFile(path: string, folder: string): Promise<PolicyOnDisk> {
  const file = resolve(folder, path)
  const bytes = await readFileBounded(file, LIMITS.policyFileBytes)
  const law = lawFromFile(bytes, basename(file), named =>
    readSmallFile(join(dirname(file), named), LIMITS.policyFileBytes),
  )
  return { law, receipt: { uri: `file:${path}`, digest: law.policyDigest } }
}
