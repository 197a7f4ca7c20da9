import { type Digest, hexOf } from '../core/digest.ts'
import type { Verified } from '../core/verified.ts'
import { isSbom } from '../policy/sbom.ts'
import type { Fact, InspectedNode, Standing } from '../report/inspection.ts'
import type { ProvenanceClaims } from '../statements/read-provenance.ts'
import {
  COSIGN_SIGN_PREDICATE,
  MESSAGE_SIGNATURE,
  SIMPLE_SIGNING,
  type SignedStatement,
} from '../statements/statement.ts'
import { claimFacts, deployFacts, detailFacts, provenanceFacts, recordFacts, summaryFacts } from './inspect-facts.ts'
import {
  builtCommit,
  claimsIn,
  commitsIn,
  deployIn,
  detailIn,
  isClaims,
  isDeploy,
  isDetail,
  isProvenance,
  isRecord,
  isSource,
  materialsIn,
  provenanceIn,
  type Read,
  recordIn,
  summaryIn,
} from './inspect-read.ts'
import type { Found } from './inspect-request.ts'
import { signedFacts, standingOf } from './inspect-standing.ts'

type Signed = Verified<SignedStatement>

/**
 * The whole chain of an image: what is attached, by whomever, each thing below what it rests on. What a reader would look for
 * and nobody attached stands in it as missing.
 */
export function chainOfFound(found: Found): InspectedNode {
  const drawn = new Set<Signed>()
  const take = (is: (signed: Signed) => boolean): readonly Signed[] => {
    const mine = found.statements.filter(signed => is(signed) && !drawn.has(signed))
    for (const signed of mine) drawn.add(signed)
    return mine
  }
  const provenance = take(isProvenance).map(signed => provenanceNode(signed, found, drawn))
  const draw = (what: InspectedNode['what'], is: (signed: Signed) => boolean, facts: Facts = () => []) =>
    take(is).map(signed => nodeOf(what, signed, found, facts))
  const { platforms } = found.image
  const alone = platforms.length === 1 && platforms[0]?.digest === found.digest
  return {
    what: 'image',
    standing: 'held',
    about: found.digest,
    facts: [],
    below: [
      ...(alone ? [] : platforms.map(platformNode)),
      ...orMissing('signature', draw('signature', isSignature), found),
      ...orMissing('provenance', provenance, found),
      ...draw('source', isSource, signed => factsIn(summaryIn(signed), summaryFacts)),
      ...draw('source-detail', isDetail, signed => factsIn(detailIn(signed), detailFacts)),
      ...draw('materials-claims', isClaims, signed => factsIn(claimsIn(signed), claimFacts)),
      ...draw('sbom', ({ statement }) => isSbom(statement), typeFact),
      ...orMissing(
        'deploy',
        draw('deploy', isDeploy, signed => factsIn(deployIn(signed), deployFacts)),
        found,
      ),
      ...orMissing(
        'quarantine',
        draw('quarantine', isRecord, signed => factsIn(recordIn(signed), recordFacts)),
        found,
      ),
      ...draw('statement', () => true, typeFact),
    ],
  }
}

type Facts = (signed: Signed) => readonly Fact[]

function isSignature({ statement: { predicateType } }: Signed): boolean {
  return [COSIGN_SIGN_PREDICATE, MESSAGE_SIGNATURE, SIMPLE_SIGNING].includes(predicateType)
}

function typeFact({ statement }: Signed): readonly Fact[] {
  return [{ name: 'type', value: statement.predicateType }]
}

function factsIn<T>(read: Read<T>, facts: (value: T) => readonly Fact[]): readonly Fact[] {
  return 'value' in read ? facts(read.value) : [read.unreadable]
}

/** Nothing may rest on an absence in a list of which nobody knows the end (13-adversary 26). */
function orMissing(
  what: InspectedNode['what'],
  nodes: readonly InspectedNode[],
  { complete }: Found,
): readonly InspectedNode[] {
  if (nodes.length > 0) return nodes
  const facts = complete ? [] : [{ name: 'but', value: 'the list could not be read to its end' }]
  return [{ what, standing: 'missing', facts, below: [] }]
}

function platformNode({ platform, digest }: { readonly platform: string; readonly digest: Digest }): InspectedNode {
  return {
    what: 'platform',
    standing: 'held',
    about: digest,
    facts: [{ name: 'platform', value: platform }],
    below: [],
  }
}

function nodeOf(what: InspectedNode['what'], signed: Signed, found: Found, facts: Facts): InspectedNode {
  return {
    what,
    standing: standingOf(signed, found.gate),
    ...aboutOf(signed, found),
    ...signedFacts(signed),
    facts: facts(signed),
    below: [],
  }
}

/** Which of the image's digests a statement is about, where it is not the image itself. */
function aboutOf({ statement }: Signed, { digest, relatives }: Found): { readonly about?: string } {
  const subjects = new Set(statement.subject.flatMap(subject => subject.digest.sha256 ?? []))
  if (subjects.has(hexOf(digest))) return { about: digest }
  const part = [...relatives.platforms, ...relatives.parents].find(other => subjects.has(hexOf(other)))
  const commit = statement.subject[0].digest.gitCommit
  const about = part ?? commit
  return about === undefined ? {} : { about }
}

function provenanceNode(signed: Signed, found: Found, drawn: Set<Signed>): InspectedNode {
  const read = provenanceIn(signed)
  const node = nodeOf('provenance', signed, found, () => factsIn(read, provenanceFacts))
  if (!('value' in read)) return node
  const commit = commitNode(read.value, node, found, drawn)
  const materials = materialsNode(read.value, node)
  const claims = found.statements.filter(item => isClaims(item) && sameSigner(item, signed) && !drawn.has(item))
  for (const item of claims) drawn.add(item)
  const told = claims.map(item => nodeOf('materials-claims', item, found, of => factsIn(claimsIn(of), claimFacts)))
  return { ...node, below: [...commit, ...materials, ...told] }
}

function sameSigner(a: Signed, b: Signed): boolean {
  return signedFacts(a).by === signedFacts(b).by
}

/** The gate compares the commit with the certificate's where the provenance counts; otherwise it is only said. */
function ofProvenance({ standing }: InspectedNode): Standing {
  return standing === 'verified' ? 'verified' : 'claimed'
}

function commitNode(
  claims: ProvenanceClaims,
  provenance: InspectedNode,
  found: Found,
  drawn: Set<Signed>,
): readonly InspectedNode[] {
  const built = builtCommit(claims)
  const commit = built?.digest.gitCommit
  if (built === undefined || commit === undefined) return []
  const summaries = found.statements.filter(item => {
    const read = isSource(item) ? summaryIn(item) : undefined
    return read !== undefined && 'value' in read && read.value.commit === commit
  })
  const below = summaries.map(summary => summaryNode(summary, found, drawn))
  const recorded = claims.claimedSource !== undefined
  return [
    {
      what: 'commit',
      standing: recorded ? 'claimed' : ofProvenance(provenance),
      about: commit,
      ...(provenance.by === undefined ? {} : { by: provenance.by }),
      facts: [
        ...(built.uri === undefined ? [] : [{ name: 'repository', value: built.uri }]),
        ...(recorded ? [{ name: 'note', value: 'the image was pushed, not built by this run' }] : []),
      ],
      below: orMissing('source', below, found),
    },
  ]
}

function summaryNode(summary: Signed, found: Found, drawn: Set<Signed>): InspectedNode {
  drawn.add(summary)
  const read = summaryIn(summary)
  const node = nodeOf('source', summary, found, () => factsIn(read, summaryFacts))
  const named = 'value' in read ? read.value.detail : undefined
  const details = found.statements.filter(item => isDetail(item) && item.payload === named)
  const below = details.map(detail => {
    drawn.add(detail)
    const content = detailIn(detail)
    const inner = nodeOf('source-detail', detail, found, () => factsIn(content, detailFacts))
    return 'value' in content ? { ...inner, commits: commitsIn(content.value) } : inner
  })
  return { ...node, below: orMissing('source-detail', below, found) }
}

function materialsNode(claims: ProvenanceClaims, provenance: InspectedNode): readonly InspectedNode[] {
  const materials = materialsIn(claims)
  const by = provenance.by === undefined ? {} : { by: provenance.by }
  if (materials.length === 0) return [{ what: 'materials', standing: 'missing', facts: [], below: [] }]
  return [{ what: 'materials', standing: 'claimed', ...by, facts: [], materials, below: [] }]
}
