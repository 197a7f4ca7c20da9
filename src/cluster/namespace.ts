import { asWaybillError, fail } from '../core/error.ts'
import { parseJsonObject } from '../core/json.ts'
import { objectAt, stringMapAt } from '../core/shape.ts'
import type { HttpAnswer } from '../io/http.ts'

/**
 * The annotations in the answer about one namespace. Kubernetes API reference v1.36, Namespace v1.
 * @throws `serve/cluster-unreadable` for any other answer
 */
export function annotationsIn({ status, body }: HttpAnswer, namespace: string): Readonly<Record<string, string>> {
  if (status !== 200) throw unreadable(namespace, String(status))
  try {
    const object = parseJsonObject(body, 'namespace')
    if (object.kind !== 'Namespace' || object.apiVersion !== 'v1') throw unreadable(namespace, 'another object')
    const metadata = objectAt(object.metadata, 'metadata')
    if (metadata.name !== namespace) throw unreadable(namespace, 'another namespace')
    return stringMapAt(metadata.annotations, 'metadata.annotations')
  } catch (cause) {
    const known = asWaybillError(cause)
    throw known.code === 'serve/cluster-unreadable' ? known : unreadable(namespace, known.message)
  }
}

function unreadable(namespace: string, found: string): Error {
  return fail('serve/cluster-unreadable', `The API server does not show the namespace ${namespace}`, {
    expected: `the role to get the namespace ${namespace}`,
    found,
  })
}
