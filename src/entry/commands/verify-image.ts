import { verifyCommand } from '../verify-command.ts'
import { readVerifyWish, VERIFY_OPTIONS, VERIFY_USAGE, type VerifyLine, type VerifyWish } from '../verify-options.ts'
import { command, usage } from './command.ts'

export interface VerifyImage extends VerifyWish {
  readonly images: readonly [string, ...string[]]
}

export const verifyImageCommand = command({
  words: 'verify image',
  synopsis: 'verify image REFERENCE… (--policy FILE | flags that say who is expected)',
  usage: `waybill verify image – which workflow built the image, and whether it may have signed it

  waybill verify image REFERENCE… (--policy FILE | flags that say who is expected)

${VERIFY_USAGE}
Example:
  waybill verify image ghcr.io/acme/app:v1 \\
    --certificate-identity https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main \\
    --certificate-oidc-issuer https://token.actions.githubusercontent.com --require signature,provenance
`,
  options: VERIFY_OPTIONS,
  read: readVerifyImage,
  run: (wish, desk) => verifyCommand('verify image', wish, { images: wish.images }, desk),
})

/** @throws `entry/usage` for no reference, and what `readVerifyWish` refuses. */
export function readVerifyImage(line: VerifyLine): VerifyImage {
  const [first, ...more] = line.references
  if (first === undefined) throw usage('There is nothing to verify', 'waybill verify image REFERENCE…', 'no reference')
  const wish = readVerifyWish(line)
  if (wish.pin) throw usage('--pin writes files, and an image is none', 'verify manifest or verify compose', '--pin')
  return { images: [first, ...more], ...wish }
}
