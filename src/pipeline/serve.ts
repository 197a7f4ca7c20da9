import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { DeployedImage, Deployment } from '../statements/deployment.ts'
import { deploymentStatement } from '../statements/deployment-document.ts'
import { SERVE_ANNOTATION } from '../subjects/annotations.ts'
import type { ClusterPort } from '../subjects/cluster.ts'
import { type RunningImage, type RunningPods, runningPods } from '../subjects/served-pods.ts'

/** The cluster as `waybill serve` asks it: with a role for one namespace. */
export interface ServedCluster extends ClusterPort {
  /** Annotations of a namespace. Throws as `pods` does. */
  annotations(namespace: string, signal?: AbortSignal): Promise<Readonly<Record<string, string>>>
  close(): void
}

export interface ServePorts {
  /** Opened for each reading: the token of a service account lives for an hour. */
  cluster(): Promise<ServedCluster>
  /** A bundle over exactly these bytes. */
  sign(statement: Uint8Array): Promise<Uint8Array>
  now(): Date
  /** Milliseconds, monotonic. */
  clock(): number
  /** For whoever runs it; never shown to who asks. */
  failed(error: WaybillError): void
}

export interface ServeRequest {
  readonly namespace: string
  /** `host[:port]` for which documents are made; nobody else's name is ever signed. */
  readonly audiences: readonly [string, ...string[]]
}

/** What can be given to whoever asks. */
export type Told =
  | { readonly kind: 'document'; readonly bundle: Uint8Array }
  /** The namespace does not want to be told about. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unavailable' }

/** What was read of the cluster at one moment, and what was made of it. */
interface Edition {
  /** By `clock`: from then on another is made. */
  until: number
  readonly pods: Promise<{ readonly issuedAt: Date; readonly pods: RunningPods } | undefined>
  readonly signed: Map<string, Promise<Uint8Array>>
}

/**
 * Tells what one namespace runs. However often it is asked, the cluster is read and each document signed at most once in
 * `LIMITS.serveKeptMs`, or after a failure in `LIMITS.serveFailedMs`; who asks meanwhile waits for the same answer.
 */
export class ServedNamespace {
  readonly #request: ServeRequest
  readonly #ports: ServePorts
  #edition: Edition | undefined

  constructor(request: ServeRequest, ports: ServePorts) {
    this.#request = request
    this.#ports = ports
  }

  /** Whether documents are made for this host. */
  answersFor(audience: string): boolean {
    return this.#request.audiences.includes(audience)
  }

  /** Whether there is something to tell, or nothing is to be told. */
  async isReady(): Promise<boolean> {
    const [first] = this.#request.audiences
    return (await this.document(first)).kind !== 'unavailable'
  }

  /** @param audience one of `answersFor`. Never throws. */
  async document(audience: string): Promise<Told> {
    if (!this.answersFor(audience)) throw new TypeError(`no document is made for ${audience}`)
    const edition = this.#current()
    try {
      const read = await edition.pods
      if (read === undefined) return { kind: 'nothing' }
      return { kind: 'document', bundle: await this.#signed(edition, audience, read) }
    } catch {
      return { kind: 'unavailable' }
    }
  }

  #current(): Edition {
    const now = this.#ports.clock()
    if (this.#edition !== undefined && now < this.#edition.until) return this.#edition
    const edition: Edition = { until: now + LIMITS.serveKeptMs, pods: this.#read(), signed: new Map() }
    this.#edition = edition
    edition.pods.catch(error => this.#failed(edition, error))
    return edition
  }

  #failed(edition: Edition, error: unknown): void {
    edition.until = Math.min(edition.until, this.#ports.clock() + LIMITS.serveFailedMs)
    this.#ports.failed(asWaybillError(error))
  }

  /** @returns undefined for a namespace that has not opted in: its pods are not asked for. */
  async #read() {
    const { namespace } = this.#request
    const signal = AbortSignal.timeout(LIMITS.requestMs)
    const cluster = await this.#ports.cluster()
    try {
      const annotations = await cluster.annotations(namespace, signal)
      if (annotations[SERVE_ANNOTATION] !== 'true') {
        this.#ports.failed(notOptedIn(namespace))
        return undefined
      }
      const issuedAt = this.#ports.now()
      const pods = await runningPods(() => cluster.pods(namespace, signal), LIMITS.deploymentItems)
      return { issuedAt, pods }
    } finally {
      cluster.close()
    }
  }

  #signed(edition: Edition, audience: string, read: { issuedAt: Date; pods: RunningPods }): Promise<Uint8Array> {
    const known = edition.signed.get(audience)
    if (known !== undefined) return known
    const signing = (async () =>
      withinBound(await this.#ports.sign(servedStatement(read.pods, audience, read.issuedAt))))()
    edition.signed.set(audience, signing)
    signing.catch(error => this.#failed(edition, error))
    return signing
  }
}

/**
 * The bytes that are signed. @param audience the configured name, never what a request says.
 * @throws `serve/nothing-runs`, `serve/too-much-runs`, `statements/deployment-malformed`
 */
export function servedStatement({ images, unclear }: RunningPods, audience: string, issuedAt: Date): Uint8Array {
  if (images.length === 0)
    throw fail('serve/nothing-runs', 'Nothing that runs in the namespace has a digest', {
      found: `${unclear.length} containers of which nobody can tell the image`,
    })
  if (images.length > LIMITS.servedReferences)
    throw fail('serve/too-much-runs', `${images.length} images are more than anybody verifies by a URL`, {
      expected: `at most ${LIMITS.servedReferences}`,
      found: String(images.length),
    })
  const document: Deployment = {
    schemaVersion: 1,
    issuedAt: issuedAt.toISOString(),
    audience,
    images: images.map(deployed),
    ...(unclear.length === 0 ? {} : { unclear }),
  }
  const statement = deploymentStatement(document)
  // In its envelope it is base64: what cannot fit whatever its signature weighs is not signed, and no log hears of it.
  requireReadable(Math.ceil(statement.byteLength / 3) * 4)
  return statement
}

function withinBound(bundle: Uint8Array): Uint8Array {
  requireReadable(bundle.byteLength)
  return bundle
}

/** A longer document would be refused by everybody who asks. */
function requireReadable(bytes: number): void {
  if (bytes <= LIMITS.servedDocumentBytes) return
  throw fail('serve/too-much-runs', 'The document is larger than anybody reads', {
    expected: `at most ${LIMITS.servedDocumentBytes} bytes`,
    found: `${bytes} bytes`,
  })
}

function deployed({ name, digest, specified, build, deployer, places }: RunningImage): DeployedImage {
  const expected = { ...(build === undefined ? {} : { build }), ...(deployer === undefined ? {} : { deployer }) }
  return {
    name,
    digest,
    ...(specified === undefined ? {} : { specified }),
    places,
    ...(Object.keys(expected).length === 0 ? {} : { expected }),
  }
}

function notOptedIn(namespace: string): WaybillError {
  return fail('serve/not-opted-in', `The namespace ${namespace} is not told about`, {
    expected: `the annotation ${SERVE_ANNOTATION}: "true"`,
    remedy: `If it may be told: kubectl annotate namespace ${namespace} ${SERVE_ANNOTATION}=true`,
  })
}
