import type { CatalogueEntry } from '../catalogue.ts'

export const VERIFY_ERRORS = {
  'verify/placeholder': { kind: 'unknown', meaning: 'x', remedy: 'x' },
} as const satisfies Record<`verify/${string}`, CatalogueEntry>
