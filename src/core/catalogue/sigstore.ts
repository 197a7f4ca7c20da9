import type { CatalogueEntry } from '../catalogue.ts'

export const SIGSTORE_ERRORS = {
  'sigstore/placeholder': { kind: 'unknown', meaning: 'x', remedy: 'x' },
} as const satisfies Record<`sigstore/${string}`, CatalogueEntry>
