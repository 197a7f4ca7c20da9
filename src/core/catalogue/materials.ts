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
} as const satisfies Record<`materials/${string}`, CatalogueEntry>
