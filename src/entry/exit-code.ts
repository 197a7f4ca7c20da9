import type { ErrorKind } from '../core/error.ts'
import { EXIT_CODE, EXIT_CONFIGURATION, type Outcome } from '../core/verdict.ts'

/** 1-product § 8: 0 passed · 1 rejected · 2 unknown · 3 the configuration could not be understood. */
export function exitCodeOfError(kind: ErrorKind): number {
  return kind === 'configuration' ? EXIT_CONFIGURATION : EXIT_CODE[kind]
}

export function exitCodeOfVerdict(verdict: Outcome): number {
  return EXIT_CODE[verdict]
}
