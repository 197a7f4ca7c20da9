import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { parseJsonObject } from '../core/json.ts'
import { stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import type { HttpAnswer } from '../io/http.ts'

/** What an answer other than a list of pods means. */
export function refusedAnswer(
  { status, body }: HttpAnswer,
  asked: { readonly server: URL; readonly namespace: string | undefined; readonly begun: boolean },
): WaybillError {
  const { server, namespace, begun } = asked
  const found = `${status}${saidIn(body)}`
  // Only a list that was begun can be old: at its first page 410 means something else.
  if (status === 410 && begun)
    return fail('verify/cluster-list-expired', 'The list of pods is too old to go on with', { found })
  if (status === 401)
    return fail('verify/cluster-forbidden', `${server.origin} does not know who asks`, {
      found,
      remedy: 'Log in again; kubectl get pods must work with the same kubeconfig and context.',
    })
  if (status === 403)
    return fail('verify/cluster-forbidden', `${server.origin} does not let this user list pods`, {
      expected: `list of pods in ${namespace === undefined ? 'all namespaces' : `the namespace ${namespace}`}`,
      found,
      remedy: roleToGrant(namespace),
    })
  return fail('verify/cluster-unreachable', `${server.origin} did not answer with a list of pods`, {
    expected: '200',
    found,
  })
}

/** The smallest role that is enough, to paste into `kubectl apply -f -`. The subject is for whoever grants it to fill in. */
function roleToGrant(namespace: string | undefined): string {
  const [kind, where] = namespace === undefined ? ['ClusterRole', ''] : ['Role', `, namespace: ${namespace}`]
  return `kubectl apply -f - <<'EOF'
apiVersion: rbac.authorization.k8s.io/v1
kind: ${kind}
metadata: { name: waybill-verify${where} }
rules:
  - { apiGroups: [""], resources: [pods], verbs: [get, list] }
EOF
Then bind it to the user: kubectl create ${kind.toLowerCase()}binding waybill-verify --${kind.toLowerCase()}=waybill-verify --user=NAME${namespace === undefined ? '' : ` --namespace=${namespace}`}`
}

/** The sentence of a Status object. Foreign text: shown, never believed. */
function saidIn(body: Uint8Array): string {
  try {
    return `: ${printable(stringAt(parseJsonObject(body, 'status').message, 'message'), 300)}`
  } catch (error) {
    return asWaybillError(error).code === 'core/internal' ? ': an answer that cannot be read' : ''
  }
}
