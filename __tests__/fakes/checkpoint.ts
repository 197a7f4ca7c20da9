import { type KeyObject, sign } from 'node:crypto'

/**
 * A signed note over a tree head (C2SP tlog-checkpoint):
 *
 *     <origin>\n<size>\n<base64 root>\n\n— <name> <base64 (4 bytes key hint ‖ signature)>\n
 *
 * ECDSA signs SHA-256 of the text up to and including the newline before the empty line; Ed25519 signs the text itself.
 */
export function signCheckpoint(head: {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
  readonly signer: { readonly name: string; readonly keyHint: Uint8Array; readonly key: KeyObject }
}): string {
  const note = `${head.origin}\n${head.size}\n${Buffer.from(head.root).toString('base64')}\n`
  const { name, keyHint, key } = head.signer
  const signature = sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', Buffer.from(note), key)
  const line = Buffer.concat([keyHint.subarray(0, 4), signature]).toString('base64')
  return `${note}\n\u2014 ${name} ${line}\n`
}
