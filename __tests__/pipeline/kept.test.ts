import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { hexOf, sha256 } from '../../src/core/digest.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import { WaybillError } from '../../src/core/error.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { keepEvidence } from '../../src/pipeline/kept.ts'
import { formatManifest, isKeptPath, parseKeptManifest, policyDigest } from '../../src/pipeline/kept-manifest.ts'
import { openKept } from '../../src/pipeline/kept-open.ts'
import {
  ATTESTATION,
  BUNDLE,
  CHILD,
  INDEX,
  KEPT,
  NAME,
  NESTED,
  OTHER_CHILD,
  PLACE,
  POLICY,
  ROOT,
} from './kept-world.ts'

let parent: string
let folder: string

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'waybill-kept-'))
  folder = join(parent, 'evidence')
})

afterEach(() => {
  chmodSync(parent, 0o755)
  rmSync(parent, { recursive: true })
})

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (error instanceof WaybillError) return error.code
    throw error
  }
}

interface Document {
  [key: string]: unknown
  subjects: Record<string, unknown>[]
  fetched: Record<string, unknown>[]
  policy: { path: string; files: { path: string; digest: string }[] }
}

function rewrite(change: (document: Document) => void): void {
  const path = join(folder, 'manifest.json')
  const document = JSON.parse(readFileSync(path, 'utf8')) as Document
  change(document)
  writeFileSync(path, JSON.stringify(document))
}

const files = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()

describe('keepEvidence()', () => {
  test('writes every file by its digest, and what openKept() reads back is the same', async () => {
    const digest = await keepEvidence(folder, KEPT)
    const kept = await openKept(folder, digest)
    expect(kept.digest).toBe(digest)
    expect([kept.time, kept.subjects]).toEqual([KEPT.time, KEPT.subjects])
    expect(kept.resolve(NAME)).toEqual(KEPT.subjects[0])
    const [first] = KEPT.fetched
    expect(await kept.bundles(PLACE, INDEX)).toEqual({ ...first?.fetched, skipped: [] })
    expect(await kept.bundles(PLACE, CHILD)).toEqual({ bundles: [], complete: false, skipped: [] })
    expect(kept.trustedRoots).toEqual([{ name: 'public-good', digest: sha256(ROOT), bytes: expect.anything() }])
    expect(kept.policy).toMatchObject({
      path: '.github/waybill.yml',
      digest: policyDigest([...POLICY].map(([path, content]) => ({ path, digest: sha256(content) }))),
    })
    expect([...(kept.policy?.files ?? [])].map(([path]) => path)).toEqual([...POLICY.keys()].sort())
    expect(files().map(path => path.replace(/[0-9a-f]{64}/, '<sha256>'))).toEqual([
      'bundles/<sha256>.json',
      'indexes/<sha256>.json',
      'legacy/<sha256>.json',
      'manifest.json',
      'policy/.github/keys/alice.pub',
      'policy/.github/waybill.yml',
      'trusted-root-<sha256>.json',
    ])
  })

  test('gives the same bytes for the same facts', async () => {
    const digest = await keepEvidence(folder, KEPT)
    expect(await keepEvidence(join(parent, 'again'), KEPT)).toBe(digest)
  })

  test('leaves nothing behind where it cannot write, and never touches what is there', async () => {
    mkdirSync(folder)
    writeFileSync(join(folder, 'mine'), 'x')
    expect(await codeOf(keepEvidence(folder, KEPT))).toBe('core/file-unwritable')
    expect(readdirSync(parent)).toEqual(['evidence'])
    expect(readdirSync(folder)).toEqual(['mine'])
  })

  test('keeps each subject, bundle and list once', async () => {
    await keepEvidence(folder, {
      ...KEPT,
      subjects: [...KEPT.subjects, ...KEPT.subjects],
      fetched: [...KEPT.fetched, ...KEPT.fetched],
    })
    expect((await openKept(folder)).subjects).toHaveLength(2)
  })

  test('13-adversary 21: platforms and parents that no index at hand proves are not kept', async () => {
    const foreign = sha256('an index that nobody has')
    await keepEvidence(folder, {
      ...KEPT,
      subjects: [
        { name: 'a', kind: 'image', digest: foreign, platforms: [CHILD], parents: [] },
        { name: 'b', kind: 'image', digest: CHILD, platforms: [], parents: [foreign, INDEX] },
      ],
    })
    expect((await openKept(folder)).subjects).toMatchObject([{ platforms: [] }, { parents: [INDEX] }])
  })

  test('13-adversary 21: an index is no parent of what it calls an attestation', async () => {
    const subject = { name: 'a', kind: 'image', digest: ATTESTATION, platforms: [], parents: [INDEX] } as const
    await keepEvidence(folder, { ...KEPT, subjects: [...KEPT.subjects, subject] })
    expect((await openKept(folder)).resolve('a').parents).toEqual([])
    rewrite(document => document.subjects.splice(2, 1, { ...subject }))
    expect(await codeOf(openKept(folder))).toBe('pipeline/kept-malformed')
  })

  test('an index of an index brings both', async () => {
    const subject = { name: 'n', kind: 'image', digest: NESTED, platforms: [CHILD, OTHER_CHILD], parents: [] } as const
    await keepEvidence(folder, { ...KEPT, subjects: [subject] })
    expect((await openKept(folder)).subjects).toEqual([subject])
    rmSync(join(folder, `indexes/${hexOf(INDEX)}.json`))
    expect(await codeOf(openKept(folder))).toBe('pipeline/kept-malformed')
  })

  test.each(['../outside', '/etc/passwd', 'a/../../b', 'C:\\x', 'a//b', '', 'a\u0000b', './a'])(
    'writes no policy file to %j',
    async path => {
      const policy = { path, files: new Map([[path, utf8('x')]]) }
      expect(await codeOf(keepEvidence(folder, { ...KEPT, policy }))).toBe('pipeline/kept-malformed')
      expect(existsSync(folder)).toBe(false)
    },
  )

  test('refuses more than it could read back', async () => {
    const subjects = Array.from({ length: LIMITS.keptSubjects + 1 }, (_, at) => ({
      name: `s${at}`,
      kind: 'image' as const,
      digest: INDEX,
      platforms: [],
      parents: [],
    }))
    expect(await codeOf(keepEvidence(folder, { ...KEPT, subjects }))).toBe('pipeline/kept-too-large')
  })
})

const bundleFile = `bundles/${hexOf(sha256(BUNDLE))}.json`
const rootFile = `trusted-root-${hexOf(sha256(ROOT))}.json`

describe('openKept() refuses', () => {
  beforeEach(async () => {
    await keepEvidence(folder, KEPT)
  })

  test.each([
    {
      what: 'a changed byte of a bundle',
      code: 'pipeline/kept-changed',
      tamper: () => appendFileSync(join(folder, bundleFile), ' '),
    },
    {
      what: 'a swapped policy',
      code: 'pipeline/kept-changed',
      tamper: () => writeFileSync(join(folder, 'policy/.github/waybill.yml'), 'version: 1\ndeploy: []\n'),
    },
    {
      what: 'a swapped key beside the policy',
      code: 'pipeline/kept-changed',
      tamper: () => writeFileSync(join(folder, 'policy/.github/keys/alice.pub'), 'ssh-ed25519 BBBB\n'),
    },
    {
      what: 'a replaced trust root',
      code: 'pipeline/kept-changed',
      tamper: () => writeFileSync(join(folder, rootFile), '{"mediaType": "x"}'),
    },
    { what: 'a missing bundle', code: 'pipeline/kept-malformed', tamper: () => rmSync(join(folder, bundleFile)) },
    {
      what: 'a missing index',
      code: 'pipeline/kept-malformed',
      tamper: () => rmSync(join(folder, `indexes/${hexOf(INDEX)}.json`)),
    },
    { what: 'no manifest', code: 'core/file-unreadable', tamper: () => rmSync(join(folder, 'manifest.json')) },
    {
      what: 'a path that leaves the folder',
      code: 'pipeline/kept-malformed',
      tamper: () =>
        rewrite(({ policy }) => {
          policy.path = '../../etc/passwd'
          policy.files.push({ path: '../../etc/passwd', digest: INDEX })
        }),
    },
    {
      what: 'an added file',
      code: 'pipeline/kept-malformed',
      tamper: () => writeFileSync(join(folder, 'bundles/extra.json'), '{}'),
    },
    {
      what: 'an added bundle that has the right name for its bytes',
      code: 'pipeline/kept-malformed',
      tamper: () => writeFileSync(join(folder, `bundles/${hexOf(sha256('{}'))}.json`), '{}'),
    },
    {
      what: 'an added file in the policy',
      code: 'pipeline/kept-malformed',
      tamper: () => writeFileSync(join(folder, 'policy/.github/waybill.yaml'), 'version: 1\n'),
    },
    {
      what: 'a link in place of a file',
      code: 'pipeline/kept-malformed',
      tamper: () => {
        renameSync(join(folder, bundleFile), join(parent, 'moved'))
        symlinkSync(join(parent, 'moved'), join(folder, bundleFile))
      },
    },
    {
      what: 'a link in place of a folder',
      code: 'pipeline/kept-malformed',
      tamper: () => {
        renameSync(join(folder, 'bundles'), join(parent, 'moved'))
        symlinkSync(join(parent, 'moved'), join(folder, 'bundles'))
      },
    },
    {
      what: 'a key that nobody knows',
      code: 'pipeline/kept-malformed',
      tamper: () => rewrite(document => Object.assign(document, { verdict: 'passed' })),
    },
    {
      what: 'a verdict among the subjects: facts are never input',
      code: 'pipeline/kept-malformed',
      tamper: () => rewrite(({ subjects }) => Object.assign(subjects[0] ?? {}, { verdict: 'passed' })),
    },
    {
      what: 'another version',
      code: 'pipeline/kept-malformed',
      tamper: () => rewrite(document => Object.assign(document, { schemaVersion: 2 })),
    },
    {
      what: 'a key twice',
      code: 'pipeline/kept-malformed',
      tamper: () => {
        const path = join(folder, 'manifest.json')
        writeFileSync(path, readFileSync(path, 'utf8').replace('"time"', '"time": "x", "time"'))
      },
    },
    {
      what: 'a subject twice',
      code: 'pipeline/kept-malformed',
      tamper: () => rewrite(({ subjects }) => void subjects.push(subjects[0] ?? {})),
    },
    {
      what: 'a list twice',
      code: 'pipeline/kept-malformed',
      tamper: () => rewrite(({ fetched }) => void fetched.push(fetched[0] ?? {})),
    },
    {
      what: 'an instant that is none',
      code: 'pipeline/kept-malformed',
      tamper: () => rewrite(document => Object.assign(document, { time: '2026-02-31T00:00:00.000Z' })),
    },
    {
      what: 'a platform that the index does not list',
      code: 'pipeline/kept-malformed',
      tamper: () =>
        rewrite(({ subjects }) => Object.assign(subjects[0] ?? {}, { platforms: [sha256('signed by all')] })),
    },
    {
      what: 'fewer platforms than the index lists',
      code: 'pipeline/kept-malformed',
      tamper: () => rewrite(({ subjects }) => Object.assign(subjects[0] ?? {}, { platforms: [CHILD] })),
    },
    {
      what: 'a parent that does not list it',
      code: 'pipeline/kept-malformed',
      tamper: () => rewrite(({ subjects }) => Object.assign(subjects[0] ?? {}, { parents: [INDEX] })),
    },
    {
      what: 'a hundred thousand subjects',
      code: 'pipeline/kept-malformed',
      tamper: () =>
        rewrite(document => {
          const [subject] = document.subjects
          document.subjects = Array.from({ length: 100_000 }, (_, at) => ({ ...subject, name: `${at}` }))
        }),
    },
    {
      what: 'a hundred thousand lists',
      code: 'pipeline/kept-malformed',
      tamper: () =>
        rewrite(document => {
          const [, list] = document.fetched
          document.fetched = Array.from({ length: 100_000 }, (_, at) => ({ ...list, place: `${at}` }))
        }),
    },
  ] as const)('13-adversary 29: $what', async ({ code, tamper }) => {
    tamper()
    expect(await codeOf(openKept(folder))).toBe(code)
  })

  test('13-adversary 29: any change of the manifest, when its digest is known from elsewhere', async () => {
    const digest = sha256(readFileSync(join(folder, 'manifest.json')))
    rewrite(({ fetched }) => Object.assign(fetched[0] ?? {}, { bundles: [] }))
    rmSync(join(folder, bundleFile))
    expect(await codeOf(openKept(folder))).toBeUndefined()
    expect(await codeOf(openKept(folder, digest))).toBe('pipeline/kept-changed')
  })

  test('13-adversary 29: a bundle that changed after the folder was opened', async () => {
    const kept = await openKept(folder)
    writeFileSync(join(folder, bundleFile), '{}')
    expect(await codeOf(kept.bundles(PLACE, INDEX))).toBe('pipeline/kept-changed')
  })
})

test('what was not asked for then is an incomplete list, so that nothing rests on its absence', async () => {
  await keepEvidence(folder, KEPT)
  const kept = await openKept(folder)
  const nothing = { bundles: [], complete: false, skipped: [] }
  expect(await kept.bundles('ghcr.io/mallory/app', INDEX)).toEqual(nothing)
  expect(await kept.bundles(PLACE, OTHER_CHILD)).toEqual(nothing)
  expect(() => kept.resolve('ghcr.io/mallory/app:v1')).toThrow('The folder holds nothing about')
})

test('parseKeptManifest() reads what formatManifest() writes, or refuses with a code; any bytes', () => {
  const digest = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), digest), { maxLength: 5 }), pairs => {
      const subjects = [...new Map(pairs).entries()].map(([name, hex]) => ({
        name: name.toWellFormed(),
        kind: 'file' as const,
        digest: sha256(hex),
        platforms: [],
        parents: [],
      }))
      const manifest = {
        time: KEPT.time,
        subjects: [...new Map(subjects.map(it => [it.name, it])).values()],
        fetched: [],
        indexes: [],
        trustedRoots: [],
      }
      expect(parseKeptManifest(utf8(formatManifest(manifest)))).toEqual(manifest)
    }),
  )
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), text => {
      try {
        parseKeptManifest(utf8(text))
      } catch (error) {
        expect(error).toMatchObject({ code: 'pipeline/kept-malformed' })
      }
    }),
  )
})

test.each([
  ['waybill.yml', true],
  ['.github/keys/alice.asc', true],
  ['..', false],
  ['a/..', false],
  ['/a', false],
  ['a/', false],
  ['a:b', false],
  ['a\nb', false],
  ['x'.repeat(201), false],
])('isKeptPath(%j) is %s', (path, kept) => {
  expect(isKeptPath(path)).toBe(kept)
})
