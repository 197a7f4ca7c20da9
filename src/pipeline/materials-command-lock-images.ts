import { type Digest, hexOf } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import { findingOf } from '../core/verdict.ts'
import { readDockerfile } from '../materials/dockerfile/instructions.ts'
import { pullsOf } from '../materials/dockerfile/pulls.ts'
import type { MaterialItem } from '../materials/manifest/item.ts'
import { baseImageRule, type TrustedBase } from '../policy/base-images.ts'
import type { Policy } from '../policy/policy.ts'
import { parseReference, type Reference } from '../registry/reference.ts'
import { contextsOf } from './materials-bring.ts'
import { lawOf } from './materials-command-judge.ts'
import type { JudgedFiles, JudgePorts } from './materials-command-request.ts'
import { declaredKey } from './materials-images.ts'
import { imagesNamed } from './materials-images-named.ts'
import type { MoreImage } from './materials-images-request.ts'
import type { JudgedMaterial } from './materials-outcome.ts'

export interface LockPorts extends JudgePorts {
  /** What a tag means now, asked as judged content is asked for; `private`: the rule allows addresses inside. */
  resolve(reference: Reference, terms: { readonly private: boolean }): Promise<Digest>
  /** Hex digest of a file that was fetched and verified. */
  hash(path: string, algorithm: 'sha256' | 'sha512'): Promise<string>
}

export interface LockedImages {
  /** Of the manifest's images and of those that shall stand in it. */
  readonly judged: readonly JudgedMaterial[]
  /** Name of the item → its digest. */
  readonly digests: ReadonlyMap<string, ReadonlyMap<'sha256', string>>
  /** Base images under `digest-lock` that nothing pins yet. */
  readonly missing: readonly { readonly reference: string; readonly digest: Digest }[]
}

/** Rounds of looking up: each must find an image that only ONBUILD of another names. */
const ROUNDS = 20

/**
 * Digests of all images as their tags mean them now. Under `digest-lock` that is what the registry says; under every other rule
 * only what the rule's own proof holds for.
 */
export async function lockedImages(files: JudgedFiles, path: string, ports: LockPorts): Promise<LockedImages> {
  const items = (files.manifest?.items ?? []).filter(({ uri }) => uri.kind === 'image')
  const finder = new Finder(files, path, items, ports)
  await finder.resolve(finder.named())
  for (let round = 0; ; round++) {
    const { images } = await finder.judge()
    const open = images.flatMap(({ judged }) =>
      isOpen(judged) && !finder.declared.has(judged.name) ? [judged.name] : [],
    )
    const found = round < ROUNDS && open.length > 0 ? await finder.resolve(open) : 0
    if (found === 0) return resultOf(images, items, finder)
  }
}

function isOpen({ kind, findings }: JudgedMaterial): boolean {
  return kind === 'image' && findings.some(({ code }) => code === 'materials/not-pinned')
}

class Finder {
  /** Canonical name with its tag → digest that the tag has now. */
  readonly declared = new Map<string, Digest>()
  readonly failed: JudgedMaterial[] = []
  readonly #files: JudgedFiles
  readonly #items: readonly MaterialItem[]
  readonly #path: string
  readonly #ports: LockPorts
  readonly #pinned: ReadonlySet<string>
  readonly #inFile: readonly string[]
  readonly #asked = new Set<string>()

  constructor(files: JudgedFiles, path: string, items: readonly MaterialItem[], ports: LockPorts) {
    this.#files = files
    this.#items = items
    this.#path = path
    this.#ports = ports
    const dockerfile = readDockerfile(files.dockerfile.bytes)
    const builds = this.#builds().map(options => ({ options, pulls: pullsOf(dockerfile, options) }))
    const { images } = imagesNamed(builds, { path: files.dockerfile.path, more: [] })
    this.#inFile = images.map(({ reference }) => declaredKey(reference))
    this.#pinned = new Set(
      images.flatMap(({ reference }) => (reference.digest === undefined ? [] : [declaredKey(reference)])),
    )
  }

  #builds() {
    const contexts = contextsOf(
      this.#items.map(item => ({ ...item, digest: new Map() })),
      [],
    )
    return this.#files.builds.map(options => ({ ...options, contexts }))
  }

  /** Names whose digest has to be looked up before anything can be judged. */
  named(): readonly string[] {
    return [...new Set([...this.#inFile, ...this.#items.map(nameOfItem)])]
  }

  /** @returns how many were found out. */
  async resolve(names: readonly string[]): Promise<number> {
    const found = await inParallel(names, 8, name => this.#resolveOne(name))
    return found.filter(Boolean).length
  }

  async #resolveOne(name: string): Promise<boolean> {
    if (this.#pinned.has(name) || name.includes('@') || this.#asked.has(name)) return false
    this.#asked.add(name)
    // 13-adversary 39: a rule first, then a request. What no rule matches is told where it is judged.
    const rule = ruleOf(this.#files.policy.law.policy, name)
    if (rule?.kind !== 'digest-lock') return false
    try {
      this.declared.set(name, await this.#ports.resolve(parseReference(name), rule))
      return true
    } catch (error) {
      const known = asWaybillError(error)
      const verdict = known.kind === 'rejected' ? 'rejected' : 'unknown'
      const findings = [findingOf(known, name)]
      const uri = `docker-image://${name}`
      this.failed.push({ name, kind: 'image', uri, places: [], digest: {}, verdict, findings })
      return false
    }
  }

  judge() {
    const law = lawOf(this.#files.policy)
    const inFile = new Set(this.#inFile)
    const more = this.#items.flatMap((item): readonly MoreImage[] => {
      const canonical = nameOfItem(item)
      const place = `${this.#path}:${item.at.split(':')[0]}`
      const { kind } = item.use
      if (kind === 'builder' || kind === 'sbom-generator') return [{ canonical, use: kind, place }]
      return inFile.has(canonical) ? [] : [{ canonical, use: 'base', place }]
    })
    return this.#ports.images(
      {
        policy: law.policy,
        ...(law.name === undefined ? {} : { policyName: law.name }),
        dockerfile: readDockerfile(this.#files.dockerfile.bytes),
        path: this.#files.dockerfile.path,
        builds: this.#builds(),
        declared: this.declared,
        manifest: this.#path,
        more,
      },
      law,
    )
  }
}

function ruleOf(policy: Policy, name: string): TrustedBase | undefined {
  try {
    return baseImageRule(policy, name)
  } catch {
    return undefined
  }
}

function nameOfItem({ uri }: MaterialItem): string {
  return uri.kind === 'image' ? uri.reference : uri.canonical
}

type JudgedImageList = Awaited<ReturnType<Finder['judge']>>['images']

function resultOf(images: JudgedImageList, items: readonly MaterialItem[], finder: Finder): LockedImages {
  const digests = new Map<string, Digest>()
  for (const { allowed } of images)
    if (allowed !== undefined) digests.set(declaredKey(allowed.reference), allowed.digest)
  const named = new Set(items.map(nameOfItem))
  const missing = [...finder.declared].filter(([name]) => !named.has(name) && digests.has(name))
  const concerned = new Set([...named, ...finder.declared.keys()])
  const broken = new Set(finder.failed.map(({ name }) => name))
  const judged = images.map(image => image.judged).filter(({ name }) => concerned.has(name) && !broken.has(name))
  return {
    // What the Dockerfile names besides is for `materials verify` to refuse: no digest could mend it.
    judged: [...judged, ...finder.failed],
    digests: new Map(
      items.flatMap(item => {
        const digest = digests.get(nameOfItem(item))
        return digest === undefined ? [] : [[item.name, new Map([['sha256', hexOf(digest)] as const])] as const]
      }),
    ),
    missing: missing.map(([reference, digest]) => ({ reference, digest })),
  }
}
