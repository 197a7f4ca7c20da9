import type { PolicyName } from './links.ts'

/** What the files of an engine say besides what is enforced. */
export interface AdmissionOptions {
  /** The policy that is generated from. */
  readonly policy: PolicyName
  /** Command line that writes the same files again. */
  readonly command: string
  /** Files the policy names, trust roots among them (`Law.files`). */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** `root.json` from which trust in GitHub's TUF repository begins; needed for rules with `trust: github`. */
  readonly githubRoot?: Uint8Array
  /** Namespaces in which policies are enforced; empty: the operator labels his. */
  readonly namespaces: readonly string[]
}
