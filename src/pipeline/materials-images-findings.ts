import type { AllowedImage } from '../build/allowed.ts'
import type { Digest } from '../core/digest.ts'
import { hexOf } from '../core/digest.ts'
import { fail, type WaybillError } from '../core/error.ts'
import type { Finding } from '../core/verdict.ts'
import { formatReference, type Reference } from '../registry/reference.ts'

/** Default home of the materials manifest. 4-materials § 5 */
export const MANIFEST_PATH = '.github/waybill.materials.yml'

/** Places shown in a message; of more the number. */
const SHOWN = 3

/** Says with every finding where the image is named and how its canonical name reads. */
export function placed(findings: readonly Finding[], name: string, places: Iterable<string>): readonly Finding[] {
  const all = [...places]
  const rest = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : ''
  const where = `${all.slice(0, SHOWN).join(', ')}${rest}: ${name}`
  return findings.map(item => ({
    ...item,
    subject: name,
    message: item.severity === 'reject' ? `${where}: ${item.message}` : item.message,
  }))
}

/** `docker.io/library/node:24`, and with the digest where that is all there is. */
export function shownName(reference: Reference): string {
  const { host, repository, tag } = reference
  return tag === undefined ? formatReference(reference) : formatReference({ host, repository, tag })
}

/** The line of a materials manifest that pins an image. */
function manifestItem(reference: Reference, digest: Digest, use: AllowedImage['use']): string {
  const name = reference.repository.split('/').at(-1) ?? 'image'
  return `- {name: ${JSON.stringify(name)}, uri: "docker-image://${shownName(reference)}", digest: {sha256: "${hexOf(digest)}"}, use: {${itemUse(use)}: true}}`
}

function itemUse(use: AllowedImage['use']): string {
  return use === 'builder' || use === 'sbom-generator' ? use : 'base-image'
}

/** @param now what the tag means at this moment, which nobody has reviewed yet; absent: its registry did not say. */
export function notPinned(
  reference: Reference,
  use: AllowedImage['use'],
  manifest: string,
  now: Digest | undefined,
): WaybillError {
  const digest = now === undefined ? `a digest under materials in ${manifest}` : `materials in ${manifest}`
  const remedy =
    now === undefined
      ? `Look the digest of ${shownName(reference)} up, and add to materials in ${manifest}: - {name: "${reference.repository.split('/').at(-1)}", uri: "docker-image://${shownName(reference)}", digest: {sha256: "<64 hex>"}, use: {${itemUse(use)}: true}}`
      : `Review it, then add to materials in ${manifest}: ${manifestItem(reference, now, use)}`
  return fail('materials/not-pinned', 'Nothing says which digest was reviewed', {
    expected: `@sha256:… in the Dockerfile, or ${digest}`,
    found: now === undefined ? 'a tag' : `a tag, which means ${now} now`,
    remedy,
  })
}

/**
 * An image that nobody signed can still be trusted by its digest, once somebody has reviewed that; the rule for it comes from the
 * policy, never from here. For other refusals this is no way out: what was signed by a stranger wants an explanation.
 */
export function withPinningRemedy(finding: Finding, reference: Reference, digest: Digest): Finding {
  if (finding.code !== 'verify/no-attestation') return finding
  const rule = `- {match: "${reference.canonical}", digest-lock: true}`
  // A digest in the Dockerfile is one that was reviewed; a manifest takes none in a name.
  const pin =
    reference.digest === undefined
      ? ` and into materials of ${MANIFEST_PATH}: ${manifestItem(reference, digest, 'base')}`
      : ''
  return {
    ...finding,
    remedy: `${finding.remedy} To trust these bytes without a signature, put into base-images of the policy, above the rule that matches: ${rule}${pin}`,
  }
}
