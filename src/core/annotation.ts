/** What a runner shows beside a line of a file or on the run's page. 8-report § 3. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice'
  readonly message: string
  /** The code. */
  readonly title?: string
  /** Relative to the root of the repository. */
  readonly file?: string
  readonly line?: number
}

/** A runner shows so many of each level and step, and drops more without a word; so we drop them aloud. */
export const ANNOTATIONS_PER_LEVEL = 10
