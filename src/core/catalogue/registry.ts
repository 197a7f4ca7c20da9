import type { CatalogueEntry } from '../catalogue.ts'

export const REGISTRY_ERRORS = {
  'registry/placeholder': { kind: 'unknown', meaning: 'x', remedy: 'x' },
} as const satisfies Record<`registry/${string}`, CatalogueEntry>
