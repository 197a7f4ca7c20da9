/**
 * OpenPGP and SSH signatures that lie beside a material. What checks them is in the room `source`, which this one may not
 * import; the story that fetches materials gives it in, made of `checkDetached` with a keyring of exactly this key.
 */
export interface DetachedChecker {
  /**
   * @returns who signed exactly these bytes, in words.
   * @throws whatever the checker says of a signature that is none, or is by a key that may not be used.
   */
  check(question: DetachedQuestion): Promise<{ readonly by: string }>
}

export interface DetachedQuestion {
  readonly kind: 'openpgp' | 'ssh'
  readonly signature: Uint8Array
  /** From the first byte on; may be asked more than once. */
  content(): AsyncIterable<Uint8Array>
  /** Of `ssh`, mandatory there. */
  readonly namespace?: string
}
