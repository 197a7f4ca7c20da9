import { resolve } from 'node:path'
import { decodeUtf8 } from '../../core/bytes.ts'
import { fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Environment } from '../../io/environment.ts'
import { readFileBounded } from '../../io/files.ts'
import type { HttpClient } from '../../io/http.ts'
import type { FileSigner } from '../../pipeline/attest-file.ts'
import { loadServices, loadTrust } from '../../sigstore/trust/load.ts'
import { keyFileSigner, keylessFileSigner, type SignerServices } from '../file-signer.ts'
import { keyName, openSigningKey } from '../named-secret.ts'
import { tufCacheOf } from '../tuf-cache.ts'
import type { AttestFile } from './attest-file.ts'

export interface SignerPlace {
  readonly folder: string
  readonly env: Environment
  readonly http: HttpClient
}

/** The signer that the command line names. With a key and no services nothing is fetched and nothing is sent. */
export async function signerOf(wish: AttestFile, place: SignerPlace): Promise<FileSigner> {
  const { key, signingConfig, identityTokenFile = '' } = wish
  if (key === undefined) {
    const path = resolve(place.folder, identityTokenFile)
    return keylessFileSigner(await servicesOf(wish, place), () => tokenIn(path))
  }
  const opened = await openSigningKey(key, place.folder, place.env)
  const witnesses = signingConfig === undefined ? undefined : await servicesOf(wish, place)
  return keyFileSigner(opened, keyName(key), witnesses)
}

/** The services that a signing configuration names, and the root by which they are believed; else the public instance. */
export async function servicesOf(
  wish: Pick<AttestFile, 'signingConfig' | 'trustedRoot' | 'upload'>,
  { folder, env, http }: SignerPlace,
): Promise<SignerServices> {
  const read = async (path: string | undefined) =>
    path === undefined ? undefined : readFileBounded(resolve(folder, path), LIMITS.serviceAnswerBytes)
  const [signingConfigFile, trustedRootFile] = await Promise.all([read(wish.signingConfig), read(wish.trustedRoot)])
  const cacheFolder = tufCacheOf(env, folder)
  const [services, trust] = await Promise.all([
    loadServices({ now: new Date(), cacheFolder, ...(signingConfigFile ? { signingConfigFile } : {}) }),
    loadTrust(trustedRootFile === undefined ? { tuf: 'public-good', cacheFolder } : { trustedRootFile }),
  ])
  return { services, trust, http, log: wish.upload }
}

/** Read anew for each certificate, since tokens live for minutes. Its text is in no error. */
export async function tokenIn(path: string): Promise<string> {
  const token = decodeUtf8(await readFileBounded(path, LIMITS.serviceAnswerBytes))?.trim() ?? ''
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw fail('sigstore/identity-token-malformed', 'The file of the identity token does not hold one', {
    kind: 'configuration',
    expected: 'one JWT on one line',
  })
}
