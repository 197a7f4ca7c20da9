import { createHash } from 'node:crypto'
import { decodeUtf8, encodeBase64 } from '../core/bytes.ts'
import type { SignatureFact } from '../core/facts.ts'
import { looksArmored } from './armor.ts'
import type { Keyring } from './keyring.ts'
import { matchesOpenpgpStream } from './openpgp-verify.ts'
import { verifySshsigDigest } from './sshsig.ts'
import { checkArmored, type Mathematics } from './verify.ts'

/** A signature that lies beside a file. */
export interface Detached {
  readonly scheme: 'openpgp' | 'ssh'
  /** Armored; of OpenPGP also without, as `gpg --detach-sign` writes it by default. */
  readonly signature: Uint8Array
  /** The file from its first byte on; may be asked more than once. */
  content(): AsyncIterable<Uint8Array>
  /** The purpose that an SSH signature must name. */
  readonly namespace?: string
}

/**
 * As `checkArmored`, for a file of any size: it is read once for each key that may have signed, and never held.
 * @throws only what Waybill did not foresee, and whatever `content` throws.
 */
export function checkDetached(detached: Detached, keyring: Keyring): Promise<SignatureFact> {
  const { scheme, signature, namespace } = detached
  return checkArmored(
    {
      scheme,
      armor: armorOf(scheme, signature),
      // The mathematics below has its own.
      payload: new Uint8Array(),
      ...(namespace === undefined ? {} : { namespace }),
    },
    keyring,
    streaming(detached),
  )
}

function streaming({ content }: Detached): Mathematics {
  return {
    openpgp: (signature, _payload, key) => matchesOpenpgpStream(signature, content(), key),
    ssh: async (sig, _payload, keyObject) => {
      const hash = createHash(sig.hash)
      for await (const chunk of content()) hash.update(chunk)
      return verifySshsigDigest(sig, hash.digest(), keyObject)
    },
  }
}

/** What is no text at all is refused as armor that cannot be read. */
function armorOf(scheme: Detached['scheme'], bytes: Uint8Array): string {
  if (scheme === 'ssh' || looksArmored(bytes)) return (decodeUtf8(bytes) ?? '').replaceAll('\r\n', '\n')
  const lines = encodeBase64(bytes).match(/.{1,64}/g) ?? []
  return ['-----BEGIN PGP SIGNATURE-----', '', ...lines, '-----END PGP SIGNATURE-----'].join('\n')
}
