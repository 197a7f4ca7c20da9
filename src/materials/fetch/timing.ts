import { LIMITS } from '../../core/limits.ts'

/** How long a download may take, in milliseconds. */
export interface FetchTiming {
  /** Without any byte. */
  readonly idleMs: number
  /** Fewer than `slowBytes` in this time is as good as nothing: a server that drips one byte a second holds a run up for a day. */
  readonly slowMs: number
  readonly slowBytes: number
  /** Before the same address is asked again. */
  readonly pauseMs: number
  /** For all materials of a run together. */
  readonly totalMs: number
}

export const FETCH_TIMING: FetchTiming = {
  idleMs: LIMITS.requestMs,
  slowMs: LIMITS.materialSlowMs,
  slowBytes: LIMITS.materialSlowBytes,
  pauseMs: LIMITS.materialPauseMs,
  totalMs: LIMITS.materialsMs,
}
