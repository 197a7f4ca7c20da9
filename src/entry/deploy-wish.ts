import type { WaybillError } from '../core/error.ts'
import type { GithubApi } from '../github/api.ts'
import type { PolicyEngine } from '../github/deploy-inputs.ts'
import type { HttpClient } from '../io/http.ts'
import type { DeploySigner, Promotion } from '../pipeline/deploy-request.ts'
import type { QuarantineMode } from '../pipeline/quarantine.ts'
import type { CredentialSource } from '../registry/credentials.ts'
import type { Receipt } from '../report/receipt.ts'
import type { DeployWritten } from './deploy-files.ts'
import type { GatePolicy } from './gate-inputs.ts'
import type { NamedImages } from './gate-manifests.ts'

/** A deploy as the action or the command line asks for it. */
export interface DeployWish {
  readonly images: readonly string[]
  readonly files: readonly string[]
  readonly named: NamedImages
  /** Files among the sources that are manifests, as places name them. */
  readonly manifestFiles: readonly string[]
  readonly policy: GatePolicy
  /** The policy as a command line names it. */
  readonly policyPath: string
  readonly environment: string
  readonly promote: readonly Promotion[]
  readonly pin: boolean
  readonly annotate: boolean
  readonly policies: PolicyEngine
  /** Absolute folder. */
  readonly output: string
  /** Paths of bundles on disk. */
  readonly bundleFiles: readonly string[]
  readonly filesRepository?: string
  readonly quarantine: QuarantineMode
  readonly quarantineDirectory: string
  readonly events?: string
}

export interface DeployWorld {
  /** Where relative names begin. */
  readonly folder: string
  readonly http: HttpClient
  readonly credentials: CredentialSource
  readonly insecureRegistries: readonly string[]
  readonly cacheFolder: string
  readonly store?: GithubApi
  /** Proves who signs; called once. */
  readonly signer: () => Promise<DeploySigner>
  readonly run?: string
  readonly progress: (line: string) => void
}

export interface DeployResult extends DeployWritten {
  readonly receipt: Receipt
  readonly error?: WaybillError
}
