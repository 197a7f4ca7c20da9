const KIND = /^[ \t-]*["']?kind["']?[ \t]*:|"kind"[ \t]*:/m
const IMAGE = /^[ \t-]*["']?image["']?[ \t]*:|"image"[ \t]*:/m
/** What `kubectl apply` keeps of an earlier state. */
const HISTORY = 'kubectl.kubernetes.io/last-applied-configuration'
/** Keys whose text a controller creates as an object (Argo Workflows' resource templates). */
const CREATED = new Set(['manifest', 'manifests'])

/** Whether a text holds a manifest with images of its own: one that is only kept (a ConfigMap), or one that is created. */
export function embedded(key: string, text: string): 'created' | 'kept' | undefined {
  if (key === HISTORY || !text.includes('kind') || !KIND.test(text)) return undefined
  if (CREATED.has(key)) return 'created'
  return IMAGE.test(text) ? 'kept' : undefined
}
