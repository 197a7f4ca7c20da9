import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { type Finding, findingOf, type Outcome, worst } from '../core/verdict.ts'
import { formatReference, parseReference, type Reference } from '../registry/reference.ts'
import type { Receipt, SubjectReceipt } from '../report/receipt.ts'
import type { DeployedImage, Deployment, DeploymentIdentity } from '../statements/deployment.ts'
import type { Place } from '../subjects/place.ts'
import type { ApplicationUrl } from '../subjects/url.ts'
import type { ServedDocument } from './served-document.ts'
import type { ImageSubjectRequest, Unreadable } from './verify-request.ts'

/** What a document makes the gate look at. */
export interface DocumentSubjects {
  readonly named: readonly ImageSubjectRequest[]
  readonly unreadable: readonly Unreadable[]
  /** By the name of a subject, what the document says of it beside its digest. */
  readonly claims: ReadonlyMap<string, DeployedImage>
}

/** An image that the caller knows to run there; with a digest exactly this one. */
export type ExpectedImage = Reference

/** @throws `entry/usage`-like `verify/url-unusable` never; `registry/reference-malformed` for what is no reference, or names a tag */
export function expectedImage(text: string): ExpectedImage {
  const reference = parseReference(text)
  if (reference.tag === undefined) return reference
  throw fail(
    'registry/reference-malformed',
    `${printable(text, 200)} names a tag, which says nothing about what runs`,
    {
      expected: reference.canonical,
      found: `:${reference.tag}`,
    },
  )
}

/**
 * Every image that the document names, for the gate to judge by what the caller expects. Never by what the document says: that
 * chooses only which images are looked at (13-adversary 32).
 */
export function documentSubjects(
  { images, unclear = [] }: Deployment,
  url: ApplicationUrl,
  expected: readonly ExpectedImage[],
): DocumentSubjects {
  const claims = new Map<string, DeployedImage>()
  const named = images.map((image, at): ImageSubjectRequest => {
    const { tag: _, ...reference } = parseReference(`${image.name}@${image.digest}`)
    claims.set(formatReference(reference), image)
    return { kind: 'image', reference, origin: 'judged', certain: true, places: [placeOf(url, `images[${at}]`)] }
  })
  const hidden = unclear.map(({ place, why }, at): Unreadable => {
    const error = fail('verify/unexamined-image', `${place} runs something that nobody could tell: ${why}`)
    return { name: place, findings: [findingOf(error, place)], places: [placeOf(url, `unclear[${at}]`)] }
  })
  const missing = expected.filter(item => !named.some(({ reference }) => covers(item, reference)))
  return { named, unreadable: [...hidden, ...missing.map(item => notListed(item, url))], claims }
}

function covers(expected: ExpectedImage, { canonical, digest }: Reference): boolean {
  return expected.canonical === canonical && (expected.digest === undefined || expected.digest === digest)
}

/** Fewer images than expected must not look like nothing wrong. */
function notListed(expected: ExpectedImage, url: ApplicationUrl): Unreadable {
  const name = formatReference(expected)
  const error = fail('verify/image-not-listed', `${name} is not among what ${url.audience} says it runs`, {
    expected: name,
    found: 'no such image in the document',
  })
  return { name, findings: [findingOf(error, name)], places: [] }
}

function placeOf({ document }: ApplicationUrl, path: string): Place {
  return { file: document.href, document: 1, path, line: 1, pod: true }
}

/**
 * The gate's result with the document itself as its first subject, and beside each image what the document claims.
 * @param judged absent: nothing in the document was looked at.
 */
export function documentReceipt(
  { receipt: document }: ServedDocument,
  url: ApplicationUrl,
  judged: { readonly receipt: Receipt; readonly claims: DocumentSubjects['claims'] } | undefined,
  command: string,
): Receipt {
  const images = judged === undefined ? [] : judged.receipt.subjects.map(item => withClaim(item, judged.claims))
  const verdict = worst([document.verdict as Outcome, ...(judged === undefined ? [] : [judged.receipt.verdict])])
  const notices = url.ignored === undefined ? [] : [onlyHost(url, url.ignored)]
  if (judged === undefined)
    return {
      schemaVersion: 1,
      command,
      verdict,
      subjects: [document],
      stages: [],
      attestations: [],
      notChecked: ['What the host runs: its document could not be used, so no image of it was asked for.'],
      notices,
    }
  return {
    ...judged.receipt,
    verdict,
    subjects: [document, ...images],
    notChecked: [completeness(document), ...judged.receipt.notChecked],
    notices: [...notices, ...judged.receipt.notices],
  }
}

/** What no document can prove, said plainly. */
function completeness({ verdict }: SubjectReceipt): string {
  const whose = verdict === 'passed' ? 'the word of whoever signed the document' : 'the host’s own claim'
  return `Whether more runs behind this host than its document lists, and whether what runs is what answers: that is ${whose}.`
}

function onlyHost({ document }: ApplicationUrl, ignored: string): string {
  return `Only ${document.origin} was asked: a document speaks for a whole host, and ${printable(ignored, 100)} is no part of it.`
}

/** A note each: what is claimed beside what was found, in the words of the table. */
function withClaim(subject: SubjectReceipt, claims: DocumentSubjects['claims']): SubjectReceipt {
  const image = claims.get(subject.name)
  if (image === undefined) return subject
  const error = fail('verify/host-claims', `The host says of it: ${claimText(image)}`, {
    expected: subject.by ?? 'what the caller expects, which was not found',
    found: claimText(image),
  })
  const note: Finding = findingOf(error, subject.name, 'note')
  return { ...subject, findings: [...subject.findings, ...driftOf(image, subject.name), note] }
}

/** The running digest is the one that was judged; that another was deployed is the host's word, too. */
function driftOf({ specified, digest }: DeployedImage, name: string): readonly Finding[] {
  if (specified === undefined || specified === digest) return []
  const error = fail('verify/drift', 'The host says that another image runs than was specified or deployed', {
    expected: specified,
    found: digest,
  })
  return [findingOf(error, name, 'note')]
}

function claimText({ expected = {}, places = [] }: DeployedImage): string {
  const { build, deployer } = expected
  return [
    build === undefined ? 'nobody is named who built it' : `built by ${identityText(build)}`,
    ...(deployer === undefined ? [] : [`deployed by ${identityText(deployer)}`]),
    ...(places.length === 0 ? [] : [`runs at ${placesText(places)}`]),
  ].join('; ')
}

function placesText(places: readonly string[]): string {
  const shown = places.slice(0, 3).join(', ')
  return places.length > 3 ? `${shown} and ${places.length - 3} more` : shown
}

function identityText(identity: DeploymentIdentity): string {
  return 'key' in identity ? `the key ${identity.key}` : `${identity.identity} (${identity.issuer})`
}
