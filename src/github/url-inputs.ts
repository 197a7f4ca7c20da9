import { contradiction, type Inputs } from './inputs.ts'

/** Inputs of the verify action about an application that runs. Absent: not set. */
export interface UrlInputs {
  readonly url?: string
  /** Path of a public key. */
  readonly serverKey?: string
  readonly serverIdentity?: string
  readonly serverOidcIssuer?: string
  /** Path of a trusted_root.json. */
  readonly serverTrustedRoot?: string
  readonly expectImages: readonly string[]
  readonly allowPrivateAddress: boolean
}

export function readUrl(inputs: Inputs): UrlInputs {
  const [url, serverKey, serverIdentity] = ['url', 'server-key', 'server-identity'].map(name => inputs.text(name))
  const serverOidcIssuer = inputs.matching('server-oidc-issuer', /^https?:\/\/\S+$/, 'a URL')
  const serverTrustedRoot = inputs.text('server-trusted-root')
  return {
    ...(url === undefined ? {} : { url }),
    ...(serverKey === undefined ? {} : { serverKey }),
    ...(serverIdentity === undefined ? {} : { serverIdentity }),
    ...(serverOidcIssuer === undefined ? {} : { serverOidcIssuer }),
    ...(serverTrustedRoot === undefined ? {} : { serverTrustedRoot }),
    expectImages: inputs.list('expect-images'),
    allowPrivateAddress: inputs.flag('allow-private-address') ?? false,
  }
}

/** What else the step names. */
interface Beside {
  /** Of images, files, manifests and compose. */
  readonly subjects: number
  readonly offline: boolean
  readonly filesRepository?: string
  readonly quarantine?: string
}

/** @throws `entry/input-contradiction` */
export function checkUrl(read: UrlInputs, beside: Beside): void {
  const { url, serverKey, serverIdentity, serverOidcIssuer, serverTrustedRoot } = read
  if (serverKey !== undefined && serverIdentity !== undefined)
    throw contradiction('The document has one signer', 'server-key or server-identity', 'both')
  if ((serverIdentity === undefined) !== (serverOidcIssuer === undefined))
    throw contradiction('An identity goes with its issuer', 'server-identity and server-oidc-issuer', 'one of the two')
  if (serverTrustedRoot !== undefined && serverKey === undefined && serverIdentity === undefined)
    throw contradiction('A root says whom to believe, not who is expected', 'server-identity or server-key', 'neither')
  if (url === undefined) {
    const other = serverKey ?? serverIdentity ?? read.expectImages[0]
    if (other !== undefined || read.allowPrivateAddress)
      throw contradiction('Only a URL has a server and images to expect', 'url: https://HOST', 'no url')
    return
  }
  if (beside.subjects > 0)
    throw contradiction('A URL is verified in a step of its own', 'url alone', 'url with images, files or manifests')
  if (beside.offline || beside.filesRepository !== undefined)
    throw contradiction(
      'An application is asked over the network, and names no files',
      'url alone',
      'offline or files-repository',
    )
  if (beside.quarantine === 'attest' || beside.quarantine === 'retag')
    throw contradiction(
      'What a document names is not quarantined: whoever serves it chooses the names',
      'quarantine: off with url',
      `quarantine: ${beside.quarantine}`,
    )
}
