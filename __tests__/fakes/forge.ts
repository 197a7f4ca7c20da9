import { readFile } from 'node:fs/promises'
import { type CommitId, type Digest, parseDigest } from '../../src/core/digest.ts'
import { HttpClient } from '../../src/io/http.ts'
import { attachBundles } from '../../src/registry/bundles.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { ANONYMOUS } from '../../src/registry/credentials.ts'
import { pushLayout } from '../../src/registry/layout.ts'
import type { Descriptor } from '../../src/registry/manifest.ts'
import { parseReference, repositoryOf } from '../../src/registry/reference.ts'
import { openSession } from '../../src/sigstore/sign/session.ts'
import { loadSigningConfig } from '../../src/sigstore/trust/services.ts'
import type { RunClaims } from '../../src/statements/claims.ts'
import { type ProvenanceFacts, provenanceStatement } from '../../src/statements/provenance.ts'
import { signatureStatement } from '../../src/statements/signature.ts'
import { COSIGN_SIGN_PREDICATE, type Subject } from '../../src/statements/statement.ts'
import type { ClaimOverrides, Claims } from './claims.ts'
import type { Stack } from './stack.ts'

/** Whoever holds a push token and an identity of some kind: signs anything about any digest, and puts bytes anywhere. */
export interface Forger {
  /** Pushes a layout and moves the tag, without signing anything. */
  push(layout: string, tag?: string): Promise<Digest>
  /** A validly signed bundle about this digest, by a run with these claims. */
  signature(digest: string, claims?: ClaimOverrides): Promise<Uint8Array>
  provenance(digest: string, claims?: ClaimOverrides, facts?: Partial<ProvenanceFacts>): Promise<Uint8Array>
  /** Attaches bytes as if they were a bundle of this digest. */
  attach(digest: string, ...bundles: readonly Uint8Array[]): Promise<void>
  /** The bundles attached to a digest, as they are served. */
  attached(digest: string): Promise<readonly Uint8Array[]>
  close(): void
}

/** @param image `host/repository` in the stack's registry. @param platform server that the certificates speak of. */
export async function openForger(stack: Stack, image: string, platform = stack.git.url): Promise<Forger> {
  const http = new HttpClient()
  const client = new RegistryClient({ http, credentials: ANONYMOUS })
  const repository = repositoryOf(parseReference(image))
  const services = loadSigningConfig(await readFile(stack.signingConfigFile), new Date())
  const sign = async (statement: Uint8Array, claims: ClaimOverrides): Promise<Uint8Array> => {
    const before = stack.fulcio.platform
    stack.fulcio.platform = platform
    try {
      const session = openSession({ services, http, identityToken: () => stack.oidc.mint(claims), now: Date.now })
      return (await session.sign(statement)).bundle
    } finally {
      stack.fulcio.platform = before
    }
  }
  const attach = async (digest: string, ...bundles: readonly Uint8Array[]): Promise<void> => {
    const { descriptor } = await client.getManifest(repository, parseDigest(digest))
    const common = { subject: descriptor, predicateType: COSIGN_SIGN_PREDICATE, created: new Date(0) }
    await attachBundles(
      client,
      repository,
      bundles.map(bundle => ({ ...common, bundle })),
    )
  }
  return {
    push: async (layout, tag) => {
      const pushed: Descriptor = await pushLayout(client, repository, layout)
      if (tag !== undefined) {
        const { bytes } = await client.getManifest(repository, pushed.digest)
        await client.putManifest(repository, tag, pushed.mediaType, bytes)
      }
      return pushed.digest
    },
    signature: (digest, claims = {}) => sign(signatureStatement([subjectOf(digest)]), claims),
    provenance: (digest, claims = {}, facts = {}) =>
      sign(provenanceStatement({ ...factsOf(digest, stack.oidc.claims(claims), platform), ...facts }), claims),
    attach,
    attached: async digest => {
      const store = stack.registry.storage.open(repository.repository)
      const manifests = [...store.manifests.values()].map(({ bytes }) => JSON.parse(bytes.toString()))
      return manifests
        .filter(manifest => manifest.subject?.digest === digest)
        .map(manifest => store.blobs.get(manifest.layers[0].digest) ?? Buffer.alloc(0))
    },
    close: () => http.close(),
  }
}

function subjectOf(digest: string): Subject {
  return { digest: { sha256: digest.replace('sha256:', '') } }
}

/** What an honest buildx run with these claims would state. */
function factsOf(digest: string, claims: Claims, serverUrl: string): ProvenanceFacts {
  const claim = (name: string) => String(claims[name] ?? '')
  const run: RunClaims = {
    repository: claim('repository'),
    repository_id: claim('repository_id'),
    repository_owner_id: claim('repository_owner_id'),
    ref: claim('ref'),
    sha: claim('sha'),
    job_workflow_ref: claim('job_workflow_ref'),
    workflow_ref: claim('workflow_ref'),
    event_name: claim('event_name'),
    runner_environment: claim('runner_environment'),
    run_id: claim('run_id'),
    run_attempt: claim('run_attempt'),
  }
  return {
    subjects: [subjectOf(digest)],
    builder: 'buildx',
    claims: run,
    serverUrl,
    commit: { id: claim('sha') as CommitId, ref: run.ref },
    source: { mode: 'enforce', verdict: 'passed' },
    materials: { mode: 'off', verdict: 'not-asked' },
    inputs: { context: '.' },
    tools: [],
    waybillVersion: '0.0.0',
    startedOn: new Date(0),
    finishedOn: new Date(0),
    byproducts: [],
  }
}
