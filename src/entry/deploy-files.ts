import { isAbsolute, join, normalize } from 'node:path'
import type { AdmissionFile } from '../admission/link.ts'
import type { Digest } from '../core/digest.ts'
import type { ObservedSigner } from '../core/signer.ts'
import { writeFileAtomic } from '../io/files.ts'
import type { Deployed } from '../pipeline/deploy.ts'
import type { DeployJudged, DeployRequest, DeployUnit } from '../pipeline/deploy-request.ts'
import { formatReference } from '../registry/reference.ts'
import type { Receipt } from '../report/receipt.ts'
import { shellQuote } from '../report/text.ts'
import type { DeployedImage, DeploymentIdentity } from '../statements/deployment.ts'
import { renderDeployment } from '../statements/deployment-document.ts'
import { annotatePods } from '../subjects/annotate.ts'
import type { AnnotatedImage } from '../subjects/annotations.ts'
import { fileWords } from '../subjects/place.ts'
import type { DeployWish } from './deploy-wish.ts'
import { type PinnedFile, pinnedFiles } from './gate-pin.ts'

/** Paths of what was written. */
export interface DeployWritten {
  readonly deployment?: string
  readonly manifests: readonly string[]
  readonly policies: readonly string[]
  /** For the output `vsa`. */
  readonly vsa: readonly object[]
}

/** Everything that a deploy leaves in its folder: made before anything is signed, written when all is done. */
export class DeployFiles {
  policies: readonly AdmissionFile[] = []
  readonly #wish: DeployWish
  #pinned: readonly PinnedFile[] = []

  constructor(wish: DeployWish) {
    this.#wish = wish
  }

  /** @throws `verify/not-pinnable`, `deploy/not-annotatable` */
  prepare({ receipt, units }: DeployJudged, deployer: ObservedSigner): void {
    const { pin, annotate, named } = this.#wish
    if (!pin) return
    const pinned = pinnedFiles(receipt, named.sources)
    const images = units.flatMap(unit => (unit.image === undefined ? [] : [annotated(unit, deployer)]))
    const manifests = new Set(this.#wish.manifestFiles)
    this.#pinned = !annotate
      ? pinned
      : pinned.map(file => {
          if (!manifests.has(file.file)) return file
          return { ...file, bytes: annotatePods(file.bytes, images, { file: file.file }) }
        })
  }

  async write(
    deployed: Deployed,
    receipt: Receipt,
    request: DeployRequest,
  ): Promise<DeployWritten & { readonly pinned: readonly string[] }> {
    const { output } = this.#wish
    const manifests = await this.#writeAll(
      'manifests',
      this.#pinned.map(({ file, bytes }) => ({ name: file, bytes })),
    )
    const policies = await this.#writeAll(
      'policies',
      this.policies.map(({ name, text }) => ({ name, bytes: text })),
    )
    const deployment = join(output, 'deployment.json')
    await writeFileAtomic(deployment, this.#deployment(deployed, receipt, request))
    const vsa = deployed.summaries.map(({ unit, path, reused }) => {
      const manifest = deployed.attestations.find(({ bundle }) => bundle === path)?.manifest
      const found = manifest === undefined ? {} : { manifest }
      return { name: unit.resource, digest: unit.digest, bundle: path, ...found, reused }
    })
    return { deployment, manifests, policies, vsa, pinned: manifests }
  }

  async #writeAll(
    folder: string,
    files: readonly { readonly name: string; readonly bytes: Uint8Array | string }[],
  ): Promise<readonly string[]> {
    const places = placesBelow(files.map(({ name }) => name)).map(place => join(this.#wish.output, folder, place))
    for (const [at, { bytes }] of files.entries()) await writeFileAtomic(places[at] ?? '', bytes)
    return places
  }

  #deployment({ units, summaries, attestations, tags }: Deployed, receipt: Receipt, request: DeployRequest): string {
    const { policy, environment } = request
    const images = units.flatMap((unit): readonly DeployedImage[] => {
      const { image, resource: name, digest, proofs } = unit
      if (image === undefined) return []
      const summary = summaries.find(one => one.unit === unit)
      const manifest = attestations.find(({ bundle }) => bundle === summary?.path)
      const own = tags.filter(tag => tag.unit === unit && formatReference(tag.repository) === name)
      const places = placesOf(receipt, name, digest)
      const builder = proofs[0]?.statements[0].signer
      return [
        {
          name,
          digest,
          ...(own.length === 0 ? {} : { tags: own.map(({ tag }) => tag) }),
          ...(places.length === 0 ? {} : { places }),
          expected: {
            ...(builder === undefined ? {} : { build: identityOf(builder) }),
            ...(summary === undefined ? {} : { deployer: identityOf(summary.signer) }),
          },
          ...(manifest?.manifest === undefined
            ? {}
            : { attestations: [{ predicateType: manifest.predicateType, manifest: manifest.manifest }] }),
          commands: this.#commandsOf(name, digest),
        },
      ]
    })
    const { uri, digest } = policy
    return renderDeployment({
      schemaVersion: 1,
      issuedAt: new Date().toISOString(),
      environment,
      policy: { uri, digest },
      images,
    })
  }

  /** 13-adversary 37: a value that cannot be quoted is in no command. */
  #commandsOf(name: string, digest: Digest): readonly string[] {
    const words = [shellQuote(`${name}@${digest}`), shellQuote(this.#wish.policyPath)]
    const [image, policy] = words
    if (image === undefined || policy === undefined) return []
    return [`waybill verify image ${image} --policy ${policy} --stage run`]
  }
}

function placesOf({ subjects }: Receipt, name: string, digest: Digest): readonly string[] {
  const own = subjects.filter(subject => subject.digest === digest && subject.name.startsWith(name))
  const places = own.flatMap(subject => subject.places ?? [])
  return [...new Set(places.map(({ file, line, path }) => `${fileWords(file)}:${line} ${fileWords(path)}`))]
}

function annotated({ resource, digest, proofs, expectation }: DeployUnit, deployer: ObservedSigner): AnnotatedImage {
  const builder = proofs[0]?.statements[0].signer
  return {
    name: resource,
    digest,
    ...(builder === undefined ? {} : { build: identityOf(builder) }),
    ...(expectation.deployer === undefined ? {} : { deployer: identityOf(deployer) }),
  }
}

function identityOf(signer: ObservedSigner): DeploymentIdentity {
  if (signer.kind === 'key') return { key: signer.fingerprint }
  return { identity: signer.san.value, issuer: signer.issuer }
}

/** Relative paths, each once: below the folder whatever a file was called, in one of their own those whose name is taken. */
export function placesBelow(names: readonly string[]): readonly string[] {
  const places = new Set<string>()
  for (const name of names) {
    const below = placeBelow(name)
    let place = below
    for (let number = 1; places.has(place); number++) place = join(`${number}`, below)
    places.add(place)
  }
  return [...places]
}

/** A name that leads elsewhere becomes the bare name. */
function placeBelow(name: string): string {
  if (name === '-') return 'stdin.yaml'
  const path = normalize(name)
  const elsewhere = isAbsolute(path) || path.split(/[/\\]/).includes('..')
  const below = elsewhere ? (path.split(/[/\\]/).at(-1) ?? '') : path
  return ['', '.', '..'].includes(below) ? 'manifest.yaml' : below
}
