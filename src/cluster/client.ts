/**
 * The part of the official client library that is used: reading kubeconfig files and applying what they say about TLS, proxies,
 * service accounts and OpenID Connect. A file of its own, imported dynamically: most runs never ask a cluster (decision 19).
 */
export { KubeConfig } from '@kubernetes/client-node/dist/config.js'
