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
      'Something goes into the build that neither the policy nor the materials manifest allows: the Dockerfile fetches it, or the builder says that it went in.',
    remedy: 'Declare it in .github/waybill.materials.yml with its digest, in a reviewed commit, or take it out.',
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
} as const satisfies Record<`materials/${string}`, CatalogueEntry>
