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
  'materials/unresolved': {
    kind: 'unknown',
    meaning:
      'What a line of the Dockerfile pulls in depends on a variable that nobody sets before the build, so nobody can say whether it may enter.',
    remedy: 'Give the variable a default in the Dockerfile, or pass it as a build argument.',
  },
  'materials/lock-outdated': {
    kind: 'rejected',
    meaning:
      'Digests of the materials manifest are missing, or are not those that are served and verified now. Nothing is wrong with a build that uses the manifest as it is; it uses what was reviewed then.',
    remedy: 'Write the new digests, and have the difference reviewed: waybill materials lock',
  },
} as const satisfies Record<`materials/${string}`, CatalogueEntry>
