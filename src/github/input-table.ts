/**
 * Every input of every action: `action.yml` is checked against this table, the documentation is made from it.
 * An input that is in no table does not exist; one that is not served yet is refused by name, never ignored.
 */
export interface InputRow {
  readonly name: string
  /** `false`: part of the design, refused when set. Not listed in `action.yml`. */
  readonly served: boolean
  /** Of one that is refused when set: why, for whoever set it. */
  readonly why?: string
  readonly default?: string
  /** One line, as it stands in `action.yml` and the documentation. */
  readonly description: string
}

export interface OutputRow {
  readonly name: string
  readonly description: string
}

function served(name: string, description: string, byDefault?: string): InputRow {
  return { name, served: true, description, ...(byDefault === undefined ? {} : { default: byDefault }) }
}

const SHARED: readonly InputRow[] = [
  served('trusted-root', 'Path of a trusted_root.json. Default: the public Sigstore instance, by TUF.'),
  served('insecure-registries', 'Registries without TLS besides loopback, host[:port], one a line.'),
  served(
    'ca-certificates',
    'PEM files of further certificate authorities, for every server that is asked, one a line.',
  ),
  served(
    'github-token',
    'Token that reads the repository and logs in to ghcr.io when the docker configuration has no login.',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is an expression of GitHub Actions
    '${{ github.token }}',
  ),
  served('summary', 'Write the job summary: true or false.', 'true'),
  served('result', 'Path of the result JSON, written on success and on failure.'),
]

export const ATTEST_INPUTS: readonly InputRow[] = [
  served('commit', 'Full id of the commit to build. Default: the commit of the event.'),
  served('source-mode', 'What a bad commit does: auto, enforce, audit or off.', 'auto'),
  served('policy', 'OWNER/NAME@REF:PATH of a policy in another repository, REF in full. Default: .github/waybill.yml.'),
  served('since', 'Anchor: full id of the commit from which on all commits are judged.'),
  served('materials', 'Path of the materials manifest in the commit. Default: .github/waybill.materials.yml.'),
  served('materials-mode', 'What a bad base image or material does: auto, enforce, audit or off.', 'auto'),
  served('builder', 'What builds: auto, buildx, buildah or command; layout or none for an image that exists.', 'auto'),
  served('context', 'Folder of the commit to build, relative to its root.', '.'),
  served('file', 'Dockerfile, relative to the root of the commit. Default: Dockerfile of the context.'),
  served('target', 'Stage of the Dockerfile to build.'),
  served('bake', 'Bake file of the commit (.hcl or .json) and its one target, to build by: docker-bake.hcl app.'),
  served('platforms', "Platforms to build, one a line: os/arch[/variant]. Default: the machine's own."),
  served('build-args', 'Build arguments, one a line: NAME=value. Never secrets: they stay readable in the image.'),
  served('labels', 'Labels of the image, one a line: key=value.'),
  served('annotations', 'Annotations of its manifests, one a line: key=value.'),
  served(
    'build-contexts',
    'Further contexts, one a line: name=folder of the commit or name=docker-image://host/path:tag.',
  ),
  served(
    'secrets',
    'Secrets of RUN --mount=type=secret, one a line: id=value; values of several lines in double quotes.',
  ),
  served('secret-files', 'The same from files, one a line: id=path.'),
  served('ssh', 'Agents of RUN --mount=type=ssh, one a line: default, or id=path of a socket or private keys.'),
  served(
    'cache-from',
    'Caches to take layers from, one a line: type=registry,ref=host/path:tag or type=gha[,scope=name].',
  ),
  served('cache-to', 'Caches to keep layers in, one a line: the same, or type=inline.'),
  served('network', 'Network of RUN steps: default or none.', 'default'),
  served('reproducible', 'Build twice, compare, and claim it when both are the same: check or off.', 'off'),
  served('record-build-args', 'Names of build arguments whose values may stand in the provenance, one a line.'),
  served('record-inputs', 'Names of workflow_dispatch inputs whose values may stand in the provenance, one a line.'),
  served(
    'command',
    'Command that builds in an export of the commit: one line of words, or one argument a line. No shell.',
  ),
  served(
    'command-isolation',
    'A command where the run signs with its identity: required refuses it, none accepts and records it.',
    'required',
  ),
  served('image-refs', 'File that the command writes, from where it runs: repository@sha256:… one a line.'),
  served('layout', 'OCI layout (folder or tar) to push instead of building; with command, the one that it writes.'),
  served('digest', 'Digest of an image that is in the registry already, instead of building.'),
  served('images', 'Repositories, one a line. Default: ghcr.io/<owner>/<repository>.'),
  served('tags', 'Tags to set last, one a line: v1 or registry/repository:v1.'),
  served('allow-rollback', 'Let a tag move back to an older commit or run: true or false.', 'false'),
  served('push', 'Push the image: true or false. Default: true, on pull requests and merge groups false.'),
  served('name', "Key of this step among several of one job. Default: the first image's repository."),
  served('files', 'Patterns of files to sign that are no images, below the workspace, one a line.'),
  served('files-repository', 'Registry repository that also keeps the bundles of the files, found by their digests.'),
  served('sign', 'Sign: auto (where the event may), true or false.', 'auto'),
  served('key', 'env:NAME or path of a private key that signs image and files. Default: the identity of the run.'),
  served('key-password', 'env:NAME of the variable that holds its password.'),
  served(
    'transparency-log',
    'Log that makes signatures public: auto, public, own or none. A private repository must choose.',
    'auto',
  ),
  served('signing-config', 'Path of a signing_config.json that names the Sigstore services. Needs trusted-root.'),
  served(
    'github-attestations',
    "Also store in GitHub's attestation store: true or false. Needs attestations: write.",
    'false',
  ),
  served(
    'legacy-signatures',
    'Also sign in tags that cosign 2 reads (.sig, .att): true or false. Needs a Rekor v1 log.',
    'false',
  ),
  served('sbom', 'SPDX or CycloneDX JSON file to sign as a statement about the image, or auto: that of the builder.'),
  ...SHARED,
  served(
    'comment',
    'Comment on pull requests of the repository: auto, always, on-change or never. Needs pull-requests: write.',
    'auto',
  ),
  served('upload', 'Upload result, bundles and state as artifacts: true or false. Default: where the runner has them.'),
]

export const ATTEST_OUTPUTS: readonly OutputRow[] = [
  { name: 'digest', description: 'Digest of the image (sha256:…).' },
  { name: 'image', description: 'repository@digest of the first repository.' },
  { name: 'platforms', description: 'Platforms with their digests, as JSON.' },
  { name: 'tags', description: 'Tags that were set, one a line.' },
  { name: 'verdict', description: 'passed, rejected or unknown: the worst of all stages that were asked for.' },
  { name: 'source-verdict', description: 'passed, rejected, unknown or not-asked.' },
  { name: 'materials-verdict', description: 'passed, rejected, unknown or not-asked.' },
  { name: 'bundles', description: 'Paths of the bundles, one a line.' },
  { name: 'attestations', description: 'Attestations with their referrers, as JSON.' },
  { name: 'result', description: 'Path of the result JSON.' },
  { name: 'verify-command', description: 'Command that verifies the image, to read.' },
  { name: 'verify-args', description: 'Its arguments as a JSON array, for machines.' },
]

export const VERIFY_INPUTS: readonly InputRow[] = [
  served('images', 'Images to verify, one a line: repository@sha256:… or repository:tag.'),
  served('files', 'Files to verify, globs, one a line.'),
  served('files-repository', 'Registry repository with the bundles of files. Rules of a policy match file:PATH.'),
  served('bundles', 'Bundles on disk, or OCI layouts with them, globs, one a line.'),
  served('manifests', 'Kubernetes manifests whose images are verified, globs, one a line.'),
  served('compose', 'Compose files whose images are verified, one a line.'),
  served('url', 'https://HOST of a running application: what it says it runs is verified. In a step of its own.'),
  served('server-key', 'Path of the public key that signs what the application says.'),
  served('server-identity', 'Exact identity that signs it instead of a key; needs server-oidc-issuer.'),
  served('server-oidc-issuer', 'Exact issuer of that identity.'),
  served('server-trusted-root', 'Path of a trusted_root.json for that signature. Default: the public instance.'),
  served('expect-images', 'Images that the application must say it runs, one a line: host/repository[@sha256:…].'),
  served('allow-private-address', 'The application may be in a private network: true or false.', 'false'),
  served('policy', 'Path of the policy file whose deploy rules say who is expected.'),
  served('certificate-identity', 'Exact identity (SAN) of the signing certificate.'),
  served('certificate-oidc-issuer', 'Exact issuer of the identity; with repository, of an own GitHub server.'),
  served('repository', 'owner/name that the image must have been built in.'),
  served('repository-id', 'Numeric id of that repository, or any.'),
  served('signer', 'owner/name/.github/workflows/file.yml@ref of the workflow that signs.'),
  served('caller', 'The same of the workflow that was started. Default: the signer.'),
  served('source-ref', 'Refs the image may be built from, one a line, or any.'),
  served('key', 'Path of the public key that signed.'),
  served('require', 'What must hold, one a line: signature, provenance.'),
  served('stage', 'What a policy judges by: deploy (require) or run (require and admit).', 'deploy'),
  served('predicate-type', 'A signature must be a statement of this type.'),
  ...SHARED,
  served('offline', 'Ask no server at all, what is on disk must suffice: true or false.', 'false'),
  served('pin', 'Write the manifests and compose files with digests: true or false.', 'false'),
  served('sarif', 'Path of a SARIF file to write.'),
  served('events', 'Path of a file to which a JSON line is added for each rejected subject.'),
  served(
    'quarantine',
    'When integrity fails: off, files (moved), attest (recorded; needs id-token: write) or retag. Default: files.',
  ),
  served('quarantine-directory', 'Folder that rejected files are moved to, and that keeps signed records.'),
  served('signing-config', 'Path of a signing_config.json that names the Sigstore services for quarantine records.'),
  served(
    'transparency-log',
    'For quarantine records: auto, public, own or none. A private repository must choose.',
    'auto',
  ),
]

export const VERIFY_OUTPUTS: readonly OutputRow[] = [
  { name: 'verdict', description: 'passed, rejected or unknown: the worst of all subjects.' },
  { name: 'subjects', description: 'Verdict of each image and file, as JSON.' },
  { name: 'pinned', description: 'Paths of the manifests and compose files written with digests, one a line.' },
  { name: 'result', description: 'Path of the result JSON.' },
]

/** What the rule of the policy says; without a policy there is nothing that a deploy summary could name. */
const IN_THE_RULE = [
  'certificate-identity',
  'certificate-oidc-issuer',
  'repository',
  'repository-id',
  'signer',
  'caller',
  'source-ref',
  'require',
  'predicate-type',
  'trusted-root',
] as const

/** About what runs already. */
const OF_A_URL = [
  'url',
  'server-key',
  'server-identity',
  'server-oidc-issuer',
  'server-trusted-root',
  'expect-images',
  'allow-private-address',
] as const

const OTHERWISE: Readonly<Record<string, string>> = {
  images: 'Images to deploy, one a line: repository@sha256:… or repository:tag.',
  files: 'Files to deploy, globs, one a line.',
  manifests: 'Kubernetes manifests whose images are deployed, globs, one a line.',
  compose: 'Compose files whose images are deployed, one a line.',
  policy: 'Path of the policy file whose deploy rules judge. Default: .github/waybill.yml.',
  key: 'env:NAME or path of a private key that signs. Default: the identity of the run.',
  pin: 'Write manifests and compose files with digests below output: true or false.',
  quarantine: 'When integrity fails: off, files (moved), attest (recorded) or retag. Default: attest.',
  'signing-config': 'Path of a signing_config.json that names the Sigstore services. Default: the public instance.',
  'transparency-log': 'Log that makes signatures public: auto, public, own or none. A private repository must choose.',
}

const OF_VERIFY: readonly InputRow[] = VERIFY_INPUTS.flatMap(row => {
  const { name } = row
  if (name === 'stage') return []
  if (IN_THE_RULE.some(item => item === name))
    return [{ name, served: false, description: row.description, why: 'The deploy rule of the policy says it.' }]
  if (OF_A_URL.some(item => item === name))
    return [{ name, served: false, description: row.description, why: 'What is deployed is named by its image.' }]
  if (name === 'offline')
    return [{ name, served: false, description: row.description, why: 'A deploy writes to registries.' }]
  const description = OTHERWISE[name] ?? row.description
  if (name === 'pin') return [{ ...row, description, default: 'true' }]
  return [{ ...row, description }]
})

export const DEPLOY_INPUTS: readonly InputRow[] = [
  served('environment', 'Deployment environment; must equal the one of the job.'),
  ...OF_VERIFY,
  served('key-password', 'env:NAME of the variable that holds its password.'),
  served('promote', 'Tags to point to what was deployed, last, one a line: production or registry/repository:tag.'),
  served('annotate', 'Write expected identities into the pod templates: true or false.', 'false'),
  served('policies', 'Admission policies to write: none, policy-controller or kyverno.', 'none'),
  served('output', 'Folder for everything that is written.', 'waybill-deploy'),
]

export const DEPLOY_OUTPUTS: readonly OutputRow[] = [
  { name: 'verdict', description: 'passed, rejected or unknown: the worst of all subjects.' },
  { name: 'deployment', description: 'Path of deployment.json.' },
  { name: 'manifests', description: 'Paths of the manifests and compose files with digests, one a line.' },
  { name: 'policies', description: 'Paths of the admission policies, one a line.' },
  { name: 'vsa', description: 'The deploy summaries, as JSON.' },
  { name: 'result', description: 'Path of the result JSON.' },
]

export const COMMENT_INPUTS: readonly InputRow[] = [
  served(
    'artifact',
    "Artifacts of the pull request's run whose result is quoted; * stands for any characters.",
    'waybill-*',
  ),
  served('policy', 'OWNER/NAME@REF:PATH of a policy in another repository, REF in full. Default: .github/waybill.yml.'),
  served('since', 'Anchor: full id of the commit from which on all commits are judged.'),
  served(
    'github-token',
    'Token that reads the repository and the run, and writes the comment.',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is an expression of GitHub Actions
    '${{ github.token }}',
  ),
]

export const COMMENT_OUTPUTS: readonly OutputRow[] = [
  { name: 'comment-url', description: 'Address of the comment; empty where there is none.' },
]
