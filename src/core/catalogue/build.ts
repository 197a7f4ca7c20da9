import type { CatalogueEntry } from '../catalogue.ts'

export const BUILD_ERRORS = {
  'build/request-malformed': {
    kind: 'configuration',
    meaning:
      'A value that shapes the build is not spelled as its grammar asks: a platform, a build argument, a label, a target, a repository. A value that begins with a dash could be read as an option by the builder.',
    remedy:
      'Correct the value that the message names, for instance `platforms: linux/arm64`, `target: release`, `build-args: VERSION=1.2`. None begins with a dash.',
  },
  'build/argument-secret': {
    kind: 'rejected',
    meaning:
      'A build argument holds a secret: it equals a masked value or has the form of a token. Build arguments stay readable in the image’s history and in logs for ever.',
    remedy:
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is an expression of GitHub Actions
      'Remove it from the input that the message names. What a RUN step needs goes to the input `secrets`, as `ID=${{ secrets.NAME }}`, and into the Dockerfile as `RUN --mount=type=secret,id=ID`. Replace the secret if an image was ever built with it.',
  },
  'build/secret-id-refused': {
    kind: 'configuration',
    meaning:
      'The secret ids GIT_AUTH_TOKEN and GIT_AUTH_HEADER make the builder fetch sources with a credential, around the verified commit.',
    remedy: 'Use another id in `secrets` and in the Dockerfile; sources come from the verified commit only.',
  },
  'build/path-escapes': {
    kind: 'rejected',
    meaning:
      'The context or the Dockerfile lies outside the tree of the verified commit, directly or through a symbolic link.',
    remedy:
      'Give a path relative to the root of the repository, without “..”: `context: services/api`. A symbolic link that leads out of the repository has to become a file or folder of it.',
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
    remedy:
      'Add a step `uses: docker/setup-buildx-action@v3` before this one, or install buildah: sudo apt-get install --yes buildah',
  },
  'build/builder-unavailable': {
    kind: 'configuration',
    meaning: 'The builder that was asked for by name does not answer on this machine.',
    remedy: 'Install it in an earlier step, or set `builder: auto`.',
  },
  'build/unsupported': {
    kind: 'configuration',
    meaning: 'This builder cannot do what the inputs ask for.',
    remedy: 'Remove the input that the message names, or set another `builder`.',
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
      'Add a step `uses: docker/setup-buildx-action@v3` before this one: a builder of the driver docker-container, remote or kubernetes writes digests.',
  },
  'build/digest-mismatch': {
    kind: 'rejected',
    meaning: 'Two sources disagree about the digest of the same image. Nothing was signed.',
    remedy:
      'Do not retry blindly: something changed the image between the builder and the registry. Look at both digests with `docker buildx imagetools inspect REPOSITORY@DIGEST`, and at who else may push there.',
  },
  'build/platforms-differ': {
    kind: 'rejected',
    meaning: 'The image that was built holds other platforms than were asked for. Nothing was signed.',
    remedy:
      'Name each platform once in `platforms`. A base image that lacks one cannot be built for it: docker buildx imagetools inspect IMAGE',
  },
  'build/layout-missing': {
    kind: 'configuration',
    meaning: 'The OCI layout that was named does not exist.',
    remedy: 'Set `layout` to the folder or tar file that an earlier step wrote, relative to the workspace.',
  },
  'build/command-isolation': {
    kind: 'configuration',
    meaning:
      'A command of the workflow would run in a job that signs with the identity of the run. Whatever runs as the same user can read the environment of its parent, take the right to ask for identity tokens from there, and sign anything in the name of this workflow.',
    remedy:
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is an expression of GitHub Actions
      'Run the command in a job of its own without `id-token: write`, push the image there, and attest it in a second job with `builder: none` and `digest: ${{ needs.JOB.outputs.digest }}`. Or set `command-isolation: none` to accept it: the provenance says so.',
  },
  'build/command-missing': {
    kind: 'configuration',
    meaning:
      'The program that the input command names is neither on PATH nor an executable file of the verified commit.',
    remedy:
      'Install the program in an earlier step, or name a file of the commit, executable, by a path that begins with `./`: `command: ./build.sh`.',
  },
  'build/command-stale': {
    kind: 'rejected',
    meaning:
      'What the command has to write stood there before the command began: it is part of the commit. An image that somebody committed would be taken for one that the command made.',
    remedy:
      'Remove the file or folder from the repository (`git rm -r --cached PATH`, and add it to .gitignore), or let the command write to another path.',
  },
  'build/command-result-missing': {
    kind: 'unknown',
    meaning: 'The command ended well, but what it had to write is not there, so nobody knows which image it made.',
    remedy:
      'Let the command write it: `--image-refs=images.txt` for ko and apko with `image-refs: images.txt`, or an OCI layout with `layout: PATH`. Paths start where the command runs: in the folder `context` of the commit.',
  },
  'build/image-refs-malformed': {
    kind: 'rejected',
    meaning:
      'The file in which the command names its image is not one of the known forms: `repository@sha256:…` one a line, one digest, or the JSON that jib writes. A tag alone can be moved by anybody, so it names no image.',
    remedy: 'Let the command write `repository@sha256:<64 hex digits>`, one a line, and nothing else.',
  },
  'build/image-refs-foreign': {
    kind: 'rejected',
    meaning: 'The command names an image in a repository that is none of `images`. Only those are signed.',
    remedy: 'Add the repository to the input `images`, or let the command push to the one in WAYBILL_IMAGE.',
  },
  'build/image-refs-several': {
    kind: 'rejected',
    meaning:
      'The command names several images, and none of them is an index that lists all the others. One step attests one image.',
    remedy: 'Use one step for each image, each with a command that builds that one alone.',
  },
  'build/image-refs-absent': {
    kind: 'rejected',
    meaning: 'The command names an image that the registry does not have. Nothing was signed.',
    remedy:
      'Let the command push the image before it ends: WAYBILL_PUSH is `true` then. Log in to the registry in an earlier step.',
  },
  'build/bake-unusable': {
    kind: 'configuration',
    meaning:
      'The bake file is not in the commit, cannot be evaluated, or does not name exactly one target. It is evaluated as the commit has it, alone in an empty folder, with no variables of the job.',
    remedy:
      'Give an .hcl or .json file of the commit and one target: `bake: docker-bake.hcl app`. Check with `docker buildx bake --print --file=docker-bake.hcl app`.',
  },
  'build/bake-refused': {
    kind: 'rejected',
    meaning:
      'The target of the bake file says something that Waybill does not do, or that would bring in what nobody verified: a context from elsewhere, an inline Dockerfile, a file of the machine. It is refused rather than ignored.',
    remedy:
      'Remove the field that the message names from the target, or write a target for this step that inherits the rest.',
  },
  'build/secret-malformed': {
    kind: 'configuration',
    meaning:
      'A secret for `RUN --mount=type=secret` is not spelled as `id=value` or `id=path`, is empty or too large, or two have one id. The value is never shown.',
    remedy:
      'Give `secrets` as lines `id=value`, `secret-files` as lines `id=path`, each id once, with letters, digits and `_ . -`.',
  },
  'build/ssh-malformed': {
    kind: 'configuration',
    meaning: 'An entry of `ssh` names no agent or key that exists, or two have one id.',
    remedy: 'Write `ssh: default` after a step that starts ssh-agent, or `ssh: id=/path/of/socket-or-key`.',
  },
  'build/cache-malformed': {
    kind: 'configuration',
    meaning: 'An entry of `cache-from` or `cache-to` is not spelled as its type asks.',
    remedy:
      'Write `type=registry,ref=host/path:tag`, with `mode=max` in cache-to for all stages, or `type=gha,scope=name`.',
  },
  'build/cache-type': {
    kind: 'configuration',
    meaning:
      'Only caches that a registry or GitHub keeps are served. A folder (`local`) is filled by any step of the job, and `s3` or `azblob` need credentials that the builder is not given.',
    remedy: 'Use `type=registry,ref=host/path:tag`; the login of an earlier step is used for it.',
  },
  'build/cache-credentials': {
    kind: 'rejected',
    meaning:
      'A cache entry holds a credential or the address to send one to. Entries stand in the provenance and in the list of processes.',
    remedy: 'Remove the attribute: a registry cache uses the login of an earlier step, and `type=gha` needs none.',
  },
  'build/cache-forbidden': {
    kind: 'rejected',
    meaning:
      'GitHub’s own cache may be written by other branches and by pull requests’ runs of the repository, so nothing of it goes into what is released: a tag or a release.',
    remedy: 'Use `type=registry` for releases, in a repository that only protected branches may write.',
  },
  'build/context-refused': {
    kind: 'configuration',
    meaning:
      'A named context would come from a URL, a git repository or an image layout on disk, or is named twice. Only folders of the verified commit and images that base-images judges may be one.',
    remedy:
      'Use `name=path/in/the/commit` or `name=docker-image://host/path:tag`; declare a git repository or a download in the materials manifest, with the commit or digest it must have.',
  },
  'build/not-reproducible': {
    kind: 'rejected',
    meaning:
      'With `reproducible: check` the image was built a second time from the same commit, and the two builds are not the same bytes. The image is signed as any other; that it can be built again is not claimed.',
    remedy:
      'Remove what makes the builds differ: times, random values, versions that are not pinned, lists in the order of the disk; docs/reproducible.md names the usual causes. Or remove `reproducible: check`.',
  },
  'build/second-build-failed': {
    kind: 'unknown',
    meaning:
      'With `reproducible: check` the second build could not be made or compared, so nothing is known of whether the image can be built again.',
    remedy:
      'Run the job again; the facts above have the error of the second build. If it fails each time, correct that, or set `reproducible: off`: the image is then signed without the claim.',
  },
  'build/plan-unusable': {
    kind: 'unknown',
    meaning:
      'What the job `prepare` decided did not arrive, or not in its own form. Without it nothing is built and nothing signed.',
    remedy:
      'Run the workflow again as a whole (“Re-run all jobs”). If it stays, call the workflow as docs/workflow.md shows: `plan` and `parts` come from its own jobs and are no inputs of yours.',
  },
  'build/plan-differs': {
    kind: 'rejected',
    meaning:
      'What this job found of the commit or of its materials is not what the job `prepare` found. Nothing was signed.',
    remedy:
      'Run the workflow again as a whole (“Re-run all jobs”): a tag of a base image may have moved meanwhile. Base images by digest rule that out: waybill materials lock',
  },
  'build/part-unusable': {
    kind: 'rejected',
    meaning: 'The output of a job that built a part is not in the form that the door `leg` writes. Nothing was signed.',
    remedy: 'Do not retry blindly: look in the log of that job for what else wrote its output.',
  },
  'build/part-missing': {
    kind: 'unknown',
    meaning: 'A planned platform has no part, so there is no whole image. Nothing was signed.',
    remedy: 'Run the jobs that failed again (“Re-run failed jobs”).',
  },
  'build/part-unplanned': {
    kind: 'rejected',
    meaning: 'A part is for a platform that the job `prepare` did not plan. Nothing was signed.',
    remedy: 'Do not retry blindly: look in the log of the job that built it for what else wrote its output.',
  },
  'build/part-differs': {
    kind: 'rejected',
    meaning:
      'A part is not what the plan says: another platform, run or commit, the same one twice, or more than one image. Nothing was signed.',
    remedy:
      'Do not retry blindly: something changed the part between the job that built it and this one. Look at the log of that job, and at who else may push to the repository.',
  },
  'build/runner-not-listed': {
    kind: 'configuration',
    meaning:
      'A runner is not one of GitHub’s own labels, and nobody said that this is meant. Such a build is not SLSA Build L3.',
    remedy:
      'Use a label of GitHub’s own runners, `ubuntu-24.04` or `ubuntu-24.04-arm`, in the input `runners`, or set `self-hosted: true`, which the provenance then says.',
  },
  'build/workflow-differs': {
    kind: 'rejected',
    meaning:
      'The steps of the reusable workflow were not taken from the commit that the identity token names. Nothing was signed.',
    remedy: 'Call the workflow by its full commit id: uses: OWNER/waybill/.github/workflows/build.yml@COMMIT',
  },
} as const satisfies Record<`build/${string}`, CatalogueEntry>
