import { verifyCommand } from '../verify-command.ts'
import { readVerifyWish, VERIFY_OPTIONS, VERIFY_USAGE, type VerifyLine, type VerifyWish } from '../verify-options.ts'
import { command, usage } from './command.ts'

export interface VerifyFile extends VerifyWish {
  readonly files: readonly [string, ...string[]]
}

export const verifyFileCommand = command({
  words: 'verify file',
  synopsis: 'verify file PATH… (--policy FILE | flags that say who is expected)',
  usage: `waybill verify file – who signed a file, by the bundle beside it or found by its digest

  waybill verify file PATH… (--policy FILE | flags that say who is expected)

Each file's own bundle is PATH.sigstore.json, one of --bundle, or in --files-repository. Rules of a policy match a file
as file:PATH, relative to this folder.

${VERIFY_USAGE}
Example:
  waybill verify file app-1.2.tar.gz --repository acme/app --repository-id 4711 \\
    --signer acme/app/.github/workflows/release.yml@refs/tags/v1.2 --source-ref refs/tags/v1.2
`,
  options: VERIFY_OPTIONS,
  read: readVerifyFile,
  run: (wish, desk) => verifyCommand('verify file', wish, { files: wish.files }, desk),
})

/** @throws `entry/usage` for no path, and what `readVerifyWish` refuses. */
function readVerifyFile(line: VerifyLine): VerifyFile {
  const [first, ...more] = line.references
  if (first === undefined) throw usage('There is nothing to verify', 'waybill verify file PATH…', 'no path')
  const wish = readVerifyWish(line)
  if (wish.pin) throw usage('--pin writes manifests, and a file is none', 'verify manifest or verify compose', '--pin')
  return { files: [first, ...more], ...wish }
}
