import type { CatalogueEntry } from '../catalogue.ts'

export const ENTRY_ERRORS = {
  'entry/placeholder': { kind: 'unknown', meaning: 'x', remedy: 'x' },
} as const satisfies Record<`entry/${string}`, CatalogueEntry>
