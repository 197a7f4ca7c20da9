import { fail, WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { addressGuard, type Resolver } from '../io/address.ts'
import { readFileBounded } from '../io/files.ts'
import { isLoopbackHost } from '../io/http.ts'
import { getPinned } from '../io/pinned.ts'
import { askDocument, type DocumentPorts } from '../pipeline/served-document.ts'
import { documentReceipt, documentSubjects, expectedImage } from '../pipeline/verify-url.ts'
import type { ExpectedSigner } from '../policy/expected.ts'
import { expectationFromFlags } from '../policy/gate.ts'
import { keyFingerprint } from '../policy/key-file.ts'
import { ANONYMOUS } from '../registry/credentials.ts'
import { loadTrust } from '../sigstore/trust/load.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import { needUnder } from '../sigstore/verify/need.ts'
import { isUnwitnessed, verifyUnwitnessed } from '../sigstore/verify/unwitnessed/verify.ts'
import { verifyBundle } from '../sigstore/verify/verify.ts'
import { parseApplicationUrl } from '../subjects/url.ts'
import { expectations, type GateOptions, type GateResult, runGate } from './gate.ts'
import { NO_SUBJECTS } from './gate-subjects.ts'

/** Who signs for the cluster, learned from its operator and never from the host; paths on disk. */
export interface ServerOptions {
  /** Public key in PEM. */
  readonly key?: string
  readonly identity?: string
  /** With `identity`. */
  readonly issuer?: string
  /** Default: the public instance, by TUF. With a key it is asked for only if services saw the signature. */
  readonly trustedRoot?: string
}

export interface UrlOptions
  extends Omit<GateOptions, 'subjects' | 'stage' | 'offline' | 'credentials' | 'recording' | 'replay'> {
  readonly url: string
  readonly server: ServerOptions
  /** Images that must be in the document: `host/repository`, or with a digest. */
  readonly expectImages: readonly string[]
  /** The host itself may have an address of this machine or of a private network. Its images may not, whatever this says. */
  readonly allowPrivateAddress: boolean
  readonly folder: string
  /** Replaced by tests alone. */
  readonly resolve?: Resolver
}

/**
 * What runs behind a URL (7-verify-deploy § 5): its document, then each image that it names by what the caller expects, at stage
 * `run` where a policy says so. Nobody is logged in to: whatever a document names is asked for anonymously (13-adversary 32).
 * @throws only configuration errors, before anything is asked for.
 */
export async function runUrlGate(options: UrlOptions): Promise<GateResult> {
  const { allowPrivateAddress, command, folder } = options
  const url = parseApplicationUrl(options.url, {
    plain: ({ hostname }) => allowPrivateAddress && isLoopbackHost(hostname),
  })
  const expected = options.expectImages.map(expectedImage)
  const gate = { ...options, stage: options.policy === undefined ? 'deploy' : 'run' } as const
  await expectations(gate)
  const server = await serverSigner(options.server)
  const request = { url, ...(server === undefined ? {} : { server: server.expected }) }
  const document = await askDocument(request, documentPorts(options, server))
  const { deployment } = document
  if (deployment === undefined) {
    const receipt = documentReceipt(document, url, undefined, command)
    return { receipt, files: new Map(), rejected: new Map() }
  }
  const { named, unreadable, claims } = documentSubjects(deployment, url, expected)
  const subjects = { ...NO_SUBJECTS, named, unreadable, folder }
  const result = await runGate({ ...gate, subjects, offline: false, credentials: ANONYMOUS })
  return { ...result, receipt: documentReceipt(document, url, { receipt: result.receipt, claims }, command) }
}

function documentPorts(options: UrlOptions, server: Server | undefined): DocumentPorts {
  const { http, allowPrivateAddress, resolve } = options
  const guard = addressGuard({ private: allowPrivateAddress, pin: true }, resolve)
  const bounds = { maxBytes: LIMITS.servedDocumentBytes, timeoutMs: LIMITS.servedDocumentMs }
  return {
    ask: url => getPinned(http, { url, guard, ...bounds }).catch(inside),
    verify: async bundle => {
      if (server === undefined) throw new TypeError('nobody was named who signs')
      const { keys } = server
      if (keys.length > 0 && isUnwitnessed(bundle)) return verifyUnwitnessed(bundle, keys)
      const root = await server.root(options.cacheFolder)
      return verifyBundle(bundle, root, { ...needUnder(root), keys })
    },
    now: () => new Date(),
  }
}

/** The way out is another one than for a registry. */
function inside(error: unknown): never {
  if (!(error instanceof WaybillError) || error.code !== 'core/address-refused') throw error
  const { message, expected = '', found = '' } = error
  const remedy =
    'If the application is on this machine or in your own network, add --allow-private-address (allow-private-address: true). Link-local addresses and those of metadata services are never asked.'
  throw fail('core/address-refused', message, { expected, found, remedy, cause: error })
}

interface Server {
  readonly expected: ExpectedSigner
  readonly keys: readonly { readonly publicKey: string }[]
  root(cacheFolder: string): Promise<TrustRoot>
}

/** @throws `policy/expectation-unclear` for an identity without issuer, or beside a key; `policy/unusable` for what is no key */
async function serverSigner({ key, identity, issuer, trustedRoot }: ServerOptions): Promise<Server | undefined> {
  if (key === undefined && identity === undefined) return undefined
  const bytes = key === undefined ? undefined : await readFileBounded(key, LIMITS.policyFileBytes)
  const rootBytes =
    trustedRoot === undefined ? undefined : await readFileBounded(trustedRoot, LIMITS.serviceAnswerBytes)
  const { build } = expectationFromFlags({
    ...(key === undefined || bytes === undefined
      ? {}
      : { key: { file: key, fingerprint: keyFingerprint(bytes, key) } }),
    ...(identity === undefined ? {} : { certificateIdentity: identity }),
    ...(identity === undefined || issuer === undefined ? {} : { certificateOidcIssuer: issuer }),
  })
  return {
    expected: build,
    keys: bytes === undefined ? [] : [{ publicKey: Buffer.from(bytes).toString('utf8') }],
    root: cacheFolder =>
      loadTrust(rootBytes === undefined ? { tuf: 'public-good', cacheFolder } : { trustedRootFile: rootBytes }),
  }
}
