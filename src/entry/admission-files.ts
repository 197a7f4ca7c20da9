import { type AdmissionEngine, headerLines } from '../admission/document.ts'
import { imageValidatingPolicies } from '../admission/kyverno.ts'
import type { AdmissionFile } from '../admission/link.ts'
import { admissionOf } from '../admission/links.ts'
import type { AdmissionOptions } from '../admission/options.ts'
import { clusterImagePolicies } from '../admission/policy-controller.ts'
import { maybe } from '../core/maybe.ts'
import { readFileBounded } from '../io/files.ts'
import type { Law } from '../policy/law.ts'
import { SIGSTORE_LIMITS } from '../sigstore/limits.ts'
import { GITHUB_ROOT, pinnedRootFile } from '../sigstore/trust/pinned-root.ts'

export interface AdmissionWish extends Pick<AdmissionOptions, 'policy' | 'command' | 'namespaces'> {
  readonly engine: AdmissionEngine
  readonly law: Law
  /** Keeps what is fetched to trust GitHub's own instance. */
  readonly cache: string
}

export interface AdmissionResult {
  readonly files: readonly AdmissionFile[]
  /** What the files do not enforce, a sentence each. */
  readonly notes: readonly string[]
}

/** The deploy rules of a law as policies for one engine. @throws `policy/not-expressible` */
export async function admissionFiles(wish: AdmissionWish): Promise<AdmissionResult> {
  const { engine, law, cache, ...named } = wish
  const admission = admissionOf(law.policy, wish.policy)
  const options: AdmissionOptions = {
    ...named,
    files: law.files,
    ...maybe('githubRoot', await githubRoot(law, cache)),
  }
  const { notes } = admission
  if (engine === 'policy-controller') return { files: clusterImagePolicies(admission, options), notes }
  const texts = [...law.files].map(
    ([file, bytes]) => [file, { trustedRoot: Buffer.from(bytes).toString('utf8') }] as const,
  )
  const files = imageValidatingPolicies(admission, {
    header: headerLines(engine, admission, options),
    trust: new Map(texts),
    namespaces: wish.namespaces,
  })
  return { files, notes }
}

/** Where a cluster begins to trust GitHub's own instance. */
async function githubRoot({ policy }: Law, cache: string): Promise<Uint8Array | undefined> {
  if (!policy.deploy.some(rule => rule.kind === 'allow' && rule.trust === 'github')) return undefined
  const path = await pinnedRootFile(GITHUB_ROOT, cache, SIGSTORE_LIMITS.tufMs)
  return readFileBounded(path, SIGSTORE_LIMITS.tufRootBytes)
}
