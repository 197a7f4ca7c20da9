import type { StageState } from '../core/stage.ts'
import type { Outcome } from '../core/verdict.ts'
import type { ChainLink } from '../policy/chain.ts'
import type { QuarantineReceipt, StageReceipt } from './receipt.ts'

/** The only words for a state, with its mark in Markdown. */
export const MARKS = {
  passed: '✅',
  rejected: '❌',
  unknown: '⚠️',
  'not-asked': '➖',
  'not-reached': '▫️',
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
  reproducible: 'built again and compared',
  sign: 'signature',
  publish: 'registry',
  'self-verify': 'read back and verified',
  files: 'files signed',
  tags: 'tags',
  resolve: 'reference',
  collect: 'bundles',
  judge: 'verdict',
} as const satisfies Record<StageReceipt['name'], string>

/** A state as people read it. */
export function stateWord(state: StageState): string {
  return state.replace('-', ' ')
}

/** What was never begun took no time that anybody measured. */
export function wasTimed({ state, ms }: Pick<StageReceipt, 'state' | 'ms'>): boolean {
  return state !== 'not-reached' && (state !== 'not-asked' || ms > 0)
}

/** The links of a subject's chain. */
export const LINK_WORDS = {
  signature: 'signature',
  provenance: 'provenance',
  commit: 'commit',
  source: 'source summary',
  'source-detail': 'source detail',
  materials: 'materials',
  sbom: 'bill of materials',
  reproducible: 'reproducible build',
  deploy: 'deploy summary',
  quarantine: 'quarantine',
} as const satisfies Record<ChainLink['link'], string>

const QUARANTINED_BY = { policy: 'by the policy', record: 'by a signed record', run: 'by this run' } as const

/** What is to be said of a quarantine; where something was moved to comes from outside and is not yet safe. */
export function quarantineText({ state, from, moved }: QuarantineReceipt): string {
  return `${state} ${QUARANTINED_BY[from]}${moved === undefined ? '' : `, moved to ${moved}`}`
}
