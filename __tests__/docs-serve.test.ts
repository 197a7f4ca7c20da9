import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { readCall } from '../src/entry/commands/table.ts'
import { SERVE_ANNOTATION } from '../src/subjects/annotations.ts'

const ROOT = join(import.meta.dirname, '..')
const TEXT = readFileSync(join(ROOT, 'deploy/serve/waybill-serve.yaml'), 'utf8')

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [key: string]: unknown
}

const manifests = parseAllDocuments(TEXT, { strict: true, uniqueKeys: true }).map(document => {
  expect(document.errors).toEqual([])
  return document.toJS() as Manifest
})

function one(kind: string): Manifest {
  const found = manifests.filter(item => item.kind === kind)
  expect(found).toHaveLength(1)
  return found[0] as Manifest
}

const template = () => (one('Deployment') as never as { spec: { template: { spec: Pod } } }).spec.template.spec

interface Pod {
  readonly serviceAccountName: string
  readonly securityContext: object
  readonly containers: readonly Container[]
  readonly volumes: readonly object[]
}

interface Container {
  readonly image: string
  readonly args: readonly string[]
  readonly securityContext: object
  readonly resources: { readonly limits: object; readonly requests: object }
  readonly livenessProbe: object
  readonly readinessProbe: object
}

describe('manifests of waybill serve', () => {
  test('are the kinds that are needed, in one namespace that consents', () => {
    expect(manifests.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)).toEqual([
      'v1 Namespace',
      'v1 ServiceAccount',
      'rbac.authorization.k8s.io/v1 Role',
      'rbac.authorization.k8s.io/v1 RoleBinding',
      'apps/v1 Deployment',
      'v1 Service',
    ])
    const { name, annotations } = one('Namespace').metadata
    expect(annotations).toEqual({ [SERVE_ANNOTATION]: 'true' })
    for (const { kind, metadata } of manifests) expect(kind === 'Namespace' ? name : metadata.namespace).toBe(name)
  })

  test('13-adversary 32: the role lists pods and sees its own namespace, nothing else', () => {
    const { name } = one('Namespace').metadata
    expect(one('Role').rules).toEqual([
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
      { apiGroups: [''], resources: ['namespaces'], resourceNames: [name], verbs: ['get'] },
    ])
    const account = one('ServiceAccount').metadata.name
    expect(one('RoleBinding')).toMatchObject({
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: one('Role').metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace: name }],
    })
    expect(template().serviceAccountName).toBe(account)
  })

  test('the pod can do as little as a pod can', () => {
    const { securityContext, containers } = template()
    expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(containers).toHaveLength(1)
    const [container] = containers as readonly [Container]
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(container.image).toMatch(/@sha256:[0-9a-f]{64}$/)
    expect(container.livenessProbe).toMatchObject({ httpGet: { path: '/healthz', port: 'http' } })
    expect(container.readinessProbe).toMatchObject({ httpGet: { path: '/readyz', port: 'http' } })
    expect(Object.keys(container.resources.limits)).toContain('memory')
    expect(Object.keys(container.resources.requests)).toEqual(['cpu', 'memory'])
  })

  test('its arguments are a command line of waybill serve', () => {
    const [container] = template().containers as readonly [Container]
    expect(readCall(['serve', ...container.args])).toMatchObject({ kind: 'run', command: { words: 'serve' } })
  })

  test('docs/running.md shows these files and commands that are understood', () => {
    const page = readFileSync(join(ROOT, 'docs/running.md'), 'utf8')
    expect(page).toContain('../deploy/serve/waybill-serve.yaml')
    expect(page).toContain('../deploy/serve/Dockerfile')
    const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text = '']) => text.replaceAll('\\\n', ' '))
    const lines = blocks.flatMap(text => text.split('\n')).filter(line => line.startsWith('waybill '))
    expect(lines.length).toBeGreaterThan(3)
    for (const line of lines) expect(readCall(line.trim().split(/\s+/).slice(1)).kind).toBe('run')
  })
})
