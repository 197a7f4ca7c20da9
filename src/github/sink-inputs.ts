import type { AttestInputs } from './attest-inputs.ts'
import { isForFilesAlone } from './file-inputs.ts'
import { contradiction, type Inputs } from './inputs.ts'

/** Inputs of the root action about what is signed and published besides. */
export interface SinkInputs {
  readonly legacySignatures: boolean
  readonly githubAttestations: boolean
  /** `auto`, or a path as written. */
  readonly sbom?: string
  /** Absent: where the runner has artifacts. */
  readonly upload?: boolean
}

export function readSinks(inputs: Inputs): SinkInputs {
  const sbom = inputs.text('sbom')
  const upload = inputs.flag('upload')
  return {
    legacySignatures: inputs.flag('legacy-signatures') ?? false,
    githubAttestations: inputs.flag('github-attestations') ?? false,
    ...(sbom === undefined ? {} : { sbom }),
    ...(upload === undefined ? {} : { upload }),
  }
}

/** @throws `entry/input-contradiction` */
export function checkSinks(read: AttestInputs): void {
  const { legacySignatures, githubAttestations, sbom, sign, push, transparencyLog, githubToken } = read
  const named = [
    ...(legacySignatures ? ['legacy-signatures'] : []),
    ...(githubAttestations ? ['github-attestations'] : []),
    ...(sbom === undefined ? [] : ['sbom']),
  ]
  const [first] = named
  if (first === undefined) return
  if (isForFilesAlone(read))
    throw contradiction(`The input ${first} is about an image, and the run is for files alone`, `no ${first}`, first)
  if (sign === false || push === false)
    throw contradiction(
      `The input ${first} is about what is signed, and nothing is`,
      `no ${first}`,
      `${sign === false ? 'sign' : 'push'}: false`,
    )
  if (legacySignatures && transparencyLog === 'none')
    throw contradiction(
      'cosign 2 accepts a signature in a tag only with the promise of a transparency log',
      'transparency-log: public or own, or no legacy-signatures',
      'transparency-log: none',
    )
  if (githubAttestations && githubToken === undefined)
    throw contradiction('Only somebody with a token may store attestations', 'a github-token', 'github-token: ""')
}
