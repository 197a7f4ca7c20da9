import type { ErrorKind } from '../core/error.ts'
import type { Receipt } from '../report/receipt.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { bakedRequest } from './bake.ts'
import { beginSigning } from './begin-signing.ts'
import { buildImage } from './build-stage.ts'
import { readServedImage } from './digest-stage.ts'
import { keepDraft } from './draft.ts'
import { beginLeaving } from './earlier.ts'
import { signFiles } from './files-stage.ts'
import { verifyMaterials } from './materials-stage.ts'
import { preflight, type Ready } from './preflight.ts'
import { checkPlanned } from './prepare.ts'
import { beginPublishing, publishBundles } from './publish-stage.ts'
import { buildAgain } from './reproducible-stage.ts'
import { EarlierBundles } from './resume.ts'
import { reusedImage } from './reused-image.ts'
import { RunRecord } from './run.ts'
import { selfVerify } from './self-verify-stage.ts'
import { signStatements } from './sign-stage.ts'
import { beginComparing } from './since-last.ts'
import { beginSource } from './source-commits.ts'
import { type SourceOutcome, verifySource } from './source-stage.ts'
import { StageLog } from './stages.ts'
import { beginTags, moveTags } from './tags-stage.ts'

/**
 * The story of one run: verify the source and what goes in, build, hash what the registry serves, sign, publish, read back, move the tag.
 * Never throws: whatever happens, the receipt tells what was reached and what was not.
 */
export async function attest(
  request: AttestRequest,
  ports: AttestPorts,
): Promise<{ receipt: Receipt; error: ErrorKind | undefined }> {
  const record = new RunRecord(new StageLog(ports))
  try {
    await story(request, ports, record)
  } catch (error) {
    record.endBy(error)
  } finally {
    await record.end()
  }
  return { receipt: record.receipt('attest'), error: record.error?.kind }
}

async function story(asked: AttestRequest, ports: AttestPorts, record: RunRecord): Promise<void> {
  const commits = beginSource(asked, ports, record) // they come while the preflight asks others
  const ready = await preflight(asked, ports, record) // nothing happened anywhere yet
  const earlier = new EarlierBundles(asked, ports, ready) // what another attempt left
  const source = await verifySource(asked, ports, commits, ready, record) // who wrote it
  if (asked.imageless) return filesAlone(asked, ports, { ready, source }, record) // no image: the files alone
  const request = await bakedRequest(asked, ports, source, record) // what the commit says of its build
  beginComparing(request, ports, source, record) // with the last image, for people
  const materials = await verifyMaterials(request, ports, source, record) // what goes in
  checkPlanned(request.planned, source, materials) // what the job before this one found
  const reused = await reusedImage(request, ports, { ready, source, materials, earlier }, record) // another attempt built it
  const built = reused ?? (await buildImage(request, ports, ready, { source, materials }, record)) // what came out, by digest
  if (built.result.pushedTo.length > 0) earlier.lookBeside([built.result.digest])
  const twice = request.reproducible === true
  if (!twice) beginSigning(request, ports, built, earlier) // the certificate comes while the image is read
  const image = await readServedImage(request, ports, built, record) // what the registry serves is what was built
  const comparison = await buildAgain(request, ports, { source, materials, built, image, earlier }, record) // and built once more
  if (twice) beginSigning(request, ports, built, earlier) // only now: a certificate does not outlive a long build
  if (image !== undefined && request.sign) beginPublishing(request, ports, { source, built, image }) // connections open while the services sign
  const signed = await signStatements(request, ports, { ready, source, built, image, comparison, earlier }, record) // one certificate, all bundles on disk
  if (signed === undefined) await keepDraft(request, ports, { source, built, image }, record)
  if (image === undefined || signed === undefined) return
  await publishBundles(request, ports, { built, image, signed }, record) // beside the image, in every repository
  const tags = beginTags(request, ports, image, source) // judged meanwhile, each read again when it is moved
  await selfVerify(request, ports, { source, built, image, signed }, record) // read back with the gate's own code
  beginLeaving(request, ports, image, signed, record) // where the next run of this branch looks
  await signFiles(request, ports, { ready, source }, record) // deployables that are no images
  await moveTags(request, ports, image, tags, record) // last
}

function filesAlone(
  request: AttestRequest,
  ports: AttestPorts,
  the: { readonly ready: Ready; readonly source: SourceOutcome },
  record: RunRecord,
): Promise<void> {
  record.stages.notAsked('materials')
  record.notChecked.push('What went into the files: this run did not make them.')
  return signFiles(request, ports, the, record)
}
