import type { StageState } from '../core/stage.ts'

/**
 * What long work tells of itself while it lasts; whoever shows it decides how and how often. Telling changes nothing and never
 * throws, so every pipeline only passes it on.
 */
export type Progress = (step: ProgressStep) => void

export type ProgressStep =
  /** A piece of work begins, in a word or two of ours: `source`, `judging`. What was begun before is over. */
  | { readonly kind: 'begun'; readonly what: string }
  /** So much of it is done; `all` where that is known. */
  | { readonly kind: 'counted'; readonly done: number; readonly all?: number; readonly unit: ProgressUnit }
  /** It came to its end; `ms` milliseconds. */
  | { readonly kind: 'ended'; readonly what: string; readonly state: StageState; readonly ms: number }

export type ProgressUnit = 'commits' | 'subjects' | 'materials' | 'images' | 'bytes'
