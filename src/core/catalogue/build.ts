import type { CatalogueEntry } from '../catalogue.ts'

export const BUILD_ERRORS = {
  'build/request-malformed': {
    kind: 'configuration',
    meaning:
      'A value that shapes the build is not spelled as its grammar asks: a platform, a build argument, a label, a target, a repository. A value that begins with a dash could be read as an option by the builder.',
    remedy: 'Correct the value that the message names.',
  },
  'build/argument-secret': {
    kind: 'rejected',
    meaning:
      'A build argument holds a secret: it equals a masked value or has the form of a token. Build arguments stay readable in the image’s history and in logs for ever.',
    remedy: 'Remove it from build-args, and replace the secret if an image was ever built with it.',
  },
  'build/secret-id-refused': {
    kind: 'configuration',
    meaning:
      'The secret ids GIT_AUTH_TOKEN and GIT_AUTH_HEADER make the builder fetch sources with a credential, around the verified commit.',
    remedy: 'Use another id; sources come from the verified commit only.',
  },
  'build/path-escapes': {
    kind: 'rejected',
    meaning:
      'The context or the Dockerfile lies outside the tree of the verified commit, directly or through a symbolic link.',
    remedy: 'Give paths relative to the root of the repository, without “..”.',
  },
  'build/context-missing': {
    kind: 'configuration',
    meaning:
      'The context is not a folder of the verified commit. Files that a step made in the workspace are not in it.',
    remedy: 'Set `context` to a folder that is committed, relative to the root of the repository.',
  },
  'build/dockerfile-missing': {
    kind: 'configuration',
    meaning: 'The verified commit holds no Dockerfile at this path.',
    remedy: 'Set `file` to the path of the Dockerfile, relative to the root of the repository.',
  },
  'build/image-refused': {
    kind: 'rejected',
    meaning:
      'A FROM, COPY --from or mount names an image by a transport that reads from the machine, or by a variable nobody sets. Such an image does not come from a registry and cannot be traced. A Dockerfile that buildah would send through the C preprocessor (*.in) is refused as well: it can include any file of the machine.',
    remedy: 'Name an earlier stage, `scratch`, or an image in a registry, and give every ARG used in FROM a value.',
  },
  'build/no-builder': {
    kind: 'configuration',
    meaning: 'Neither docker buildx nor buildah answers on this machine.',
    remedy: 'Add a step `uses: docker/setup-buildx-action` before this one, or install buildah.',
  },
  'build/builder-unavailable': {
    kind: 'configuration',
    meaning: 'The builder that was asked for by name does not answer on this machine.',
    remedy: 'Install it in an earlier step, or set `builder: auto`.',
  },
  'build/unsupported': {
    kind: 'configuration',
    meaning: 'This builder cannot do what the inputs ask for.',
    remedy: 'Use another builder, or remove the input.',
  },
  'build/failed': {
    kind: 'unknown',
    meaning: 'The builder ended with an error, so there is no image. Nothing was signed or tagged.',
    remedy: 'Read the builder’s last lines above; the same build can be tried locally with the same builder.',
  },
  'build/digest-missing': {
    kind: 'unknown',
    meaning: 'The builder ended well but did not say which digest it made, so there is nothing that could be signed.',
    remedy:
      'Update the builder; BuildKit needs a driver that writes image digests (docker-container, remote, kubernetes).',
  },
  'build/digest-mismatch': {
    kind: 'rejected',
    meaning: 'Two sources disagree about the digest of the same image. Nothing was signed.',
    remedy: 'Do not retry blindly: something changed the image between the builder and the registry.',
  },
  'build/platforms-differ': {
    kind: 'rejected',
    meaning: 'The image that was built holds other platforms than were asked for. Nothing was signed.',
    remedy: 'Name each platform once; a base image that lacks one of them cannot be built for it.',
  },
  'build/layout-missing': {
    kind: 'configuration',
    meaning: 'The OCI layout that was named does not exist.',
    remedy: 'Set `layout` to the folder or tar file that an earlier step wrote, relative to the workspace.',
  },
  'build/plan-unusable': {
    kind: 'unknown',
    meaning:
      'What the job `prepare` decided did not arrive, or not in its own form. Without it nothing is built and nothing signed.',
    remedy:
      'Run all jobs of the run again. The inputs `plan` and `parts` come from `needs` of the reusable workflow and from nowhere else.',
  },
  'build/plan-differs': {
    kind: 'rejected',
    meaning:
      'What this job found of the commit or of its materials is not what the job `prepare` found. Nothing was signed.',
    remedy:
      'Run all jobs of the run again: a tag of a base image may have moved meanwhile. Pin base images by digest to rule that out.',
  },
  'build/part-unusable': {
    kind: 'rejected',
    meaning: 'The output of a job that built a part is not in the form that the door `leg` writes. Nothing was signed.',
    remedy: 'Do not retry blindly: look at the log of that job for what wrote its output.',
  },
  'build/part-missing': {
    kind: 'unknown',
    meaning: 'A planned platform has no part, so there is no whole image. Nothing was signed.',
    remedy: 'Run the failed jobs of the run again.',
  },
  'build/part-unplanned': {
    kind: 'rejected',
    meaning: 'A part is for a platform that the job `prepare` did not plan. Nothing was signed.',
    remedy: 'Do not retry blindly: look at the log of the job that built it.',
  },
  'build/part-differs': {
    kind: 'rejected',
    meaning:
      'A part is not what the plan says: another platform, run or commit, the same one twice, or more than one image. Nothing was signed.',
    remedy: 'Do not retry blindly: something changed the part between the job that built it and this one.',
  },
  'build/runner-not-listed': {
    kind: 'configuration',
    meaning:
      'A runner is not one of GitHub’s own labels, and nobody said that this is meant. Such a build is not SLSA Build L3.',
    remedy:
      'Use a label of GitHub’s own runners (ubuntu-24.04, ubuntu-24.04-arm), or set `self-hosted: true`, which the provenance then says.',
  },
  'build/workflow-differs': {
    kind: 'rejected',
    meaning:
      'The steps of the reusable workflow were not taken from the commit that the identity token names. Nothing was signed.',
    remedy: 'Call the workflow by its full commit id: uses: OWNER/waybill/.github/workflows/build.yml@COMMIT',
  },
} as const satisfies Record<`build/${string}`, CatalogueEntry>
