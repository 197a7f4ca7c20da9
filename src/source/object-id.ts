import { createHash } from 'node:crypto'
import { type CommitId, parseCommitId } from '../core/digest.ts'

/** The id git gives these bytes: SHA-1 over `<type> SP <size> NUL <bytes>`. */
export function objectId(type: 'commit' | 'tree' | 'blob' | 'tag', bytes: Uint8Array): CommitId {
  const hash = createHash('sha1').update(`${type} ${bytes.byteLength}\0`).update(bytes)
  return parseCommitId(hash.digest('hex'))
}
