import type { Outcome } from './verdict.ts'

/** The stages of a run in their order, and what may be said of each. 1-product § 6 */
export const STAGES = [
  'preflight',
  'source',
  'materials',
  'build',
  'digest',
  'reproducible',
  'sign',
  'publish',
  'self-verify',
  'files',
  'tags',
] as const
export type StageName = (typeof STAGES)[number]
export type StageState = Outcome | 'not-asked' | 'not-reached'
export type StageMode = 'enforce' | 'audit' | 'off'
