/** Pods as an API server serves them, with the status as a kubelet writes it. Only what is given differs. */
export interface PodOptions {
  readonly namespace?: string
  readonly name?: string
  readonly containers?: readonly ContainerOptions[]
  readonly init?: readonly ContainerOptions[]
  readonly ephemeral?: readonly ContainerOptions[]
  readonly volumes?: readonly VolumeOptions[]
  /** A mirror of a static pod. */
  readonly mirror?: boolean
  readonly annotations?: Readonly<Record<string, string>>
  /** Default: `Running`. */
  readonly phase?: string
}

export interface ContainerOptions {
  readonly name?: string
  readonly image: string
  /** As the node tells it; absent: the container has not started. */
  readonly imageID?: string
  /** The node runs it, or did, whatever it says of the image. */
  readonly runs?: 'running' | 'terminated'
}

export interface VolumeOptions {
  readonly name: string
  readonly reference: string
  /** What the first container tells it has mounted. */
  readonly imageRef?: string
}

export type FakePod = {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid?: string }
  readonly [key: string]: unknown
}

export function pod(options: PodOptions = {}): FakePod {
  const { namespace = 'default', name = 'web-1', containers = [], init = [], ephemeral = [], volumes = [] } = options
  const annotations = {
    ...options.annotations,
    ...(options.mirror === true ? { 'kubernetes.io/config.mirror': 'a1b2' } : {}),
  }
  const noted = Object.keys(annotations).length === 0 ? {} : { annotations }
  const mounts = volumes.flatMap(({ name, imageRef }) =>
    imageRef === undefined ? [] : [{ name, mountPath: `/${name}`, volumeStatus: { image: { imageRef } } }],
  )
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid: `${namespace}-${name}`, ...noted },
    spec: {
      containers: specOf(containers, 'c'),
      ...(init.length === 0 ? {} : { initContainers: specOf(init, 'i') }),
      ...(ephemeral.length === 0 ? {} : { ephemeralContainers: specOf(ephemeral, 'e') }),
      volumes: volumes.map(({ name, reference }) => ({ name, image: { reference, pullPolicy: 'IfNotPresent' } })),
      nodeName: 'node-1',
    },
    status: {
      phase: options.phase ?? 'Running',
      containerStatuses: statusOf(containers, 'c', mounts),
      ...(init.length === 0 ? {} : { initContainerStatuses: statusOf(init, 'i') }),
      ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: statusOf(ephemeral, 'e') }),
    },
  }
}

function specOf(containers: readonly ContainerOptions[], letter: string): readonly object[] {
  return containers.map(({ name, image }, at) => ({ name: name ?? `${letter}${at}`, image }))
}

function statusOf(containers: readonly ContainerOptions[], letter: string, mounts: readonly object[] = []) {
  return containers.map(({ name, image, imageID = '', runs }, at) => ({
    name: name ?? `${letter}${at}`,
    image,
    imageID,
    ready: imageID !== '',
    restartCount: 0,
    ...(runs === undefined ? {} : { state: { [runs]: {} } }),
    ...(at === 0 && mounts.length > 0 ? { volumeMounts: mounts } : {}),
  }))
}
