import { type InspectedCommit, type InspectedNode, type Inspection, nodesOf, sizeOf } from './inspection.ts'

/** What one side has and the other has not, or has otherwise. Absent: not there. */
export interface Change {
  readonly what: string
  readonly from?: string
  readonly to?: string
}

/** What differs between two images, as far as each is known; nothing in it is a verdict. */
export interface Comparison {
  /** One digest is one content. */
  readonly same: boolean
  readonly commits: {
    /** `details`: both source details name their commits. `ids`: only the built commits are known. */
    readonly basis: 'details' | 'ids' | 'none'
    readonly from?: string
    readonly to?: string
    readonly added: readonly InspectedCommit[]
    readonly removed: readonly InspectedCommit[]
  }
  /** Principals who signed commits, and identities that signed what is attached. */
  readonly signers: readonly Change[]
  readonly materials: readonly Change[]
  readonly policy: readonly Change[]
  readonly builder: readonly Change[]
  readonly platforms: readonly Change[]
  /** Bytes of all platforms. */
  readonly size: { readonly from: number; readonly to: number }
  /** Why a part could not be compared, one sentence each. */
  readonly notCompared: readonly string[]
}

export function compareInspections(a: Inspection, b: Inspection): Comparison {
  return {
    same: a.digest === b.digest,
    commits: compareCommits(a, b),
    signers: [
      ...changes('who signed', identities(a, isExpected), identities(b, isExpected)),
      ...changes('who signed, not verified', identities(a, isStranger), identities(b, isStranger)),
      ...changes('who signed commits', principals(a), principals(b)),
    ],
    materials: compareMaterials(a, b),
    policy: comparePolicy(a, b),
    builder: [
      ...changed('builder', a.origin?.builder, b.origin?.builder),
      ...changed('build type', a.origin?.buildType, b.origin?.buildType),
      ...changed('repository', a.origin?.repository, b.origin?.repository),
    ],
    platforms: comparePlatforms(a, b),
    size: { from: sizeOf(a), to: sizeOf(b) },
    notCompared: notCompared(a, b),
  }
}

/** Of a long history only its ends are listed: then what lies between is not known, and nothing is called added. */
function compareCommits(a: Inspection, b: Inspection): Comparison['commits'] {
  const from = a.origin?.commit
  const to = b.origin?.commit
  const ends = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
  const before = whole(a)
  const after = whole(b)
  if (before === undefined || after === undefined)
    return { basis: from === undefined || to === undefined ? 'none' : 'ids', ...ends, added: [], removed: [] }
  const inBefore = new Set(before.map(({ id }) => id))
  const inAfter = new Set(after.map(({ id }) => id))
  return {
    basis: 'details',
    ...ends,
    added: after.filter(({ id }) => !inBefore.has(id)),
    removed: before.filter(({ id }) => !inAfter.has(id)),
  }
}

function whole({ origin }: Inspection): readonly InspectedCommit[] | undefined {
  const source = origin?.source
  return source !== undefined && source.commits.length === source.count ? source.commits : undefined
}

function compareMaterials(a: Inspection, b: Inspection): readonly Change[] {
  if (a.origin === undefined || b.origin === undefined) return []
  return compareMaps(mapOf(a.origin.materials), mapOf(b.origin.materials))
}

function mapOf(materials: NonNullable<Inspection['origin']>['materials']): ReadonlyMap<string, string> {
  const map = new Map<string, string>()
  for (const { name, digest } of materials) map.set(name, [map.get(name), digest].filter(Boolean).toSorted().join(' '))
  return map
}

function comparePlatforms(a: Inspection, b: Inspection): readonly Change[] {
  const of = ({ platforms }: Inspection) => new Map(platforms.map(({ platform, digest }) => [platform, digest]))
  return compareMaps(of(a), of(b))
}

function compareMaps(from: ReadonlyMap<string, string>, to: ReadonlyMap<string, string>): readonly Change[] {
  const names = [...new Set([...from.keys(), ...to.keys()])]
  return names.flatMap(name => changed(name, from.get(name), to.get(name)))
}

function comparePolicy(a: Inspection, b: Inspection): readonly Change[] {
  const from = a.origin?.source?.policy
  const to = b.origin?.source?.policy
  if (from === undefined || to === undefined) return []
  return [
    ...changed('policy', from.uri, to.uri),
    ...changed('policy file', from.digest, to.digest),
    ...changed('anchor', from.anchor, to.anchor),
  ]
}

type Of = (node: InspectedNode, side: Inspection) => boolean

/** Where nobody said who is expected, the sentence at the end says it of all of them. */
const isExpected: Of = ({ standing }, { gate }) => gate === undefined || standing === 'verified'
const isStranger: Of = (node, side) => !isExpected(node, side)

function identities(side: Inspection, counts: Of): ReadonlySet<string> {
  const signed = nodesOf(side.chain).filter(node => node.bundle !== undefined && counts(node, side))
  return new Set(signed.flatMap(({ by }) => by ?? []))
}

function principals({ origin }: Inspection): ReadonlySet<string> {
  return new Set(origin?.source?.commits.flatMap(({ principal }) => principal ?? []) ?? [])
}

function changes(what: string, from: ReadonlySet<string>, to: ReadonlySet<string>): readonly Change[] {
  return [
    ...[...to].filter(item => !from.has(item)).map(item => ({ what, to: item })),
    ...[...from].filter(item => !to.has(item)).map(item => ({ what, from: item })),
  ]
}

function changed(what: string, from: string | undefined, to: string | undefined): readonly Change[] {
  if (from === to) return []
  return [{ what, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }]
}

function notCompared(a: Inspection, b: Inspection): readonly string[] {
  const sides = [
    ['first', a],
    ['second', b],
  ] as const
  const about = sides.flatMap(([which, side]) => {
    const cut = side.complete ? [] : [`What is attached to the ${which} image could not be read to its end.`]
    if (side.stories > 1)
      return [
        ...cut,
        `The ${which} image has ${side.stories} provenances that tell different stories; name who is expected with --policy.`,
      ]
    if (side.origin === undefined) return [...cut, `The ${which} image has no provenance.`]
    if (side.origin.source === undefined)
      return [...cut, `The ${which} image has no source detail: of its commits only the built one is known.`]
    if (whole(side) === undefined)
      return [
        ...cut,
        `The source detail of the ${which} image lists only the ends of its ${side.origin.source.count} commits.`,
      ]
    return cut
  })
  if (sides.every(([, { gate, origin }]) => gate === undefined && origin?.standing !== 'verified'))
    return [...about, 'Nobody said who is expected: all of this is the word of whoever signed it.']
  return [...about, ...sides.flatMap(([which, { origin }]) => unverified(which, origin))]
}

/** What is compared of one side and was verified by nobody. */
function unverified(which: string, origin: Inspection['origin']): readonly string[] {
  if (origin === undefined) return []
  if (origin.standing !== 'verified')
    return [`Nothing about where the ${which} image comes from is verified: it is the word of whoever signed it.`]
  if (origin.source === undefined || origin.source.standing === 'verified') return []
  return [
    `The commits, their signers and the policy of the ${which} image are not verified: they are the word of whoever signed the source detail.`,
  ]
}
