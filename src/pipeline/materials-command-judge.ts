import type { AllowedMaterials } from '../build/allowed.ts'
import { together } from '../core/together.ts'
import { type Outcome, worst } from '../core/verdict.ts'
import { readDockerfile } from '../materials/dockerfile/instructions.ts'
import { lockFilesIn } from '../materials/lock-files.ts'
import type { Receipt } from '../report/receipt.ts'
import { judgeAdds } from './materials-adds.ts'
import { contextFolders, contextsOf, declaredImages } from './materials-bring.ts'
import type { JudgedFiles, JudgePorts } from './materials-command-request.ts'
import { MANIFEST_PATH } from './materials-manifest.ts'
import type { FetchedMaterial, JudgedMaterial } from './materials-outcome.ts'
import type { MaterialsLaw } from './materials-plan.ts'
import { materialReceipt } from './materials-receipt.ts'
import { unchecked } from './materials-unchecked.ts'

/** The policy of a checkout as the law that judges. */
export function lawOf({ path, law }: JudgedFiles['policy']): MaterialsLaw {
  return { policy: law.policy, files: law.files, name: { uri: `file:${path}`, digest: law.policyDigest }, law }
}

/** What was found out about everything that the files name. */
export interface JudgedWorld {
  readonly judged: readonly JudgedMaterial[]
  readonly allowed: AllowedMaterials
  /** What nobody looked at, a sentence each. */
  readonly unchecked: readonly string[]
}

/**
 * Judges all that a build of these files would pull in, as the stage `materials` of a run does.
 * @throws `materials/dockerfile-malformed`, `materials/too-many-references`, and configuration errors
 */
async function judgeFiles(files: JudgedFiles, ports: JudgePorts): Promise<JudgedWorld> {
  const law = lawOf(files.policy)
  const { manifest, dockerfile, builds } = files
  const items = manifest?.items ?? []
  const bringing = bringFiles(files, ports)
  bringing.catch(() => {}) // told where it is waited for
  // Only of folders is it known where they lie before the images are asked about.
  const contexts = contextsOf(items, contextFolders(items) ? await bringing : [])
  const request = {
    policy: law.policy,
    ...(law.name === undefined ? {} : { policyName: law.name }),
    dockerfile: readDockerfile(dockerfile.bytes),
    path: dockerfile.path,
    builds: builds.map(options => ({ ...options, contexts })),
    ...declaredImages(manifest),
  }
  const [judgedImages, fetched] = await together([ports.images(request, law), bringing])
  const { images, pulls } = judgedImages
  const adds = judgeAdds(pulls, fetched, law.policy, dockerfile.path)
  return {
    judged: [...images.map(({ judged }) => judged), ...adds.judged],
    allowed: {
      images: images.flatMap(({ allowed }) => allowed ?? []),
      urls: adds.urls,
      repositories: adds.repositories,
      contexts: contextsOf(items, fetched, images),
      pulls,
    },
    unchecked: [...unchecked('default', lockFilesIn(files.contextPaths)), ...uncheckedLarge(files)],
  }
}

/** Fetches and verifies what the manifest declares, images apart. */
async function bringFiles(
  { manifest, policy, content }: JudgedFiles,
  ports: JudgePorts,
): Promise<readonly FetchedMaterial[]> {
  const items = (manifest?.items ?? []).filter(({ uri }) => uri.kind !== 'image')
  if (items.length === 0 && content === undefined) return []
  return ports.bring({
    items,
    manifest: manifest?.path ?? MANIFEST_PATH,
    ...(content === undefined ? {} : { tree: content.tree }),
    policy: policy.law.policy,
    policyFiles: policy.law.files,
    commitFile: path => ports.file(path),
    folder: await ports.folder(),
  })
}

/** The commit names their SHA-256, so a run that fetches them needs no judgement; here nobody fetches them. */
function uncheckedLarge({ content }: JudgedFiles): readonly string[] {
  const { large = [] } = content ?? {}
  if (large.length === 0) return []
  const what = large.length === 1 ? '1 file' : `${large.length} files`
  return [
    `Whether Git LFS has the content of ${what}: a run fetches it, and takes only what has the SHA-256 in the commit.`,
  ]
}

const CAVEAT =
  'The verified commit: files were read as they lie here, and a run judges those of the commit by the policy accepted before it.'

/** `waybill materials verify`: never throws for what it finds out about a material. */
export async function verifyFiles(files: JudgedFiles, ports: JudgePorts): Promise<Receipt> {
  const began = ports.clock()
  const { judged, unchecked: open } = await judgeFiles(files, ports)
  const [first, ...more] = judged.map(({ verdict }) => verdict)
  const verdict: Outcome = first === undefined ? 'passed' : worst([first, ...more])
  const { manifest, policy } = files
  return {
    schemaVersion: 1,
    command: 'materials verify',
    verdict,
    subjects: [],
    stages: [{ name: 'materials', state: verdict, mode: 'audit', ms: ports.clock() - began }],
    attestations: [],
    materials: {
      items: judged.map(item => materialReceipt(item, new Map())),
      ...(manifest === undefined ? {} : { manifest: { path: manifest.path, digest: manifest.digest } }),
    },
    policy: { uri: `file:${policy.path}`, digest: policy.law.policyDigest },
    notChecked: [...open, CAVEAT],
    notices: [],
  }
}
