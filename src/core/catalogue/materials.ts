import type { CatalogueEntry } from '../catalogue.ts'

/** Base images and other materials: what a build would pull in. */
export const MATERIALS_ERRORS = {
  'materials/dockerfile-malformed': {
    kind: 'rejected',
    meaning:
      'The Dockerfile cannot be read, so nobody can say what a build of it would pull in. It is refused where the builder would refuse it too, and where its size or form has no honest reason.',
    remedy: 'Build it without Waybill first: the builder names the line.',
  },
  'materials/too-many-references': {
    kind: 'rejected',
    meaning: 'The Dockerfile names more images and files than are looked up for one build.',
    remedy: 'Split the build, or take what belongs together into one base image.',
  },
  'materials/manifest-unusable': {
    kind: 'configuration',
    meaning:
      'The materials manifest cannot be read: it is no YAML of the accepted kind, or a key or value of it is not known.',
    remedy: 'Correct the manifest at the place named.',
  },
  'materials/other-bytes': {
    kind: 'rejected',
    meaning: 'A material has other bytes than the manifest or a signed checksum file says, or more of them.',
    remedy:
      'Find out who changed it. If the change is wanted, write the new digest into the manifest in a reviewed commit.',
  },
  'materials/signature-malformed': {
    kind: 'rejected',
    meaning: 'A signature, a key or a checksum file beside a material cannot be read.',
    remedy: 'Fetch it again from its author; if it is the same, ask for a signature in the usual form.',
  },
  'materials/signature-wrong': {
    kind: 'rejected',
    meaning: 'A signature is not one by the named key over the bytes of the material.',
    remedy: 'Find out whether the material or the key changed, and do not build with it until you know.',
  },
  'materials/undeclared': {
    kind: 'rejected',
    meaning:
      'Something goes into the build that was not verified before it: the Dockerfile fetches it, the builder refused to fetch it, or says afterwards that it went in. It can stand in the Dockerfile, in an ONBUILD of a base image, or in what a frontend does.',
    remedy:
      'If you want it in the build, give its image a rule in base-images of the policy, or declare it in .github/waybill.materials.yml with its digest, in a reviewed commit.',
  },
  'materials/not-closed': {
    kind: 'rejected',
    meaning:
      'The builder was told what may enter the build and made an image without keeping the rest out. Nothing of it is signed.',
    remedy: 'Use the builder buildx or buildah of a version that Waybill supports, or set materials-mode: audit.',
  },
  'materials/law-unknown': {
    kind: 'unknown',
    meaning:
      'Materials are to be judged, but the history could not be judged, so nobody knows which policy was accepted last.',
    remedy: 'Repair what the stage source names, and run again.',
  },
  'materials/not-an-image': {
    kind: 'rejected',
    meaning:
      'Where a build names an image stands something else: no image reference, or a transport (`oci:`, `docker-archive:`) that would take an image from a place that nobody can check.',
    remedy: 'Push the image to a registry and name it as host/repository:tag.',
  },
  'materials/unresolved': {
    kind: 'rejected',
    meaning: 'The Dockerfile names something to fetch by a variable whose value nobody knows before the build.',
    remedy: 'Give the variable a value with ARG or ENV in the same stage, or write the name out.',
  },
  'materials/not-pinned': {
    kind: 'rejected',
    meaning:
      'The policy trusts this image by its digest alone (`digest-lock`), and neither the Dockerfile nor the materials manifest says which digest.',
    remedy: 'Add the image with its digest to the materials manifest, in a reviewed commit.',
  },
  'materials/other-digest': {
    kind: 'rejected',
    meaning: 'The Dockerfile and the materials manifest give different digests for one image.',
    remedy: 'Correct the one that is out of date.',
  },
  'materials/platform-missing': {
    kind: 'rejected',
    meaning:
      'A base image has nothing for a platform that is built. A builder would stop, or take another architecture in silence.',
    remedy: 'Use an image that has the platform, or do not build for it.',
  },
  'materials/index-nested': {
    kind: 'rejected',
    meaning: 'A base image is an index that holds indexes. Builders differ in what they take from one.',
    remedy: 'Have the image published as one index of platform manifests.',
  },
  'materials/no-attestation-manifest': {
    kind: 'rejected',
    meaning:
      'The policy asks for Docker’s own signature, which stands on BuildKit’s attestation manifest of each platform, and a platform has none that names it.',
    remedy: 'Use a release that Docker signed, or trust the image by its digest with digest-lock: true.',
  },
  'materials/out-of-time': {
    kind: 'unknown',
    meaning: 'The time of the materials stage was over before everything was judged.',
    remedy: 'Run again; if it happens often, find out which registry answers slowly.',
  },
  'materials/fetch-failed': {
    kind: 'unknown',
    meaning:
      'Neither the address of a material nor a mirror gave its bytes, so nobody can say whether it is the right one.',
    remedy: 'Run again, or name a mirror in the manifest that answers.',
  },
  'materials/fetch-refused': {
    kind: 'unknown',
    meaning:
      'A server answered in a way from which the bytes of a material cannot be taken: another status, a compressed body, or another part of the file than was asked for.',
    remedy: 'Open the address by hand, and name in the manifest one that gives the file itself.',
  },
  'materials/redirect-refused': {
    kind: 'unknown',
    meaning:
      'A server sends the download of a material on too often, or to a place that is not asked: without TLS, or with a login.',
    remedy: 'Name the place where the file really lies in the manifest.',
  },
  'materials/beside-missing': {
    kind: 'rejected',
    meaning:
      'The signature, bundle or checksum file that the manifest names does not exist, so nobody vouches for the material.',
    remedy: 'Correct its address in the manifest, or ask the author of the material for a signature.',
  },
  'materials/deadline': {
    kind: 'unknown',
    meaning: 'Fetching the materials took longer than it may, and what was not verified by then is not known.',
    remedy: 'Run again; name a nearer mirror in the manifest, or use fewer and smaller materials.',
  },
  'materials/out-of-bytes': {
    kind: 'unknown',
    meaning:
      'The materials together, or the manifests and configs of the base images, have more bytes than are fetched in one run.',
    remedy:
      'Use fewer or smaller materials, or put those that belong together into a base image; real images have manifests of a few kilobytes.',
  },
  'materials/lock-outdated': {
    kind: 'rejected',
    meaning:
      'Digests of the materials manifest are missing, or are not those that are served and verified now. Nothing is wrong with a build that uses the manifest as it is; it uses what was reviewed then.',
    remedy: 'Write the new digests, and have the difference reviewed: waybill materials lock',
  },
  'materials/archive-malformed': {
    kind: 'rejected',
    meaning:
      'An archive that is to be unpacked is not what its kind of archive is, or says two things in two places, so that two programs would take two things out of it.',
    remedy: 'Have it packed again: tar -czf NAME.tar.gz FOLDER, or zip -r NAME.zip FOLDER.',
  },
  'materials/archive-unsafe': {
    kind: 'rejected',
    meaning:
      'An archive that is to be unpacked holds what would reach outside its folder, or what is no file, folder or link: an absolute path, a way up, a name twice, a device.',
    remedy: 'Do not build with it before you know who packed it so; have it packed again without that entry.',
  },
  'materials/archive-too-large': {
    kind: 'rejected',
    meaning: 'An archive unpacks to more files or bytes than are accepted, or to far more bytes than it has itself.',
    remedy: 'Pack only what the build needs.',
  },
  'materials/place-taken': {
    kind: 'rejected',
    meaning:
      'A material would come to lie where the commit has something already, below a link of it, or where it would say what is built. A material adds to the verified commit and never changes it.',
    remedy: 'Give it a path of its own in the manifest: use: {path: vendor/NAME}.',
  },
  'materials/artifact-unavailable': {
    kind: 'unknown',
    meaning:
      'The artifact of another workflow that the manifest names cannot be had: there is no successful run of it, the run kept no such file, or the platform deleted it because it is too old.',
    remedy: 'Run that workflow again: gh workflow run FILE.yml --repo OWNER/REPOSITORY',
  },
  'materials/artifact-ambiguous': {
    kind: 'rejected',
    meaning: 'The run of another workflow kept several things that could be the file that the manifest names.',
    remedy: 'Have the workflow upload it in an artifact that is called as the file.',
  },
  'materials/key-not-allowed': {
    kind: 'rejected',
    meaning:
      'The policy says whose signature this material needs, and the manifest names none of these keys. A manifest is part of what is judged: it can ask for more than the policy, never for less.',
    remedy: 'Name one of the keys of the policy’s rule under verify in the manifest.',
  },
  'materials/key-unusable': {
    kind: 'rejected',
    meaning:
      'The key that a material is to be verified with is missing, cannot be read, is of another kind, or is too weak.',
    remedy: 'Put the public key, of the kind that verify says, where the policy or the manifest names it.',
  },
  'materials/key-expired': {
    kind: 'rejected',
    meaning:
      'The key that signed a material has expired. When a signature beside a file was made only its maker says, so nobody knows whether the key was still valid then.',
    remedy:
      'Fetch the key anew from its owner, who may have prolonged it: gpg --refresh-keys, then gpg --armor --export FINGERPRINT',
  },
  'materials/key-revoked': {
    kind: 'rejected',
    meaning: 'The key that signed a material was revoked by its own owner.',
    remedy: 'Take the material in a version that the owner signed with another key.',
  },
  'materials/policy-not-enforced': {
    kind: 'rejected',
    meaning:
      'Before a build into which nothing undeclared may come, the builder is asked for something that is always refused. It did not refuse it because of the policy, so nobody can say what it would let in. Nothing was built.',
    remedy:
      'Use a recent BuildKit and buildx that take a source policy: add a step `uses: docker/setup-buildx-action@v3` before this one.',
  },
  'materials/second-policy': {
    kind: 'configuration',
    meaning:
      'The job sets a source policy of its own for BuildKit, and a build takes one. Waybill hands over the one that keeps undeclared materials out, and does not put yours aside silently.',
    remedy:
      'Remove EXPERIMENTAL_BUILDKIT_SOURCE_POLICY from the job; what it denies belongs into base-images of the policy: `- {match: "NAME", deny: true}`.',
  },
  'materials/provenance-malformed': {
    kind: 'unknown',
    meaning:
      'The builder’s own list of what went into the build cannot be read, so it cannot be compared with what was verified.',
    remedy: 'Update buildx and BuildKit; if they are recent, report the form of their provenance.',
  },
  'materials/read-differently': {
    kind: 'rejected',
    meaning:
      'This part of the Dockerfile is, or could be, read otherwise by buildah than by BuildKit: what was looked up and verified might not be what it takes.',
    remedy: 'Write the line in the plain form that the message names, or set `builder: buildx`.',
  },
  'materials/not-with-buildah': {
    kind: 'configuration',
    meaning:
      'The Dockerfile needs something that buildah cannot be kept to: it would fetch it by itself, or leave the build’s own folders.',
    remedy:
      'Set `builder: buildx`, or declare the file in the materials manifest with `use: {path: vendor/file}` and take it with COPY.',
  },
  'materials/store-unreadable': {
    kind: 'unknown',
    meaning: 'The storage that buildah wrote cannot be read, so nobody can say which images went into the build.',
    remedy: 'Run it again; if it stays, set `builder: buildx` and report the version of buildah.',
  },
} as const satisfies Record<`materials/${string}`, CatalogueEntry>
