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
      'The build would take in, or took in, something that nobody declared and verified. No image leaves the machine.',
    remedy:
      'Declare it: a rule of `base-images` in the policy for an image, an item of the materials manifest for the rest.',
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
