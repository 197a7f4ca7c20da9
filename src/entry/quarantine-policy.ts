import { resolve } from 'node:path'
import { decodeUtf8 } from '../core/bytes.ts'
import { type Digest, hexOf } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { exists, readFileBounded, writeFileAtomic } from '../io/files.ts'
import { POLICY_PATH } from '../policy/law.ts'
import { shellQuote } from '../report/text.ts'
import type { Desk } from './commands/command.ts'

export interface PolicyText {
  /** As the user names it. */
  readonly name: string
  readonly path: string
  readonly text: string
}

/** The policy to edit; undefined when none was named and there is none here. @throws `core/file-unreadable` */
export async function policyText(given: string | undefined, { world }: Desk): Promise<PolicyText | undefined> {
  const name = given ?? POLICY_PATH
  const path = resolve(world.workingFolder, name)
  if (given === undefined && !(await exists(path))) return undefined
  const text = decodeUtf8(await readFileBounded(path, LIMITS.policyFileBytes))
  if (text !== undefined) return { name, path, text }
  throw fail('policy/unusable', `${name} is not UTF-8`, { kind: 'configuration' })
}

/** Writes the edited policy, and says what is left for a person: the commit counts, not the file (12-policy § 1). */
export async function proposePolicy(
  policy: PolicyText,
  text: string,
  verb: 'Quarantine' | 'Release',
  digest: Digest,
): Promise<readonly string[]> {
  await writeFileAtomic(policy.path, text)
  const short = hexOf(digest).slice(0, 12)
  const file = shellQuote(policy.name)
  return [
    `${policy.name} is changed on disk. It counts once it is committed, signed and accepted on a ref of gate-refs:`,
    ...(file === undefined ? [] : [`  git add ${file}`]),
    `  git commit -S -m '${verb} sha256:${short}'`,
    `  git push origin HEAD:refs/heads/${verb.toLowerCase()}-${short}`,
  ]
}
