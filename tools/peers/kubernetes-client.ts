import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the API server said. */
export interface KubernetesAnswer {
  /** HTTP status. */
  readonly status: number
  /** Of a refusal its reason, such as what an admission webhook wrote; otherwise empty. */
  readonly message: string
  /** Texts of `Warning` headers: an admission webhook that lets something through may complain in them. */
  readonly warnings: readonly string[]
  readonly body: unknown
}

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string } & Readonly<Record<string, unknown>>
  readonly [more: string]: unknown
}

/** What a kubelet reports of one container. */
export interface ContainerStatus {
  readonly name: string
  readonly image: string
  /** As a container runtime names what it started, `host/repository@sha256:…`. */
  readonly imageID: string
}

/** Lists of a pod's status, as a kubelet fills them. */
export interface PodStatus {
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed'
  readonly containerStatuses?: readonly ContainerStatus[]
  readonly initContainerStatuses?: readonly ContainerStatus[]
  readonly ephemeralContainerStatuses?: readonly ContainerStatus[]
}

export interface KubernetesAddress {
  readonly url: string
  /** PEM. */
  readonly ca: string
  readonly token: string
}

/** What a test does to a cluster: operator, developer and kubelet in one. */
export class KubernetesClient {
  readonly #address: KubernetesAddress
  readonly #agent: Agent
  readonly #paths = new Map<string, { readonly name: string; readonly namespaced: boolean }>()

  constructor(address: KubernetesAddress) {
    this.#address = address
    this.#agent = new Agent({ ca: address.ca, keepAlive: true })
  }

  close(): void {
    this.#agent.destroy()
  }

  /** One request; a text is sent as it is. Only a broken connection throws. */
  async request(method: string, path: string, body?: unknown, type = 'application/json'): Promise<KubernetesAnswer> {
    const { url, token } = this.#address
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': type }),
    }
    return new Promise((resolve, reject) => {
      const call = request(`${url}${path}`, { method, agent: this.#agent, headers }, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const warnings = [response.headers.warning ?? []].flat().flatMap(warningsIn)
          resolve(answerOf(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'), warnings))
        })
      })
      call.on('error', reject)
      call.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body))
    })
  }

  /** @throws unless the answer is a success. */
  async must(method: string, path: string, body?: unknown, type?: string): Promise<unknown> {
    const answer = await this.request(method, path, body, type)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.message}`)
    return answer.body
  }

  /** Creates it or makes it so, as `kubectl apply --server-side` does. @throws when it is refused. */
  async apply(object: KubernetesObject): Promise<unknown> {
    const path = `${await this.pathOf(object)}?fieldManager=test&force=true`
    return this.must('PATCH', path, object, 'application/apply-patch+yaml')
  }

  /** Creates it anew; a refusal is an answer. */
  async create(object: KubernetesObject, options: { readonly dryRun?: boolean } = {}): Promise<KubernetesAnswer> {
    const path = (await this.pathOf(object)).replace(/\/[^/]+$/, '')
    return this.request('POST', `${path}${options.dryRun ? '?dryRun=All' : ''}`, object)
  }

  /** Removes it at once, with no time to end in. */
  async remove(object: KubernetesObject): Promise<void> {
    await this.must('DELETE', `${await this.pathOf(object)}?gracePeriodSeconds=0`)
  }

  async read(object: KubernetesObject): Promise<unknown> {
    return this.must('GET', await this.pathOf(object))
  }

  /** A namespace with its `default` service account, which a controller would make in a whole cluster. */
  async createNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
    await this.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } })
  }

  /** Applies a definition and waits until the server serves it. */
  async applyDefinition(definition: KubernetesObject): Promise<void> {
    await this.apply(definition)
    await this.#established(definition.metadata.name)
  }

  /** The same for a definition as YAML, which is sent unread: the large ones take long to read. */
  async applyDefinitionText(name: string, yaml: string): Promise<void> {
    await this.must(
      'PATCH',
      `${DEFINITIONS}/${name}?fieldManager=test&force=true`,
      yaml,
      'application/apply-patch+yaml',
    )
    await this.#established(name)
  }

  async #established(name: string): Promise<void> {
    for (;;) {
      const { status } = (await this.must('GET', `${DEFINITIONS}/${name}`)) as {
        status?: { conditions?: readonly { type: string; status: string }[] }
      }
      if (status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) return
      await sleep(50)
    }
  }

  /** What a kubelet would write; a field that is absent stays as it is. */
  async patchPodStatus(namespace: string, pod: string, status: PodStatus): Promise<void> {
    const withState = (list: readonly ContainerStatus[] | undefined) =>
      list?.map(one => ({ ready: true, restartCount: 0, state: { running: { startedAt: START } }, ...one }))
    const lists = Object.fromEntries(
      (['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const)
        .filter(name => status[name] !== undefined)
        .map(name => [name, withState(status[name])]),
    )
    const patch = { status: { ...(status.phase === undefined ? {} : { phase: status.phase }), ...lists } }
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}/status`
    await this.must('PATCH', path, patch, 'application/merge-patch+json')
  }

  /** As `kubectl debug` adds one to a running pod; a refusal is an answer. */
  addEphemeralContainer(namespace: string, pod: string, name: string, image: string): Promise<KubernetesAnswer> {
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}/ephemeralcontainers`
    const patch = { spec: { ephemeralContainers: [{ name, image }] } }
    return this.request('PATCH', path, patch, 'application/strategic-merge-patch+json')
  }

  /** Where an object lies, by what the server says of its kind. */
  async pathOf({ apiVersion, kind, metadata }: KubernetesObject): Promise<string> {
    const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    const { name, namespaced } = await this.#resourceOf(group, kind)
    const { namespace } = metadata
    if (namespaced && namespace === undefined) throw new Error(`${kind} ${metadata.name} needs a namespace`)
    return `${group}${namespaced ? `/namespaces/${namespace}` : ''}/${name}/${metadata.name}`
  }

  async #resourceOf(group: string, kind: string): Promise<{ readonly name: string; readonly namespaced: boolean }> {
    const key = `${group} ${kind}`
    const known = this.#paths.get(key)
    if (known !== undefined) return known
    // A definition that was just established may take a moment until its group is told of.
    for (let tries = 0; tries < 200; tries++) {
      const { status, body } = await this.request('GET', group)
      const { resources = [] } = (status === 200 ? body : {}) as {
        resources?: readonly { name: string; kind: string; namespaced: boolean }[]
      }
      const found = resources.find(resource => resource.kind === kind && !resource.name.includes('/'))
      if (found !== undefined) {
        this.#paths.set(key, found)
        return found
      }
      await sleep(50)
    }
    throw new Error(`The API server serves no ${kind} in ${group}`)
  }
}

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const START = '2026-01-01T00:00:00Z'

/** @returns a pod that starts one container of each image. */
export function podOf(namespace: string, name: string, ...images: readonly string[]): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { containers: images.map((image, at) => ({ name: `c${at}`, image })) },
  }
}

function answerOf(status: number, text: string, warnings: readonly string[]): KubernetesAnswer {
  let body: unknown = text
  try {
    body = JSON.parse(text)
  } catch {
    // Health endpoints and some errors are plain text.
  }
  const { message } = (typeof body === 'object' && body !== null ? body : { message: text }) as { message?: unknown }
  return { status, message: status >= 300 ? String(message ?? '') : '', warnings, body }
}

/** `299 - "text"`, several with commas between; RFC 9111 dropped the header, Kubernetes did not. */
function warningsIn(header: string): readonly string[] {
  return [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replace(/\\(.)/g, '$1'))
}
