import { formatReference } from '../registry/reference.ts'
import { provenanceStatement } from '../statements/provenance.ts'
import { imageSubjects } from '../statements/subjects.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { type ProvenanceInput, provenanceFacts } from './provenance-facts.ts'
import type { RunRecord } from './run.ts'

/** Stands in the draft itself, for whoever finds the file without the run. */
const MARK =
  "Unsigned draft of a proposal. What it says about the run comes from the runner's variables, which any step can set. It proves nothing."

/**
 * A proposal is never signed, but its author sees what would be stated: the provenance of this build as a plain file,
 * marked as a draft (1-product § 5). Only what a proposal builds; a push that signs nothing leaves nothing to mistake.
 */
export async function keepDraft(
  request: AttestRequest,
  ports: AttestPorts,
  made: Omit<ProvenanceInput, 'claims'>,
  record: RunRecord,
): Promise<void> {
  const { draftClaims: claims, repositories } = request
  if (claims === undefined) return
  const [home, ...others] = repositories
  const subjects = imageSubjects({
    repositories: [formatReference(home), ...others.map(formatReference)],
    digest: made.built.result.digest,
    platforms: made.image?.kind === 'index' ? made.image.platforms : [],
  })
  const facts = provenanceFacts(request, { ...made, claims }, subjects)
  const path = await ports.keep('provenance.draft.json', provenanceStatement({ ...facts, draft: MARK }))
  record.notices.push(`The provenance of this build, unsigned and proving nothing, is in ${path}`)
}
