import { readStandardInput } from '../../io/stdin.ts'
import { SUBJECT_LIMITS } from '../../subjects/limits.ts'
import { manifestImages, STANDARD_INPUT } from '../gate-manifests.ts'
import { verifyCommand } from '../verify-command.ts'
import { readVerifyWish, VERIFY_OPTIONS, VERIFY_USAGE, type VerifyLine, type VerifyWish } from '../verify-options.ts'
import { command, usage } from './command.ts'

export interface VerifyManifest extends VerifyWish {
  /** Names, patterns, `-` for standard input. */
  readonly manifests: readonly [string, ...string[]]
}

export const verifyManifestCommand = command({
  words: 'verify manifest',
  synopsis: 'verify manifest PATH… | - (--policy FILE | flags that say who is expected)',
  usage: `waybill verify manifest – every image that Kubernetes manifests name, also in custom resources

  waybill verify manifest PATH… | - (--policy FILE | flags that say who is expected)

PATH is a file or a pattern in quotes; - reads what kustomize or helm print. What cannot be examined makes the
result unknown. --pin writes the digests into the files, or with - prints the manifest to standard output, only if
every image passed.

${VERIFY_USAGE}
Example:
  kustomize build . | waybill verify manifest - --policy .github/waybill.yml --pin | kubectl apply -f -
`,
  options: VERIFY_OPTIONS,
  read: readVerifyManifest,
  run: async (wish, desk) => {
    const stdin = () => readStandardInput(SUBJECT_LIMITS.manifestBytes)
    const named = await manifestImages(wish.manifests, { folder: desk.world.workingFolder, stdin })
    return verifyCommand('verify manifest', wish, { named }, desk)
  },
})

/** @throws `entry/usage` for no path, and what `readVerifyWish` refuses. */
function readVerifyManifest(line: VerifyLine): VerifyManifest {
  const [first, ...more] = line.references
  if (first === undefined) throw usage('There is nothing to verify', 'waybill verify manifest PATH… | -', 'no path')
  const wish = readVerifyWish(line)
  const pipes = [first, ...more].includes(STANDARD_INPUT)
  if (pipes && wish.pin && wish.format !== 'text')
    throw usage(
      'The pinned manifest and the result cannot both go to standard output',
      '--pin without --json',
      '--pin and --json',
    )
  return { manifests: [first, ...more], ...wish, pipes }
}
