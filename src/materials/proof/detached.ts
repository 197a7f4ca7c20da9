/**
 * OpenPGP and SSH signatures that lie beside a material. What checks them is in the room `source`, which this one may not
 * import; the story that fetches materials gives it in, made of `checkArmored` with a keyring of exactly this key.
 */
export interface DetachedChecker {
  /**
   * @param key bytes of the key file: armored OpenPGP, or a line of an SSH public key.
   * @returns the fingerprint of the key that made the signature over exactly these bytes.
   * @throws whatever the checker says of a signature that is none.
   */
  check(question: DetachedQuestion): Promise<{ readonly fingerprint: string }>
}

export interface DetachedQuestion {
  readonly kind: 'openpgp' | 'ssh'
  readonly signature: Uint8Array
  readonly key: Uint8Array
  readonly payload: Uint8Array
  /** Of `ssh`, mandatory there. */
  readonly namespace?: string
}
