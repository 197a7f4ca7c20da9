import fc from 'fast-check'
import type { AllowedMaterials, Enforcement, ObservedMaterial } from '../../src/build/allowed.ts'
import type { BuildConditions, BuildResult } from '../../src/build/builder.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { hexOf, sha256 } from '../../src/core/digest.ts'
import { asWaybillError } from '../../src/core/error.ts'
import type { Built } from '../../src/pipeline/build-stage.ts'
import { checkBuilt } from '../../src/pipeline/materials-built.ts'
import type { JudgedMaterial, MaterialsOutcome } from '../../src/pipeline/materials-outcome.ts'
import {
  claimedRequirements,
  materialsClaims,
  materialsStatement,
  resolvedMaterials,
  sourcePolicyByproduct,
} from '../../src/pipeline/materials-statements.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { readScai } from '../../src/statements/scai.ts'
import { allowedImage } from '../build/policy-model.ts'
import { A, B, built, newRecord } from './materials-world.ts'

const ALLOWED: AllowedMaterials = { images: [], urls: [], repositories: [], contexts: new Map(), pulls: [] }
const POLICY: Enforcement = { by: 'builder', policy: { bytes: utf8('{}'), digest: sha256('{}') } }
const CLOSED: BuildConditions = { builder: 'fresh', cache: 'none', network: 'none', isolation: 'processes' }
const RESOLVED = { bytes: utf8('{}\n'), digest: sha256('{}\n'), path: '/run/waybill-materials.json' }
/** Of the builder's own provenance. */
const SEEN: readonly ObservedMaterial[] = [{ uri: 'pkg:docker/node@24', digest: { sha256: hexOf(A) } }]
const SUBJECTS = [{ name: 'ghcr.io/acme/app', digest: { sha256: hexOf(B) } }] as const

const signed = (keys: 'policy' | 'declared-by-commit'): JudgedMaterial['proof'] => {
  return { kind: 'signature', keys, by: 'bob', evidence: B }
}
function material(over: Partial<JudgedMaterial> = {}): JudgedMaterial {
  return {
    name: 'docker.io/library/node:24',
    kind: 'image',
    uri: 'docker-image://docker.io/library/node:24',
    places: ['Dockerfile:1'],
    digest: { sha256: hexOf(A) },
    verdict: 'passed',
    findings: [],
    proof: { kind: 'digest' },
    ...over,
  }
}
const TINI = { name: 'https://dl.example/tini', uri: 'https://dl.example/tini', kind: 'url' } as const

function outcome(judged: readonly JudgedMaterial[], over: Partial<MaterialsOutcome> = {}): MaterialsOutcome {
  const claim = { mode: 'enforce', verdict: 'passed' } as const
  return { claim, allowed: ALLOWED, judged, placed: new Map(), contexts: new Map(), resolved: RESOLVED, ...over }
}

function made(
  judged: readonly JudgedMaterial[],
  result: Partial<BuildResult> = {},
  over: Partial<MaterialsOutcome> = {},
): Built {
  const now = new Date(0)
  const build = built({ builder: 'buildx', enforcement: POLICY, conditions: CLOSED, observed: SEEN, ...result })
  return { result: build, materials: outcome(judged, over), startedOn: now, finishedOn: now }
}

const attributes = (the: Built) => materialsClaims(the).map(({ attribute }) => attribute)

describe('claims (4-materials § 6)', () => {
  test('one for each material, that these are all, and that nothing else could enter', () => {
    const the = made([
      material({ proof: signed('policy') as NonNullable<JudgedMaterial['proof']> }),
      material({ name: 'b', uri: 'docker-image://b', digest: { sha256: hexOf(B) } }),
      material({ ...TINI, proof: signed('policy') as NonNullable<JudgedMaterial['proof']> }),
      material({ ...TINI, uri: 'https://dl.example/data', name: 'd' }),
    ])
    expect(materialsClaims(the)).toMatchObject([
      { attribute: 'BASE_IMAGE_SIGNATURE_VERIFIED', keys: 'policy', evidence: { digest: { sha256: hexOf(B) } } },
      { attribute: 'BASE_IMAGE_DIGEST_PINNED', target: { uri: 'docker-image://b' } },
      { attribute: 'MATERIAL_SIGNATURE_VERIFIED', keys: 'policy' },
      { attribute: 'MATERIAL_DIGEST_VERIFIED' },
      { attribute: 'MATERIAL_DIGEST_VERIFIED', target: { uri: 'https://dl.example/data' } },
      {
        attribute: 'BASE_IMAGES_DECLARED',
        evidence: { name: 'waybill-materials.json', digest: { sha256: hexOf(RESOLVED.digest) } },
      },
      { attribute: 'BUILD_SOURCES_CLOSED_WORLD', conditions: { builder: 'fresh', cache: 'none', network: 'none' } },
    ])
    const read = readScai(parseStatement(materialsStatement(the, SUBJECTS) ?? utf8('')))
    expect(read).toEqual(materialsClaims(the))
  })

  test('a key that the judged commit declares is said to be one', () => {
    const the = made([
      material({ ...TINI, proof: signed('declared-by-commit') as NonNullable<JudgedMaterial['proof']> }),
    ])
    expect(materialsClaims(the)[0]).toMatchObject({
      attribute: 'MATERIAL_SIGNATURE_VERIFIED',
      keys: 'declared-by-commit',
    })
    expect(claimedRequirements(the)).toEqual(['materials-pinned', 'closed-world'])
  })

  test('a build that takes nothing in claims that, too', () => {
    expect(attributes(made([]))).toEqual(['BASE_IMAGES_DECLARED', 'BUILD_SOURCES_CLOSED_WORLD'])
    expect(claimedRequirements(made([]))).toEqual(['materials-verified', 'closed-world'])
  })

  test('13-adversary 19: a build with secrets or an agent is stated as closed by nobody', () => {
    expect(attributes(made([], { opened: ['secret npm'] }))).toEqual(['BASE_IMAGES_DECLARED'])
    expect(attributes(made([], { conditions: { ...CLOSED, cache: 'shared' } }))).toEqual(['BASE_IMAGES_DECLARED'])
    expect(claimedRequirements(made([], { opened: ['ssh agent default'] }))).toEqual(['materials-verified'])
  })

  test('one image under two tags, or in two uses, is claimed once for each name', () => {
    const twice = [material(), material(), material({ uri: 'docker-image://docker.io/library/node:lts' })]
    expect(attributes(made(twice)).filter(name => name === 'BASE_IMAGE_DIGEST_PINNED')).toHaveLength(2)
    expect(() => materialsStatement(made(twice), SUBJECTS)).not.toThrow()
  })

  test.each<[string, Partial<MaterialsOutcome>, Partial<BuildResult>]>([
    ['41: an audit that went well', { claim: { mode: 'audit', verdict: 'passed' }, allowed: ALLOWED }, {}],
    ['41: an audit', { claim: { mode: 'audit', verdict: 'passed' } }, { enforcement: POLICY }],
    ['38: nobody asked', { claim: { mode: 'audit', verdict: 'not-asked' } }, {}],
    ['41: something was bad', { claim: { mode: 'enforce', verdict: 'rejected' } }, {}],
    ['41: something is unknown', { claim: { mode: 'enforce', verdict: 'unknown' } }, {}],
  ])('13-adversary %s: nothing is claimed', (_why, over, result) => {
    const the = made([material()], result, over)
    expect(materialsClaims(the)).toEqual([])
    expect(materialsStatement(the, SUBJECTS)).toBeUndefined()
    expect(claimedRequirements(the)).toEqual([])
  })

  test('13-adversary 18: a parser earns that the materials are all, never a closed world', () => {
    const the = made([material()], { builder: 'buildah', enforcement: { by: 'parser' } })
    expect(attributes(the)).toEqual(['BASE_IMAGE_DIGEST_PINNED', 'BASE_IMAGES_DECLARED'])
    expect(claimedRequirements(the)).toEqual(['materials-pinned'])
  })

  test.each<Partial<BuildConditions>>([{ builder: 'shared' }, { cache: 'shared' }, { network: 'default' }])(
    '13-adversary 19: no closed world with %j',
    open => {
      const the = made([material()], { conditions: { ...CLOSED, ...open } })
      expect(attributes(the)).toEqual(['BASE_IMAGE_DIGEST_PINNED', 'BASE_IMAGES_DECLARED'])
      expect(attributes(made([material()], { enforcement: { by: 'builder' } }))).not.toContain(
        'BUILD_SOURCES_CLOSED_WORLD',
      )
    },
  )

  test('13-adversary 19: no closed world with a frontend that nobody signed: it has the network whatever RUN has', () => {
    const frontend = allowedImage('docker/dockerfile:1', A, { use: 'frontend' })
    const allowed = { ...ALLOWED, images: [frontend] }
    expect(attributes(made([material()], {}, { allowed }))).not.toContain('BUILD_SOURCES_CLOSED_WORLD')
    expect(claimedRequirements(made([material()], {}, { allowed }))).toEqual(['materials-pinned'])
    const proof = signed('policy') as NonNullable<JudgedMaterial['proof']>
    expect(attributes(made([material({ proof })], {}, { allowed }))).toContain('BUILD_SOURCES_CLOSED_WORLD')
    const record = newRecord()
    const { materials, result } = made([material()], {}, { allowed })
    checkBuilt(materials, result, record)
    expect(record.notChecked.join()).toContain('the frontend docker/dockerfile:1')
  })

  test('13-adversary 19: no closed world that the builder’s own provenance does not confirm', () => {
    const { observed: _, ...silent } = made([material()]).result
    expect(attributes({ ...made([material()]), result: silent })).not.toContain('BUILD_SOURCES_CLOSED_WORLD')
    const allowed = { ...ALLOWED, images: [allowedImage('node:24', A)] }
    const empty = made([material()], { observed: [] }, { allowed })
    expect(attributes(empty)).toEqual(['BASE_IMAGE_DIGEST_PINNED', 'BASE_IMAGES_DECLARED'])
    expect(attributes(made([], { observed: [] }))).toContain('BUILD_SOURCES_CLOSED_WORLD')
  })

  test('whatever texts signers and Dockerfiles bring, what is written is read back', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 50 }), fc.string({ maxLength: 50 }), (name, uri) => {
        const the = made([material({ name, uri })])
        expect(readScai(parseStatement(materialsStatement(the, SUBJECTS) ?? utf8('')))).toHaveLength(3)
      }),
    )
  })
})

describe('provenance', () => {
  test('names each material once by its digest, how it was verified, and whether the rest was kept out', () => {
    const proof = signed('policy') as NonNullable<JudgedMaterial['proof']>
    const the = made([
      material({ proof }),
      material({ proof }),
      material({ uri: 'docker-image://lost', digest: {}, verdict: 'unknown' }),
    ])
    expect(resolvedMaterials(the)).toEqual([
      {
        name: 'docker.io/library/node:24',
        uri: 'docker-image://docker.io/library/node:24',
        digest: { sha256: hexOf(A) },
        annotations: { proof: 'signed', verdict: 'passed', by: 'bob', enforced: 'true' },
      },
    ])
    expect(sourcePolicyByproduct(the)).toEqual([{ name: 'source-policy', digest: { sha256: hexOf(sha256('{}')) } }])
  })

  test('13-adversary 41: under audit it says that nothing was kept out', () => {
    const { allowed: _, ...open } = outcome([material()], { claim: { mode: 'audit', verdict: 'rejected' } })
    const { enforcement: __, ...result } = made([]).result
    const the: Built = { ...made([]), result, materials: open }
    expect(resolvedMaterials(the)[0]?.annotations).toMatchObject({ enforced: 'false' })
    expect(sourcePolicyByproduct(the)).toEqual([])
  })
})

describe('after the build (4-materials § 4)', () => {
  const seen = (uri: string, digest: ObservedMaterial['digest']): ObservedMaterial => ({ uri, digest })
  const NODE = seen('pkg:docker/node@24', { sha256: hexOf(A) })
  const check = (
    observed: readonly ObservedMaterial[],
    over: Partial<MaterialsOutcome> = {},
    result: Partial<BuildResult> = {},
  ) => {
    const record = newRecord()
    record.materials = { items: [] }
    const the = outcome([material()], over)
    const checked = () =>
      checkBuilt(the, built({ enforcement: POLICY, conditions: CLOSED, observed, ...result }), record)
    return { record, checked }
  }

  test('what the builder says went in is what was judged', () => {
    const { checked, record } = check([NODE])
    expect(checked().claim).toEqual({ mode: 'enforce', verdict: 'passed' })
    expect(record.materials?.closed).toEqual({ by: 'builder', builder: 'fresh', cache: 'none', network: 'none' })
  })

  test('a repository is known by its commit, by whatever name the builder gives that', () => {
    const commit = 'c'.repeat(40)
    const lib = material({ kind: 'git', uri: 'git+https://dl.example/lib@v1', digest: { gitCommit: commit } })
    for (const digest of [{ sha1: commit }, { gitCommit: commit }])
      expect(check([seen('https://dl.example/lib.git#v1', digest)], { judged: [lib] }).checked().claim.verdict).toBe(
        'passed',
      )
  })

  test.each([
    ['another digest', seen('pkg:docker/node@24', { sha256: hexOf(B) })],
    ['a digest of another kind', seen('pkg:docker/node@24', { sha512: 'a'.repeat(128) })],
    ['one algorithm that differs', seen('x', { sha256: hexOf(A), sha512: 'a'.repeat(128), gitCommit: 'b' })],
    ['no digest at all', seen('https://dl.example/x', {})],
  ])('a material with %s is not known, and nothing is signed', (_what, observed) => {
    const known = _what.startsWith('one algorithm')
    const { checked } = check(
      [NODE, observed],
      known ? { judged: [material({ digest: { sha256: hexOf(A), sha512: 'c'.repeat(128) } })] } : {},
    )
    expect(asWaybillError(thrown(checked))).toMatchObject({ code: 'materials/undeclared', kind: 'rejected' })
  })

  test('13-adversary 41: under audit it is told, and stands in what is stated', () => {
    const { checked, record } = check([seen('x', { sha256: hexOf(B) })], {
      claim: { mode: 'audit', verdict: 'passed' },
    })
    expect(checked().claim).toEqual({ mode: 'audit', verdict: 'rejected' })
    expect(record.notices.join()).toContain('materials/undeclared')
  })

  test('a builder that kept nothing out although it was told to is refused', () => {
    const { enforcement: _, ...open } = built({ conditions: CLOSED })
    const record = newRecord()
    expect(asWaybillError(thrown(() => checkBuilt(outcome([]), open, record))).code).toBe('materials/not-closed')
  })

  test('a cache that others may have filled is not checked', () => {
    const { checked, record } = check([], {}, { conditions: { ...CLOSED, cache: 'shared', builder: 'shared' } })
    checked()
    expect(record.notChecked.join()).toContain('cache')
  })

  test('nothing is said of a run that did not ask', () => {
    const { checked, record } = check([seen('x', {})], { claim: { mode: 'off', verdict: 'not-asked' } })
    expect(checked().claim.verdict).toBe('not-asked')
    expect([record.notices, record.notChecked]).toEqual([[], []])
  })
})

function thrown(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}
