import type { AllowedImage } from '../../src/build/allowed.ts'
import type { BuildResult } from '../../src/build/builder.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { type CommitId, type Digest, hexOf, parseCommitId, sha256 } from '../../src/core/digest.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import { pullsOf } from '../../src/materials/dockerfile/pulls.ts'
import type { MaterialItem } from '../../src/materials/manifest/item.ts'
import type { AttestPorts, AttestRequest } from '../../src/pipeline/attest-request.ts'
import type { FetchRequest } from '../../src/pipeline/materials-fetch-request.ts'
import type { ImagesRequest, JudgedImage } from '../../src/pipeline/materials-images-request.ts'
import type { FetchedMaterial, JudgedMaterial, MaterialsOutcome } from '../../src/pipeline/materials-outcome.ts'
import { verifyMaterials } from '../../src/pipeline/materials-stage.ts'
import { RunRecord } from '../../src/pipeline/run.ts'
import type { SourceOutcome } from '../../src/pipeline/source-stage.ts'
import { StageLog } from '../../src/pipeline/stages.ts'
import { type Law, lawFromFile } from '../../src/policy/law.ts'
import { parseReference } from '../../src/registry/reference.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import type { TreeEntry } from '../../src/source/tree.ts'

export const A: Digest = sha256(utf8('a base image'))
export const B: Digest = sha256(utf8('another one'))
/** Says something of base images, and something of what is none. */
export const RULES = `version: 1
base-images: [{match: "docker.io/library/**", digest-lock: true}]
materials: [{match: ["https://dl.example/**", "git+https://dl.example/*@*"]}, {match: "https://signed.example/**", keys: [tool]}]
material-keys: {tool: {minisign: {file: keys/tool.pub}}}
`
export const MANIFEST = '.github/waybill.materials.yml'

/** What a judgement of images says of each; default: all pass by their digest. */
export type ImageVerdict = Partial<JudgedMaterial>

export interface World {
  readonly files?: Readonly<Record<string, string>>
  /** Text of the accepted policy; absent: no policy judged. */
  readonly policy?: string
  readonly mode?: AttestRequest['materials']['mode']
  readonly request?: Record<string, unknown>
  readonly image?: ImageVerdict
  /** By name of the item. */
  readonly fetched?: Readonly<Record<string, Partial<JudgedMaterial>>>
  /** The source stage could not judge the history. */
  readonly unjudged?: boolean
}

export interface Told {
  readonly outcome?: MaterialsOutcome
  readonly error?: unknown
  readonly record: RunRecord
  readonly receipt: Receipt
  readonly asked: { readonly images: ImagesRequest[]; readonly fetched: FetchRequest[] }
  readonly kept: ReadonlyMap<string, Uint8Array>
}

/** Runs the stage on a commit with these files. */
export async function judged(world: World): Promise<Told> {
  const asked = { images: [] as ImagesRequest[], fetched: [] as FetchRequest[] }
  const kept = new Map<string, Uint8Array>()
  const ports = {
    registry: { getRaw: async () => undefined },
    folder: async (name: string) => `/run/${name}`,
    keep: async (name: string, bytes: Uint8Array) => {
      kept.set(name, bytes)
      return `/run/${name}`
    },
    now: () => new Date('2026-06-01T00:00:00Z'),
    materials: {
      machine: 'linux/amd64',
      images: async (request: ImagesRequest) => {
        asked.images.push(request)
        return imagesOf(request, world.image)
      },
      bring: async (request: FetchRequest) => {
        asked.fetched.push(request)
        return request.items.map(item => fetchedOf(item, request.manifest, world.fetched?.[item.name]))
      },
      place: async () => {},
    },
  } as unknown as AttestPorts
  const record = newRecord()
  const request = requestOf(world)
  const source = sourceOf(world, record)
  const result = await verifyMaterials(request, ports, source, record).then(
    outcome => ({ outcome }),
    error => {
      record.fail(error)
      return { error }
    },
  )
  return { ...result, record, receipt: record.receipt('attest'), asked, kept }
}

export function newRecord(): RunRecord {
  return new RunRecord(new StageLog({ clock: () => 0, requests: () => 0, progress: () => {} }))
}

export function requestOf({ mode = 'auto', request }: World): AttestRequest {
  const base = {
    materials: { mode },
    source: { ref: 'refs/heads/main', purpose: 'sign', mode: 'auto', head: COMMIT },
    build: { context: '.', platforms: [], buildArgs: {}, network: 'default', labels: {}, annotations: {} },
    given: {},
    repositories: [{ host: 'ghcr.io', repository: 'acme/app' }],
    serverUrl: 'https://github.com',
    repository: 'acme/app',
    run: { id: '7', repositoryId: '4711' },
  }
  return { ...base, ...request } as unknown as AttestRequest
}

export const COMMIT: CommitId = parseCommitId('c'.repeat(40))

export function lawOf(text: string): Law {
  const key = 'untrusted comment: minisign public key\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n'
  return lawFromFile(utf8(text), '.github/waybill.yml', path => (path.endsWith('tool.pub') ? utf8(key) : undefined))
}

function sourceOf({ files = {}, policy, unjudged }: World, record: RunRecord): SourceOutcome {
  const law = policy === undefined ? undefined : lawOf(policy)
  if (law !== undefined)
    record.policy = { uri: 'git+https://github.com/acme/app#.github/waybill.yml', digest: law.policyDigest }
  const { root, history } = treeOf({ Dockerfile: 'FROM scratch\n', ...files })
  return {
    history,
    commit: { id: COMMIT, tree: root },
    foundOnRef: true,
    newer: new Set(),
    claim: unjudged
      ? { mode: 'audit', verdict: 'unknown' }
      : { mode: 'enforce', verdict: law === undefined ? 'not-asked' : 'passed' },
    ...(law === undefined ? {} : { judgement: { law } }),
  } as unknown as SourceOutcome
}

/** A tree of these files, as a history would serve it; ids are made from paths, nobody recomputes them here. */
export function treeOf(files: Readonly<Record<string, string>>) {
  const trees = new Map<string, Map<string, TreeEntry>>([['', new Map()]])
  const blobs = new Map<CommitId, Uint8Array>()
  const idOf = (text: string) => parseCommitId(hexOf(sha256(utf8(text))).slice(0, 40))
  for (const [path, content] of Object.entries(files)) {
    const parts = path.split('/').map(part => Buffer.from(part).toString('latin1'))
    parts.forEach((name, at) => {
      const above = parts.slice(0, at).join('/')
      const own = parts.slice(0, at + 1).join('/')
      const file = at === parts.length - 1
      const link = file && content.startsWith('-> ')
      const id = idOf(`${file ? 'blob' : 'tree'} ${own}`)
      if (!file && !trees.has(own)) trees.set(own, new Map())
      if (file) blobs.set(id, utf8(content))
      trees.get(above)?.set(name, { mode: link ? '120000' : file ? '100644' : '40000', name, id })
    })
  }
  const byId = new Map([...trees].map(([path, entries]) => [idOf(`tree ${path}`), [...entries.values()]]))
  const history = {
    fetchTree: async () => {},
    tree: async (id: CommitId) => byId.get(id) ?? [],
    blob: async (id: CommitId) => blobs.get(id) ?? utf8(''),
  }
  return { root: idOf('tree '), history }
}

function imagesOf(request: ImagesRequest, over: ImageVerdict = {}) {
  const pulls = request.builds.flatMap(options => pullsOf(request.dockerfile, options))
  const names = pulls.flatMap(({ how, source, line }) => {
    const context = how === 'context'
    if (source === undefined || how.startsWith('add') || (context && !source.startsWith('docker-image://'))) return []
    return [{ name: source.replace('docker-image://', ''), place: `${request.path}:${line}` }]
  })
  const more = request.more.map(({ canonical, place }) => ({ name: canonical, place }))
  return { images: [...names, ...more].map(one => imageOf(one, over)), pulls }
}

function imageOf({ name, place }: { name: string; place: string }, over: ImageVerdict): JudgedImage {
  const { digest: _, ...reference } = parseReference(name)
  const canonical = `${reference.canonical}:${reference.tag ?? 'latest'}`
  const passed = (over.verdict ?? 'passed') === 'passed'
  const judged: JudgedMaterial = {
    name: canonical,
    kind: 'image',
    uri: `docker-image://${canonical}`,
    places: [place],
    digest: { sha256: hexOf(A) },
    verdict: 'passed',
    findings: [],
    ...(passed ? { proof: { kind: 'digest' } } : {}),
    ...over,
  }
  const allowed: AllowedImage = {
    reference: { ...reference, tag: reference.tag ?? 'latest' },
    digest: A,
    names: [name],
    use: 'base',
    private: false,
  }
  return { judged, ...(passed ? { allowed } : {}) }
}

function fetchedOf(item: MaterialItem, manifest: string, over: Partial<JudgedMaterial> = {}): FetchedMaterial {
  const passed = (over.verdict ?? 'passed') === 'passed'
  return {
    item,
    judged: {
      name: item.uri.canonical,
      kind: item.uri.kind,
      uri: item.uri.canonical,
      places: [`${manifest}:${item.at.split(':')[0]}`],
      digest: Object.fromEntries(item.digest),
      verdict: 'passed',
      findings: [],
      ...(passed ? { proof: { kind: 'digest' } } : {}),
      ...over,
    },
    ...(passed ? { path: `/run/materials/${item.name}`, size: 3, from: 'dl.example' } : {}),
  }
}

export function against(code: ErrorCode, subject = 'x'): JudgedMaterial['findings'][number] {
  return { code, severity: 'reject', subject, message: `Nobody signed ${subject}`, remedy: 'Sign it' }
}

export function built(over: Partial<BuildResult> = {}): BuildResult {
  return { digest: B, builder: 'buildah', tools: [], pushedTo: [], notes: [], ...over }
}
