import { PROVENANCE_PREDICATE } from '../statements/statement.ts'
import { isStored } from './kept.ts'
import type { Receipt } from './receipt.ts'
import { shellQuote } from './text.ts'

/** The issuer of GitHub's own identity tokens; `gh` knows no other. */
const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com'

/** How somebody else can check the image, with and without Waybill. Empty when nothing was signed and published. */
export function verifyCommands(receipt: Receipt): readonly string[] {
  const target = signedImage(receipt)
  if (target === undefined) return []
  const { reference, signer: expect } = target
  const provenance = hasProvenance(receipt)
  return [
    command('cosign verify', [...expect, reference]),
    ...(provenance ? [command('cosign verify-attestation --type slsaprovenance1', [...expect, reference])] : []),
    ...(provenance && ghApplies(receipt) ? [ghCommand(receipt, target)] : []),
    verifyCommand(receipt),
  ].filter(line => line !== undefined)
}

/** The one command of Waybill itself, for people to read and paste. */
export function verifyCommand(receipt: Receipt): string | undefined {
  const words = verifyArgs(receipt)
  return words === undefined ? undefined : command('waybill verify image', words.slice(2))
}

/** The same as words, for machines: no shell is needed and none should be used (13-adversary 37). */
export function verifyArgs(receipt: Receipt): readonly string[] | undefined {
  const target = signedImage(receipt)
  if (target === undefined) return undefined
  const { reference, signer } = target
  return [
    'verify',
    'image',
    reference,
    ...signer,
    '--require',
    hasProvenance(receipt) && !isRecorded(receipt) ? 'signature,provenance' : 'signature',
  ]
}

/** True when the signatures rest on another Sigstore than the public one, so every verifier must be given its trust root. */
export function needsTrustedRoot(receipt: Receipt): boolean {
  return receipt.attestations.some(({ log }) => log !== undefined && !isPublicGood(log.url))
}

export function pullCommand(receipt: Receipt): string | undefined {
  const { image } = receipt
  // A line that is easy to copy must not lead to an image that was refused.
  return image?.pushed === true && receipt.verdict === 'passed'
    ? command('docker pull', [`${image.repository}@${image.digest}`])
    : undefined
}

/** `program` is ours; every word is quoted unless it is an option of ours. Undefined when a word cannot be shown. */
function command(program: string, words: readonly string[]): string | undefined {
  const quoted = words.map(word => (/^--[a-z-]+$/.test(word) ? word : shellQuote(word)))
  return quoted.includes(undefined) ? undefined : [program, ...quoted].join(' ')
}

interface SignedImage {
  readonly reference: string
  /** Options that name who signed; cosign and Waybill spell them alike. */
  readonly signer: readonly [string, string, ...string[]]
}

function signedImage({ image, identity, signingKey, attestations }: Receipt): SignedImage | undefined {
  const signer = signerOptions({ identity, signingKey })
  if (image === undefined || signer === undefined || !image.pushed || attestations.length === 0) return undefined
  if (!attestations.every(isStored)) return undefined
  return { reference: `${image.repository}@${image.digest}`, signer }
}

function signerOptions({
  identity,
  signingKey,
}: {
  readonly [K in 'identity' | 'signingKey']: Receipt[K] | undefined
}): SignedImage['signer'] | undefined {
  if (signingKey !== undefined) return ['--key', signingKey.file]
  if (identity === undefined) return undefined
  return ['--certificate-identity', identity.san, '--certificate-oidc-issuer', identity.issuer]
}

function hasProvenance({ attestations }: Receipt): boolean {
  return attestations.some(({ predicateType }) => predicateType === PROVENANCE_PREDICATE)
}

/** The gate refuses provenance of an image that was not built by the run, unless a policy names that builder. */
function isRecorded({ image }: Receipt): boolean {
  return image?.builder === 'layout' || image?.builder === 'none'
}

function ghApplies(receipt: Receipt): boolean {
  const repository = ownerAndName(receipt)
  return (
    repository !== undefined &&
    receipt.identity?.issuer === GITHUB_ISSUER &&
    receipt.signingKey === undefined &&
    !needsTrustedRoot(receipt)
  )
}

function ghCommand(receipt: Receipt, { reference }: SignedImage): string | undefined {
  const { identity } = receipt
  const repository = ownerAndName(receipt)
  if (repository === undefined || identity === undefined) return undefined
  const expect = ['--repo', repository, '--cert-identity', identity.san, '--cert-oidc-issuer', identity.issuer]
  return command('gh attestation verify --bundle-from-oci', [...expect, `oci://${reference}`])
}

function ownerAndName({ source }: Receipt): string | undefined {
  return /^(?:https:\/\/github\.com\/)?([\w.-]+\/[\w.-]+)$/.exec(source?.repository ?? '')?.[1]
}

function isPublicGood(url: string): boolean {
  return URL.canParse(url) && new URL(url).hostname.endsWith('.sigstore.dev')
}
