import { type Digest, hexOf } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import type { Verified } from '../../src/core/verified.ts'
import { clientsOf, evidencePorts } from '../../src/entry/gate-evidence.ts'
import { HttpClient } from '../../src/io/http.ts'
import { readDockerfile } from '../../src/materials/dockerfile/instructions.ts'
import type { PullOptions } from '../../src/materials/dockerfile/pull.ts'
import {
  type ImagesPorts,
  type ImagesRequest,
  type JudgedImages,
  judgeImages,
} from '../../src/pipeline/materials-images.ts'
import type { VerifyPorts } from '../../src/pipeline/verify-request.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { Policy } from '../../src/policy/policy.ts'
import { ANONYMOUS } from '../../src/registry/credentials.ts'
import { OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { type EmbeddedRegistry, type RegistryOptions, startRegistry } from '../fakes/registry/registry.ts'
import { NOW, POLICY } from '../policy/world.ts'
import { indexOf, putBlob, putBundle, putLegacy, putManifest } from '../registry/evidence-world.ts'

type Signed = Verified<import('../../src/statements/statement.ts').SignedStatement>

export interface ImageParts {
  /** Default: `linux/amd64`. */
  readonly platform?: string
  readonly env?: readonly string[]
  readonly onbuild?: readonly string[]
  readonly tag?: string
}

/**
 * A registry on loopback with the client that the gate asks with, and cryptography in memory: a bundle is the name of a
 * statement. Names under `docker.io` and `ghcr.io` are served by the registry, too, unless a test wants the real client.
 */
export class ImagesWorld {
  readonly registry: EmbeddedRegistry
  readonly http = new HttpClient()
  readonly #statements = new Map<string, Signed>()

  private constructor(registry: EmbeddedRegistry) {
    this.registry = registry
  }

  static async open(options: RegistryOptions = {}): Promise<ImagesWorld> {
    return new ImagesWorld(await startRegistry(options))
  }

  async close(): Promise<void> {
    this.http.close()
    await this.registry.close()
  }

  /** `acme/base` in the registry, by its loopback name. */
  name(repository: string): string {
    return `${this.registry.host}/${repository}`
  }

  image(repository: string, seed: string, parts: ImageParts = {}): Digest {
    const store = this.registry.storage.open(repository)
    const { platform = 'linux/amd64', env, onbuild, tag } = parts
    const [os, architecture, variant] = platform.split('/')
    const config = {
      ...{ os, architecture, seed, ...(variant === undefined ? {} : { variant }) },
      config: { ...(env === undefined ? {} : { Env: env }), ...(onbuild === undefined ? {} : { OnBuild: onbuild }) },
    }
    const document = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...putBlob(store, JSON.stringify(config)) },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...putBlob(store, `layer of ${seed}`) }],
    }
    return putManifest(store, document, tag)
  }

  /** An index over platforms, `linux/arm64` → digest. */
  index(
    repository: string,
    platforms: Readonly<Record<string, Digest>>,
    tag?: string,
    more: readonly object[] = [],
  ): Digest {
    const store = this.registry.storage.open(repository)
    const entries = Object.entries(platforms).map(([platform, digest]) => this.entry(repository, digest, platform))
    return putManifest(store, indexOf([...entries, ...more]), tag)
  }

  entry(repository: string, digest: Digest, platform: string, annotations?: Readonly<Record<string, string>>): object {
    const [os, architecture, variant] = platform.split('/')
    const stored = this.registry.storage.open(repository).find(digest)
    return {
      mediaType: stored?.mediaType ?? OCI_MANIFEST,
      digest,
      size: stored?.bytes.byteLength ?? 1,
      platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
      ...(annotations === undefined ? {} : { annotations }),
    }
  }

  /** A bundle that verifies as this statement. */
  bundle(statement: Signed): string {
    this.#statements.set(statement.bundle, statement)
    return statement.bundle
  }

  /** Attaches statements as cosign 3 does. */
  attach(repository: string, subject: Digest, ...statements: readonly Signed[]): void {
    const store = this.registry.storage.open(repository)
    for (const statement of statements) putBundle(store, { digest: subject }, this.bundle(statement))
  }

  /** Attaches one as cosign 2 does, under a tag of its own. */
  attachLegacy(repository: string, subject: Digest, statement: Signed, suffix: 'sig' | 'att' = 'sig'): void {
    const store = this.registry.storage.open(repository)
    putLegacy(store, subject, suffix, [{ text: this.bundle(statement) }])
  }

  /** Serves names of well-known hosts from the registry of the test. */
  async ports(direct = false): Promise<ImagesPorts> {
    const { host } = this.registry
    const options = { http: this.http, credentials: ANONYMOUS, insecureRegistries: direct ? [] : [host] }
    const gate = await evidencePorts({ ...options, bundleFiles: [], offline: false })
    const clientFor = clientsOf(options)
    const moved = <T extends { readonly host: string }>(place: T): T =>
      direct || place.host === host ? place : { ...place, host }
    return {
      gate: {
        evidence: (subject, expectation) =>
          gate.evidence(
            subject.kind === 'image' ? { ...subject, reference: moved(subject.reference) } : subject,
            expectation,
          ),
        verifier: this.#verifier,
        now: NOW,
        clock: () => 0,
      },
      registry: terms => {
        const client = clientFor('judged', terms)
        return {
          getManifest: (repository, digest) => client.getManifest(moved(repository), digest),
          getRaw: (repository, reference) => client.getRaw(moved(repository), reference),
          getBlob: (repository, digest, maxBytes) => client.getBlob(moved(repository), digest, maxBytes),
          blobExists: (repository, digest) => client.blobExists(moved(repository), digest),
        }
      },
    }
  }

  readonly #verifier: VerifyPorts['verifier'] = async () => {
    const found = (bytes: Uint8Array) => {
      const statement = this.#statements.get(Buffer.from(bytes).toString())
      if (statement === undefined) throw fail('sigstore/signature-invalid', 'A bundle that nobody signed')
      return statement
    }
    return { bundle: found, legacy: ({ payload }) => found(payload) }
  }

  /** Judges a Dockerfile under these rules of `base-images`. */
  async judge(dockerfile: string, rules: string, change: Change = {}): Promise<JudgedImages> {
    const { ports, direct, ...request } = change
    return judgeImages(
      {
        policy: policyWith(rules),
        dockerfile: readDockerfile(Buffer.from(dockerfile)),
        path: 'Dockerfile',
        builds: [buildFor('linux/amd64')],
        declared: new Map(),
        more: [],
        ...request,
      },
      { ...(await this.ports(direct)), ...ports },
    )
  }

  /** Requests that reached the registry, as `METHOD path`, in their order. */
  asked(): string[] {
    return this.registry.log.map(({ method, path }) => `${method} ${path}`)
  }
}

export type Change = Partial<ImagesRequest> & { readonly ports?: Partial<ImagesPorts>; readonly direct?: boolean }

/** @param rules lines of `base-images`, one a rule. */
export function policyWith(rules: string, more = ''): Policy {
  const block = rules === '' ? '' : `base-images:\n${rules.trim().replace(/^\s*/gm, '  ')}\n`
  return parsePolicy(Buffer.from(`${POLICY}${block}${more}`), '.github/waybill.yml')
}

export function buildFor(targetPlatform: string, more: Partial<PullOptions> = {}): PullOptions {
  return { buildArgs: new Map(), contexts: new Map(), buildPlatform: 'linux/amd64', targetPlatform, ...more }
}

/** Verdict of each image with what it rests on, or the codes against it. */
export function told({ images }: JudgedImages): readonly string[] {
  return images.map(({ judged }) => {
    const { name, verdict, proof, findings } = judged
    const codes = [...new Set(findings.filter(({ severity }) => severity === 'reject').map(({ code }) => code))]
    return `${name} ${verdict} ${verdict === 'passed' ? (proof?.kind ?? 'nothing') : codes.join(' ')}`
  })
}

export function digestFields(digest: Digest): { readonly sha256: string } {
  return { sha256: hexOf(digest) }
}
