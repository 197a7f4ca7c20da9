import type { CatalogueEntry } from '../catalogue.ts'

export const GITHUB_ERRORS = {
  'github/placeholder': { kind: 'unknown', meaning: 'x', remedy: 'x' },
} as const satisfies Record<`github/${string}`, CatalogueEntry>
