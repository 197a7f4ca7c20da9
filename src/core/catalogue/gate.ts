import type { CatalogueEntry } from '../catalogue.ts'

/** The gate as a whole: what ends a run, or a part of it, before there is a verdict. */
export const GATE_ERRORS = {
  'verify/no-subjects': {
    kind: 'unknown',
    meaning: 'What was given names no image and no file, so nothing was judged. Nothing judged is never passed.',
    remedy: 'Check that the manifests or globs are the ones that are deployed.',
  },
  'verify/too-many-subjects': {
    kind: 'configuration',
    meaning: 'More images and files were named than one run judges.',
    remedy: 'Judge them in several runs.',
  },
  'verify/out-of-time': {
    kind: 'unknown',
    meaning: 'The gate ran out of time. What was judged by then is told; the rest could not be checked.',
    remedy: 'Run again with fewer subjects, or find out which registry answers slowly.',
  },
  'verify/out-of-bytes': {
    kind: 'unknown',
    meaning: 'The bundles attached to the subjects of this run are larger altogether than one run reads.',
    remedy: 'Judge fewer subjects in one run, or delete from the registry what is attached and is not yours.',
  },
  'verify/not-read': {
    kind: 'unknown',
    meaning: 'Evidence is there in a form that is not read here. It may hold what is looked for.',
    remedy: 'Sign again with bundles, as Waybill and cosign 3 write them.',
  },
} as const satisfies Record<`verify/${string}`, CatalogueEntry>
