import { isRecorded } from '../statements/provenance.ts'
import { PROVENANCE_PREDICATE } from '../statements/statement.ts'
import { othersOf } from './counts.ts'
import { isStored } from './kept.ts'
import type { Receipt, SubjectReceipt } from './receipt.ts'
import { shellQuote } from './text.ts'

/** The issuer of GitHub's own identity tokens; `gh` knows no other. */
const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com'

/** Subjects of a gate that commands are printed for; the others are verified by the same commands with another digest. */
const SUBJECTS = 5

/**
 * Stands first where the signatures rest on another Sigstore than the public one: whoever pastes the commands names the root once, and
 * without it the shell stops by itself. Fixed text.
 */
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
export const TRUSTED_ROOT_LINE = ': "${TRUSTED_ROOT:?set it to the file with the trust root of your Sigstore}"'
const TRUSTED_ROOT_OPTION: readonly Word[] = [{ raw: '--trusted-root' }, { raw: '"$TRUSTED_ROOT"' }]

/** What cosign 2 must be told besides to find bundles that hang on an image. */
const COSIGN_2: readonly Word[] = [{ raw: '--new-bundle-format' }, { raw: '--use-signed-timestamps' }]

/** A value, always quoted, whatever it looks like; or an option or other fixed text of ours. */
type Word = string | { readonly raw: string }

/** How somebody else can check the image that was signed, with and without Waybill. Empty when nothing was signed and published. */
export function verifyCommands(receipt: Receipt): readonly string[] {
  const target = signedImage(receipt)
  return target === undefined ? [] : commandsOf(target)
}

/** How somebody else can check the images that a gate let pass, the first few of them. */
export function judgedCommands(receipt: Receipt): readonly string[] {
  return receipt.image === undefined ? judgedImages(receipt).flatMap(commandsOf) : []
}

/** The same for cosign 2, which looks for bundles only when it is told to. */
export function cosign2Commands(receipt: Receipt): readonly string[] {
  const signed = signedImage(receipt)
  const targets = signed !== undefined ? [signed] : receipt.image === undefined ? judgedImages(receipt) : []
  return targets.flatMap(target => cosignCommands(target, COSIGN_2))
}

function commandsOf(target: Target): readonly string[] {
  return [...cosignCommands(target, []), ghCommand(target), waybillCommand(target, target.ownRoot)].filter(
    line => line !== undefined,
  )
}

/** The one command of Waybill itself, for people to read and paste. */
export function verifyCommand(receipt: Receipt): string | undefined {
  const target = signedImage(receipt)
  return target === undefined ? undefined : waybillCommand(target, false)
}

/** The same as words, for machines: no shell is needed and none should be used (13-adversary 37). */
export function verifyArgs(receipt: Receipt): readonly string[] | undefined {
  const target = signedImage(receipt)
  if (target === undefined) return undefined
  return ['verify', 'image', target.reference, ...target.signer.flat(), '--require', requirement(target)]
}

/** True when the signatures rest on another Sigstore than the public one, so every verifier must be given its trust root. */
export function needsTrustedRoot(receipt: Receipt): boolean {
  return [...receipt.attestations.map(({ log }) => log), ...othersOf(receipt.subjects).flatMap(logsOf)].some(
    log => log !== undefined && !isPublicGood(log.url),
  )
}

export function pullCommand(receipt: Receipt): string | undefined {
  const { image } = receipt
  // A line that is easy to copy must not lead to an image that was refused.
  return image?.pushed === true && receipt.verdict === 'passed'
    ? command('docker pull', [`${image.repository}@${image.digest}`])
    : undefined
}

/** `program` is ours. Undefined when a word cannot be shown. */
function command(program: string, words: readonly Word[]): string | undefined {
  const quoted = words.map(word => (typeof word === 'string' ? shellQuote(word) : word.raw))
  return quoted.includes(undefined) ? undefined : [program, ...quoted].join(' ')
}

type Options = readonly (readonly [name: string, value: string])[]

function wordsOf(options: Options): readonly Word[] {
  return options.flatMap(([raw, value]): readonly Word[] => [{ raw }, value])
}

/** One image that somebody can verify by what is public about it. */
interface Target {
  readonly reference: string
  /** Options that name who signed; cosign and Waybill spell them alike. */
  readonly signer: Options
  readonly identity?: NonNullable<Receipt['identity']>
  readonly signature: boolean
  readonly provenance: boolean
  /** The gate refuses provenance of an image that was not built by the run, unless a policy names that builder. */
  readonly recorded: boolean
  readonly ownRoot: boolean
  /** A key signed, and nothing is in a log: cosign asks for an entry unless it is told not to. */
  readonly unlogged: boolean
  /** `owner/name` on github.com. */
  readonly repository?: string
}

function signedImage(receipt: Receipt): Target | undefined {
  const { image, identity, signingKey, attestations, source } = receipt
  const signer = signerOptions({ identity, signingKey })
  if (image === undefined || signer === undefined || !image.pushed || attestations.length === 0) return undefined
  if (!attestations.every(isStored)) return undefined
  const repository = ownerAndName(source?.repository)
  return {
    reference: `${image.repository}@${image.digest}`,
    signer,
    ...(identity === undefined || signingKey !== undefined ? {} : { identity }),
    signature: true,
    provenance: attestations.some(({ predicateType }) => predicateType === PROVENANCE_PREDICATE),
    recorded: isRecorded(image.builder),
    ownRoot: needsTrustedRoot(receipt),
    unlogged: attestations.every(({ log }) => log === undefined),
    ...(repository === undefined ? {} : { repository }),
  }
}

/** What a gate let pass by the certificate of whoever signed; what a rule asks besides, only Waybill and the rule can say. */
function judgedImages(receipt: Receipt): readonly Target[] {
  return othersOf(receipt.subjects)
    .filter(({ verdict, digest }) => verdict === 'passed' && digest.startsWith('sha256:'))
    .flatMap((subject): readonly Target[] => {
      const { identity, links = [] } = subject
      const reference = referenceOf(subject)
      const holds = (wanted: string) => links.some(({ link, state }) => link === wanted && state === 'passed')
      if (identity === undefined || reference === undefined || !(holds('signature') || holds('provenance'))) return []
      const { san, issuer } = identity
      const repository = ownerAndName(identity.repository)
      return [
        {
          reference,
          signer: identityOptions({ san, issuer }),
          identity,
          signature: holds('signature'),
          provenance: holds('provenance'),
          recorded: false,
          unlogged: false,
          ownRoot: logsOf(subject).some(({ url }) => !isPublicGood(url)),
          ...(repository === undefined ? {} : { repository }),
        },
      ]
    })
    .slice(0, SUBJECTS)
}

/** By its digest, whatever it was named by; undefined for files, which have no repository. */
function referenceOf({ name, digest, links = [] }: SubjectReceipt): string | undefined {
  if (links.length === 0 || !name.includes('/')) return undefined
  const repository = name.replace(/@sha256:[0-9a-f]{64}$/, '').replace(/:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, '')
  return /^[a-z0-9.-]+(?::[0-9]+)?(?:\/[a-z0-9._-]+)+$/.test(repository) ? `${repository}@${digest}` : undefined
}

function logsOf({ links = [] }: SubjectReceipt): readonly NonNullable<Receipt['attestations'][number]['log']>[] {
  return links.flatMap(({ log, below }) => [
    ...(log === undefined ? [] : [log]),
    ...below.flatMap(link => link.log ?? []),
  ])
}

function cosignCommands(target: Target, more: readonly Word[]): readonly string[] {
  const { reference, signer, signature, provenance, ownRoot, unlogged } = target
  const silent: readonly Word[] = unlogged ? [{ raw: '--insecure-ignore-tlog' }] : []
  const words: readonly Word[] = [
    ...more,
    ...wordsOf(signer),
    ...silent,
    ...(ownRoot ? TRUSTED_ROOT_OPTION : []),
    reference,
  ]
  return [
    ...(signature ? [command('cosign verify', words)] : []),
    ...(provenance ? [command('cosign verify-attestation --type slsaprovenance1', words)] : []),
  ].filter(line => line !== undefined)
}

/** @param rooted with the place for a trust root, which the output for other steps has not: they name their own. */
function waybillCommand(target: Target, rooted: boolean): string | undefined {
  const { reference, signer } = target
  const root = rooted ? TRUSTED_ROOT_OPTION : []
  return command('waybill verify image', [
    reference,
    ...wordsOf(signer),
    ...root,
    { raw: '--require' },
    requirement(target),
  ])
}

function requirement({ signature, provenance, recorded }: Target): string {
  const items = [...(signature ? ['signature'] : []), ...(provenance && !recorded ? ['provenance'] : [])]
  return items.join(',')
}

/** `gh` speaks of GitHub's own identities alone, and trusts no other Sigstore than the public one. */
function ghCommand({ reference, identity, provenance, ownRoot, repository }: Target): string | undefined {
  if (!provenance || ownRoot || identity?.issuer !== GITHUB_ISSUER || repository === undefined) return undefined
  const expect: Options = [
    ['--repo', repository],
    ['--cert-identity', identity.san],
    ['--cert-oidc-issuer', identity.issuer],
  ]
  return command('gh attestation verify --bundle-from-oci', [...wordsOf(expect), `oci://${reference}`])
}

function signerOptions({
  identity,
  signingKey,
}: {
  readonly [K in 'identity' | 'signingKey']: Receipt[K] | undefined
}): Target['signer'] | undefined {
  if (signingKey !== undefined) return [['--key', signingKey.file]]
  return identity === undefined ? undefined : identityOptions(identity)
}

function identityOptions({ san, issuer }: NonNullable<Receipt['identity']>): Options {
  return [
    ['--certificate-identity', san],
    ['--certificate-oidc-issuer', issuer],
  ]
}

function ownerAndName(repository = ''): string | undefined {
  return /^(?:https:\/\/github\.com\/)?([\w.-]+\/[\w.-]+)$/.exec(repository)?.[1]
}

function isPublicGood(url: string): boolean {
  return URL.canParse(url) && new URL(url).hostname.endsWith('.sigstore.dev')
}
