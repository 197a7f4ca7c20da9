import { bundleToJSON } from '@sigstore/bundle'
import { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness, type Witness } from '@sigstore/sign'
import { type Digest, hexOf, sha256 } from '../../src/core/digest.ts'
import { EMPTY_CONFIG_BYTES } from '../../src/registry/bundles.ts'
import type { RegistryClient } from '../../src/registry/client.ts'
import { fallbackTag } from '../../src/registry/fallback.ts'
import { EMPTY_CONFIG, OCI_INDEX, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { parseReference } from '../../src/registry/reference.ts'
import type { RegistryName } from '../../tools/peers/registries.ts'
import type { ClaimOverrides } from '../fakes/claims.ts'
import { clientFor, type World } from './world.ts'

/**
 * What the action actions/attest writes, made with the library that it signs with: a bundle of version 0.3 around a SLSA provenance v1
 * of GitHub's build type, and the referrer that it pushes. Sources: actions/toolkit packages/attest, sigstore-js packages/oci.
 */
export interface Attested {
  readonly claims?: ClaimOverrides
  /** Names and digests, as many as one statement holds. */
  readonly subjects: readonly { readonly name: string; readonly digest: Digest }[]
  /** GitHub's own instance logs nothing: a timestamp is its only witness. */
  readonly logged?: boolean
  /** Both witnesses: a log and a timestamp. */
  readonly timestamped?: boolean
  /** Certificates and provenance for https://github.com instead of the stack's git server. */
  readonly github?: boolean
  /** Instead of provenance. */
  readonly predicate?: { readonly type: string; readonly params: object }
}

export const PROVENANCE = 'https://slsa.dev/provenance/v1'

export async function attestedBundle({ stack }: World, attested: Attested): Promise<Buffer> {
  const { type, params } = attested.predicate ?? { type: PROVENANCE, params: provenanceOf(stack, attested) }
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: attested.subjects.map(({ name, digest }) => ({ name, digest: { sha256: hexOf(digest) } })),
    predicateType: type,
    predicate: params,
  }
  const log: Witness = new RekorWitness({ rekorBaseURL: stack.rekorV1.url, entryType: 'dsse' })
  const timestamp: Witness = new TSAWitness({ tsaBaseURL: new URL(stack.timestamp.url).origin })
  const identityProvider = { getToken: () => stack.oidc.mint(attested.claims) }
  const builder = new DSSEBundleBuilder({
    signer: new FulcioSigner({
      fulcioBaseURL: (attested.github ? stack.githubFulcio : stack.fulcio).url,
      identityProvider,
    }),
    witnesses: attested.logged === false ? [timestamp] : attested.timestamped ? [log, timestamp] : [log],
  })
  const data = Buffer.from(JSON.stringify(statement))
  const bundle = await builder.create({ data, type: 'application/vnd.in-toto+json' })
  return Buffer.from(JSON.stringify(bundleToJSON(bundle)))
}

/** The predicate that it derives from the claims of the job's token. */
function provenanceOf(stack: World['stack'], { claims = {}, github }: Attested): object {
  const claim = (name: string) => String(stack.oidc.claims(claims)[name] ?? '')
  const server = github ? 'https://github.com' : stack.git.url
  const [path = '', ref = ''] = claim('workflow_ref')
    .replace(`${claim('repository')}/`, '')
    .split('@')
  const repository = `${server}/${claim('repository')}`
  return {
    buildDefinition: {
      buildType: 'https://actions.github.io/buildtypes/workflow/v1',
      externalParameters: { workflow: { ref, repository, path } },
      internalParameters: {
        github: Object.fromEntries(
          ['event_name', 'repository_id', 'repository_owner_id', 'runner_environment'].map(name => [name, claim(name)]),
        ),
      },
      resolvedDependencies: [{ uri: `git+${repository}@${claim('ref')}`, digest: { gitCommit: claim('sha') } }],
    },
    runDetails: {
      builder: { id: `${server}/${claim('job_workflow_ref')}` },
      metadata: { invocationId: `${repository}/actions/runs/${claim('run_id')}/attempts/${claim('run_attempt')}` },
    },
  }
}

/**
 * Attaches a bundle as it does. To Docker Hub and Amazon's registry it writes `older` manifests, that name neither their type nor the
 * image: they can be found by the fallback tag alone.
 */
export async function attachAttested(
  registry: RegistryName,
  repository: string,
  to: Digest,
  bundle: Buffer,
  older = false,
): Promise<void> {
  const { client, close } = clientFor(registry)
  try {
    await attach(client, repository, to, bundle, older)
  } finally {
    close()
  }
}

async function attach(
  client: RegistryClient,
  repository: string,
  to: Digest,
  bundle: Buffer,
  older: boolean,
): Promise<void> {
  const place = parseReference(repository)
  const { descriptor } = await client.getManifest(place, to)
  const { mediaType } = JSON.parse(bundle.toString('utf8')) as { readonly mediaType: string }
  await client.putBlob(place, EMPTY_CONFIG_BYTES)
  await client.putBlob(place, bundle)
  const { digest, size } = EMPTY_CONFIG
  const config = {
    mediaType: older ? 'application/vnd.oci.image.config.v1+json' : EMPTY_CONFIG.mediaType,
    digest,
    size,
  }
  const annotations = {
    'org.opencontainers.image.created': '2026-06-01T12:00:00.123Z',
    'dev.sigstore.bundle.content': 'dsse-envelope',
    'dev.sigstore.bundle.predicateType': PROVENANCE,
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    ...(older ? {} : { artifactType: mediaType }),
    config,
    layers: [{ mediaType, digest: sha256(bundle), size: bundle.byteLength }],
    ...(older ? {} : { subject: { mediaType: descriptor.mediaType, digest: to, size: descriptor.size } }),
    annotations,
  }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const put = await client.putManifest(place, sha256(bytes), OCI_MANIFEST, bytes)
  if (!older && put.ociSubject !== undefined) return
  const entry = {
    mediaType: OCI_MANIFEST,
    digest: sha256(bytes),
    size: bytes.byteLength,
    artifactType: mediaType,
    annotations,
  }
  const index = { mediaType: OCI_INDEX, schemaVersion: 2, manifests: [entry] }
  await client.putManifest(place, fallbackTag(to), OCI_INDEX, Buffer.from(JSON.stringify(index)))
}
