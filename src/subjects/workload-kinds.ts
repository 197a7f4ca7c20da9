import type { YamlMap, YamlSlot } from './yaml.ts'

/** Where the pod specification of a built-in kind stands. Kubernetes API reference v1.34, workload resources. */
const POD_SPEC: Readonly<Record<string, { readonly groups: readonly string[]; readonly path: readonly string[] }>> = {
  Pod: { groups: [''], path: ['spec'] },
  PodTemplate: { groups: [''], path: ['template', 'spec'] },
  ReplicationController: { groups: [''], path: ['spec', 'template', 'spec'] },
  Deployment: { groups: ['apps', 'extensions'], path: ['spec', 'template', 'spec'] },
  ReplicaSet: { groups: ['apps', 'extensions'], path: ['spec', 'template', 'spec'] },
  DaemonSet: { groups: ['apps', 'extensions'], path: ['spec', 'template', 'spec'] },
  StatefulSet: { groups: ['apps'], path: ['spec', 'template', 'spec'] },
  Job: { groups: ['batch'], path: ['spec', 'template', 'spec'] },
  CronJob: { groups: ['batch'], path: ['spec', 'jobTemplate', 'spec', 'template', 'spec'] },
}

/** Objects that make a controller deploy what another place holds: nothing of that stands in the file. */
const DEPLOYS_ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  Application: ['argoproj.io'],
  ApplicationSet: ['argoproj.io'],
  HelmRelease: ['helm.toolkit.fluxcd.io'],
  HelmChart: ['helm.cattle.io'],
  Kustomization: ['kustomize.toolkit.fluxcd.io', 'kustomize.config.k8s.io'],
  Component: ['kustomize.config.k8s.io'],
}

/** What `apiVersion` and `kind` of a map say. */
export interface ObjectKind {
  readonly kind: string
  readonly group: string
}

/** Undefined when the map is no Kubernetes object: `kind` is missing or no plain text. */
export function kindOf(map: YamlMap): ObjectKind | undefined {
  const kind = textAt(map, 'kind')
  if (kind === undefined || kind === '') return undefined
  const version = textAt(map, 'apiVersion') ?? ''
  const slash = version.indexOf('/')
  return { kind, group: slash < 0 ? '' : version.slice(0, slash) }
}

/** Keys that lead to the pod specification; undefined for a kind that is not built in. */
export function podSpecPath({ kind, group }: ObjectKind): readonly string[] | undefined {
  const known = Object.hasOwn(POD_SPEC, kind) ? POD_SPEC[kind] : undefined
  return known?.groups.includes(group) === true ? known.path : undefined
}

export function deploysElsewhere({ kind, group }: ObjectKind): boolean {
  return Object.hasOwn(DEPLOYS_ELSEWHERE, kind) && DEPLOYS_ELSEWHERE[kind]?.includes(group) === true
}

function textAt(map: YamlMap, key: string): string | undefined {
  const slot: YamlSlot | undefined = map.entries.get(key)
  return slot?.node.kind === 'text' && slot.node.string ? slot.node.text : undefined
}
