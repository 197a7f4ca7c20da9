import type { StageState } from '../core/stage.ts'
import type { Outcome } from '../core/verdict.ts'
import type { StageReceipt } from './receipt.ts'

/** The only words for a state, with its mark in Markdown. */
export const MARKS = {
  passed: '✅',
  rejected: '❌',
  unknown: '⚠️',
  'not-asked': '➖',
  'not-reached': '⏹️',
} as const satisfies Record<StageState, string>

export const VERDICT_WORDS = {
  passed: 'Passed',
  rejected: 'Rejected',
  unknown: 'Not checked',
} as const satisfies Record<Outcome, string>

/** What a stage does, for somebody who has not read the plan. */
export const STAGE_WORDS = {
  preflight: 'preflight',
  source: 'commits',
  materials: 'materials',
  build: 'image',
  digest: 'digest',
  sign: 'signature',
  publish: 'registry',
  'self-verify': 'read back and verified',
  files: 'files signed',
  tags: 'tags',
  resolve: 'reference',
  collect: 'bundles',
  judge: 'verdict',
} as const satisfies Record<StageReceipt['name'], string>
