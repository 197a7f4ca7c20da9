import type { CatalogueEntry } from '../catalogue.ts'

export const BUILD_ERRORS = {
  'build/placeholder': { kind: 'unknown', meaning: 'x', remedy: 'x' },
} as const satisfies Record<`build/${string}`, CatalogueEntry>
