import { resolve } from 'node:path'
import { openCluster } from '../cluster/api.ts'
import { isNamespace } from '../cluster/kubeconfig.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { HttpClient } from '../io/http.ts'
import { listen } from '../io/http-server.ts'
import { untilTold } from '../io/signals.ts'
import { ServedNamespace, type ServePorts } from '../pipeline/serve.ts'
import { answerRequest } from '../pipeline/serve-door.ts'
import { renderError } from '../report/terminal.ts'
import { requireOwnNames } from '../statements/uris.ts'
import { servicesOf, tokenIn } from './commands/attest-file-signer.ts'
import type { Desk } from './commands/command.ts'
import { keyFileSigner, keylessFileSigner, type SignerServices } from './file-signer.ts'
import { type KeyPlace, keyName, openSigningKey } from './named-secret.ts'
import { RELEASE_BUILD } from './version.ts'

/** What `waybill serve` is told; paths as written. */
export interface ServeWish {
  /** Absent: that of the service account, or of the kubeconfig's context. */
  readonly namespace?: string
  readonly listen: { readonly host: string; readonly port: number }
  readonly audiences: readonly [string, ...string[]]
  /** Exactly one of `key` and `identityTokenFile`. */
  readonly key?: KeyPlace
  readonly identityTokenFile?: string
  /** With a key absent: no service sees the signatures. */
  readonly signingConfig?: string
  readonly trustedRoot?: string
  readonly kubeconfig?: string
  readonly context?: string
}

/**
 * Runs until it is told to stop. Whatever could be wrong with key, cluster and address is found before anybody is answered; what
 * fails later is told on standard error, and never to who asks.
 * @returns the exit code. @throws `statements/placeholder-uri`, `entry/usage`, `sigstore/…`, `verify/kubeconfig-unusable`, `serve/…`
 */
export async function serve(wish: ServeWish, desk: Desk): Promise<number> {
  requireOwnNames(RELEASE_BUILD)
  const { world } = desk
  const http = new HttpClient()
  try {
    const failed = (error: WaybillError): void => world.err(renderError(error, world.columns))
    const open = () => openCluster(clusterOptions(wish, desk))
    const namespace = await namespaceOf(wish, open)
    const ports: ServePorts = {
      cluster: open,
      sign: await signing(wish, desk, http),
      now: () => new Date(),
      clock: () => performance.now(),
      failed,
    }
    const served = new ServedNamespace({ namespace, audiences: wish.audiences }, ports)
    let stopping = false
    const listener = await listen(
      wish.listen,
      request => answerRequest(request, served, () => stopping),
      error => failed(asWaybillError(error)),
    )
    world.err(`Serving the namespace ${namespace} on http://${listener.address} for ${wish.audiences.join(', ')}\n`)
    await untilTold()
    stopping = true
    await listener.stop()
    return 0
  } finally {
    http.close()
  }
}

function clusterOptions({ kubeconfig, context }: ServeWish, { world, env }: Desk): Parameters<typeof openCluster>[0] {
  return {
    ...(kubeconfig === undefined ? {} : { file: resolve(world.workingFolder, kubeconfig) }),
    ...(context === undefined ? {} : { context }),
    env,
    // A server that runs for months starts no programs.
    plugins: false,
    pass: [],
    workingFolder: world.workingFolder,
  }
}

/** Opens the cluster once, so that a kubeconfig that cannot be used is found now. */
async function namespaceOf(wish: ServeWish, open: () => ReturnType<typeof openCluster>): Promise<string> {
  const cluster = await open()
  cluster.close()
  const namespace = wish.namespace ?? cluster.namespace
  if (namespace !== undefined && isNamespace(namespace)) return namespace
  throw fail('serve/no-namespace', 'Nothing says which namespace is to be told about', {
    expected: '--namespace NAME',
    found: namespace ?? 'no namespace in the context',
  })
}

/** With a token, one is read anew for each document, and asked for with it a certificate of its own. */
async function signing(wish: ServeWish, desk: Desk, http: HttpClient): Promise<ServePorts['sign']> {
  const { workingFolder: folder } = desk.world
  const { key, identityTokenFile = '', signingConfig } = wish
  if (key !== undefined) {
    const opened = await openSigningKey(key, folder, desk.env)
    const witnesses = signingConfig === undefined ? undefined : await witnessesOf(wish, desk, http)
    const signer = keyFileSigner(opened, keyName(key), witnesses)
    return async statement => (await signer.sign(statement)).bundle
  }
  const path = resolve(folder, identityTokenFile)
  await tokenIn(path)
  return async statement => {
    const services = await witnessesOf(wish, desk, http)
    const signer = await keylessFileSigner(services, () => tokenIn(path))
    return (await signer.sign(statement)).bundle
  }
}

/** Whether there is a transparency log, the signing configuration says. */
async function witnessesOf(wish: ServeWish, { world, env }: Desk, http: HttpClient): Promise<SignerServices> {
  const found = await servicesOf({ ...wish, upload: true }, { folder: world.workingFolder, env, http })
  return { ...found, log: found.services.rekor.length > 0 }
}
