import { LIMITS } from '../core/limits.ts'
import type { Verified } from '../core/verified.ts'
import { after } from '../io/deadline.ts'
import { createReadStream, readFileBounded } from '../io/files.ts'
import { hashStableFile } from '../io/stable-file.ts'
import { verify } from '../pipeline/verify.ts'
import { nameOf } from '../pipeline/verify-plan.ts'
import type {
  EvidenceSubject,
  JudgedSubject,
  Origin,
  SubjectRequest,
  VerifyPorts,
  VerifyRequest,
} from '../pipeline/verify-request.ts'
import { type Expectation, type ExpectationFlags, expectationFor, expectationFromFlags } from '../policy/gate.ts'
import { keyFingerprint } from '../policy/key-file.ts'
import type { Law } from '../policy/law.ts'
import type { Reference } from '../registry/reference.ts'
import type { Receipt } from '../report/receipt.ts'
import { isQuarantine } from '../statements/quarantine.ts'
import type { SignedStatement } from '../statements/statement.ts'
import { type EvidenceOptions, evidencePorts } from './gate-evidence.ts'
import { type GateSubjects, subjectRequests } from './gate-subjects.ts'
import { type TrustOptions, verifiers } from './gate-trust.ts'

/** Who is expected to have signed: a policy's deploy rules, or flags. Never both, never neither. */
export interface GateOptions extends TrustOptions, EvidenceOptions {
  /** As the result names it: `verify image`. */
  readonly command: string
  readonly subjects: GateSubjects
  /** The law whose `deploy` rules judge, and how the result names it. */
  readonly policy?: { readonly law: Law; readonly receipt: NonNullable<Receipt['policy']> }
  readonly flags: Omit<ExpectationFlags, 'key' | 'trustedRoot'>
  /** What a policy judges by: `require`, or `require` and `admit`. */
  readonly stage: 'deploy' | 'run'
  /** The instant to judge by. */
  readonly now: Date
  /** Told of every subject when it is judged, with what its verdict rests on. */
  readonly judged?: (subject: JudgedSubject) => void
}

export interface GateResult {
  readonly receipt: Receipt
  /** Absolute paths of the files among the subjects, by name. */
  readonly files: ReadonlyMap<string, string>
  /** What was rejected of images and files, by name: all that a quarantine needs to know of it. */
  readonly rejected: ReadonlyMap<string, RejectedSubject>
}

/** Verified statements and bundles are let go with the verdict, but for these. */
export interface RejectedSubject {
  /** Of an image. */
  readonly reference?: Reference
  readonly origin: Origin
  /** Quarantine records of anybody, verified. */
  readonly records: readonly Verified<SignedStatement>[]
  readonly expectation: Pick<Expectation, 'private' | 'deployer'>
}

/** The gate behind `verify/action.yml` and `waybill verify …`. @throws only configuration errors. */
export async function runGate(options: GateOptions): Promise<GateResult> {
  const expectation = await expectations(options)
  const subjects = await subjectRequests(options.subjects)
  const evidence = await evidencePorts(options)
  const verifier = await verifiers(options)
  // Last, and with nothing between it and `forget` that can fail: a clock that nobody stops keeps the process alive.
  const deadline = after(LIMITS.gateMs)
  const rejected = new Map<string, RejectedSubject>()
  const ports: VerifyPorts = {
    ...evidence,
    hashFile: async path => ({ ...(await hashStableFile(path)), content: () => createReadStream(path) }),
    verifier,
    judged: async subject => {
      options.judged?.(subject)
      if (subject.receipt.verdict === 'rejected') rejected.set(keyOf(subject.subject), rejectedOf(subject))
    },
    expired: deadline.reached,
    now: options.now,
    clock: () => performance.now(),
  }
  const request: VerifyRequest = {
    command: options.command,
    subjects,
    unreadable: options.subjects.unreadable,
    expectation,
    ...(options.policy === undefined ? {} : { policy: options.policy.receipt }),
  }
  const receipt = await verify(request, ports).finally(deadline.forget)
  const files = new Map(subjects.flatMap(subject => (subject.kind === 'file' ? [[subject.name, subject.path]] : [])))
  const named = subjects.flatMap(subject => {
    const name = nameOf(subject)
    const digest = receipt.subjects.find(item => item.name === name)?.digest ?? ''
    const found = rejected.get(subject.kind === 'file' ? subject.path : `${subject.reference.canonical}@${digest}`)
    if (found === undefined) return []
    return [[name, subject.kind === 'file' ? found : { ...found, reference: subject.reference }] as const]
  })
  return { receipt, files, rejected: new Map(named) }
}

/** Two tags of one image are judged once. */
function keyOf(subject: EvidenceSubject): string {
  return subject.kind === 'file' ? subject.path : `${subject.reference.canonical}@${subject.digest}`
}

function rejectedOf({ subject, statements, expectation }: JudgedSubject): RejectedSubject {
  return {
    origin: subject.kind === 'file' ? 'typed' : subject.origin,
    records: statements.filter(({ statement }) => isQuarantine(statement)),
    expectation,
  }
}

/** One expectation for everything with flags, else the first rule that matches. @throws `policy/no-expectation`, `policy/expectation-unclear` */
export async function expectations(
  options: Omit<GateOptions, 'subjects' | 'offline' | 'credentials'>,
): Promise<(subject: SubjectRequest) => Expectation> {
  const { policy, stage } = options
  if (policy === undefined) {
    const flags = await expectationOfFlags(options)
    return () => flags
  }
  const { uri, digest } = policy.receipt
  const how = { stage, policy: { uri, ...(digest === undefined ? {} : { digest }) } }
  return subject => expectationFor(policy.law.policy, targetOf(subject), how)
}

function targetOf(subject: SubjectRequest): Parameters<typeof expectationFor>[1] {
  return subject.kind === 'image' ? subject.reference.canonical : { file: subject.name }
}

async function expectationOfFlags(options: Parameters<typeof expectations>[0]): Promise<Expectation> {
  const { flags, keyFile, trustedRootFile } = options
  const key =
    keyFile === undefined
      ? {}
      : {
          key: {
            file: keyFile,
            fingerprint: keyFingerprint(await readFileBounded(keyFile, LIMITS.policyFileBytes), keyFile),
          },
        }
  return expectationFromFlags({
    ...flags,
    stage: options.stage,
    ...key,
    ...(trustedRootFile === undefined ? {} : { trustedRoot: trustedRootFile }),
  })
}
