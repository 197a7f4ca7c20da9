import { hexOf, sha256 } from '../core/digest.ts'
import { isObject, type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import type { TrustName } from '../policy/policy.ts'
import type { AdmissionOptions } from './options.ts'
import { notExpressible } from './refused.ts'

/** Where TUF metadata of GitHub's instance comes from. docs/decisions/0014-github-instance.md */
const GITHUB_MIRROR = 'https://tuf-repo.github.com'
const GITHUB_AUTHORITY = 'https://fulcio.githubapp.com'
const PUBLIC_AUTHORITY = 'https://fulcio.sigstore.dev'
const PUBLIC_LOG = 'https://rekor.sigstore.dev'
/** What stands where a URL must be and nothing is asked. RFC 2606 */
const NO_URL = 'https://unnamed.invalid'

/** The services a policy believes, as policy-controller names them: one root and never a bag of them (13-adversary 29). */
export interface ControllerTrust {
  /** The object that holds them; absent: built in. */
  readonly root?: { readonly name: string; readonly spec: JsonObject }
  /** In `keyless` besides its identity. */
  readonly keyless: JsonObject
  /** Beside `keyless`: what says when something was signed. */
  readonly witness: JsonObject
  /** What the engine cannot ask of these services, a sentence each. */
  readonly remarks: readonly string[]
}

/**
 * How policy-controller 0.13.1 can be told of a trust root. It keeps the ids of logs in a form in which it does not find them again,
 * whatever a `TrustRoot` is made from: so of every root but the built-in one it can use the certificate and timestamp authorities.
 * @throws `policy/not-expressible` for a root without a timestamp authority.
 */
export function controllerTrust(trust: TrustName, options: AdmissionOptions): ControllerTrust {
  if (trust === 'public-good')
    return { keyless: { url: PUBLIC_AUTHORITY }, witness: { ctlog: { url: PUBLIC_LOG } }, remarks: [] }
  if (trust === 'github') return githubTrust(options)
  const bytes = options.files.get(trust.file)
  if (bytes === undefined) throw new TypeError(`controllerTrust() without the file ${trust.file}`)
  return fileTrust(trust.file, bytes)
}

function githubTrust({ githubRoot }: AdmissionOptions): ControllerTrust {
  if (githubRoot === undefined) throw new TypeError('controllerTrust() without the root of the repository of GitHub')
  const spec = { remote: { mirror: GITHUB_MIRROR, root: Buffer.from(githubRoot).toString('base64') } }
  return { ...byTimestamps('waybill-github', GITHUB_AUTHORITY), root: { name: 'waybill-github', spec }, remarks: [] }
}

/** Signing certificates are not looked up in certificate logs, and the time is that of a timestamp. */
function byTimestamps(name: string, url: string): Pick<ControllerTrust, 'keyless' | 'witness'> {
  return {
    keyless: { url, trustRootRef: name, insecureIgnoreSCT: true },
    witness: { rfc3161timestamp: { trustRootRef: name } },
  }
}

function fileTrust(file: string, bytes: Uint8Array): ControllerTrust {
  const root = parseJsonObject(bytes, 'trust root')
  const authorities = usable(root.certificateAuthorities)
  const timestamps = usable(root.timestampAuthorities)
  if (authorities.length === 0 || timestamps.length === 0)
    throw notExpressible(
      'policy-controller cannot use the transparency logs of an instance of one’s own, and without them a timestamp is needed',
      'a trust root with a certificate authority and a timestamp authority that are not retired',
      `${file} with ${authorities.length} and ${timestamps.length}`,
      'Add the timestamp authority to the trust root, and sign with its timestamps (signing-config).',
    )
  const name = `waybill-${hexOf(sha256(bytes)).slice(0, 12)}`
  const [first] = authorities
  const spec = { sigstoreKeys: { certificateAuthorities: authorities, timestampAuthorities: timestamps } }
  const url = typeof first?.uri === 'string' ? first.uri : NO_URL
  return { ...byTimestamps(name, url), root: { name, spec }, remarks: logRemarks(file, root) }
}

/** Where the root names logs, a gate asks them. */
function logRemarks(file: string, root: JsonObject): readonly string[] {
  const logs = [
    ...(isFilled(root.tlogs) ? ['transparency logs'] : []),
    ...(isFilled(root.ctlogs) ? ['certificate logs'] : []),
  ]
  if (logs.length === 0) return []
  return [
    `policy-controller cannot use the ${logs.join(' and ')} of ${file}: it asks for a timestamp instead. A gate asks both.`,
  ]
}

function isFilled(list: Json | undefined): boolean {
  return Array.isArray(list) && list.length > 0
}

/** What is no longer in use is left out: an object of policy-controller has no place for when it ended. */
function usable(list: Json | undefined): readonly JsonObject[] {
  return (Array.isArray(list) ? (list as readonly Json[]) : []).flatMap(item => {
    if (!isObject(item)) return []
    const { validFor, subject, uri } = item
    if (isObject(validFor) && validFor.end !== undefined) return []
    const names = isObject(subject) ? subject : {}
    return [
      {
        subject: {
          organization: filled(names.organization, 'unnamed'),
          commonName: filled(names.commonName, 'unnamed'),
        },
        uri: filled(uri, NO_URL),
        certChain: Buffer.from(pemOf(item)).toString('base64'),
      },
    ]
  })
}

function filled(value: Json | undefined, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise
}

function pemOf({ certChain }: JsonObject): string {
  const certificates = isObject(certChain) && Array.isArray(certChain.certificates) ? certChain.certificates : []
  return (certificates as readonly Json[])
    .map(certificate => {
      const raw = isObject(certificate) && typeof certificate.rawBytes === 'string' ? certificate.rawBytes : ''
      const lines =
        Buffer.from(raw, 'base64')
          .toString('base64')
          .match(/.{1,64}/g) ?? []
      return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
    })
    .join('')
}
