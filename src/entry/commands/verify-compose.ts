import { composeImages } from '../gate-manifests.ts'
import { verifyCommand } from '../verify-command.ts'
import { readVerifyWish, VERIFY_OPTIONS, VERIFY_USAGE, type VerifyLine, type VerifyWish } from '../verify-options.ts'
import { command, usage } from './command.ts'

export interface VerifyCompose extends VerifyWish {
  readonly files: readonly [string, ...string[]]
}

export const verifyComposeCommand = command({
  words: 'verify compose',
  synopsis: 'verify compose FILE… (--policy FILE | flags that say who is expected)',
  usage: `waybill verify compose – every image of a compose application, as compose puts it together

  waybill verify compose FILE… (--policy FILE | flags that say who is expected)

Several files are laid over each other in this order, as with docker compose -f. A service that is built where it
runs, and a variable that nobody knows, make the result unknown. --pin writes the digests into the files, only if every
image passed.

${VERIFY_USAGE}
Example:
  waybill verify compose compose.yaml --policy .github/waybill.yml --pin
`,
  options: VERIFY_OPTIONS,
  read: readVerifyCompose,
  run: async (wish, desk) => {
    const named = await composeImages(wish.files, desk.world.workingFolder)
    return verifyCommand('verify compose', wish, { named }, desk)
  },
})

/** @throws `entry/usage` for no file, and what `readVerifyWish` refuses. */
function readVerifyCompose(line: VerifyLine): VerifyCompose {
  const [first, ...more] = line.references
  if (first === undefined) throw usage('There is nothing to verify', 'waybill verify compose FILE', 'no file')
  return { files: [first, ...more], ...readVerifyWish(line) }
}
