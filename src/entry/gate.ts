import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { after } from '../io/deadline.ts'
import { createReadStream, readFileBounded } from '../io/files.ts'
import { hashStableFile } from '../io/stable-file.ts'
import { verify } from '../pipeline/verify.ts'
import type { SubjectRequest, VerifyPorts, VerifyRequest } from '../pipeline/verify-request.ts'
import { type Expectation, type ExpectationFlags, expectationFor, expectationFromFlags } from '../policy/gate.ts'
import { keyFingerprint } from '../policy/key-file.ts'
import type { Law } from '../policy/law.ts'
import { parseReference } from '../registry/reference.ts'
import type { Receipt } from '../report/receipt.ts'
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
}

/** The gate behind `verify/action.yml` and `waybill verify …`. @throws only configuration errors. */
export async function runGate(options: GateOptions): Promise<Receipt> {
  const expectation = await expectations(options)
  const subjects = await subjectRequests(options.subjects)
  const deadline = after(LIMITS.gateMs)
  const ports: VerifyPorts = {
    ...(await evidencePorts(options)),
    hashFile: async path => ({ ...(await hashStableFile(path, { first: 0 })), content: () => createReadStream(path) }),
    verifier: await verifiers(options),
    expired: deadline.reached,
    now: new Date(),
    clock: () => performance.now(),
  }
  const request: VerifyRequest = {
    command: options.command,
    subjects,
    unreadable: options.subjects.unreadable,
    expectation,
    ...(options.policy === undefined ? {} : { policy: options.policy.receipt }),
  }
  return verify(request, ports).finally(deadline.forget)
}

/** One expectation for everything with flags, else the first rule that matches. */
async function expectations(options: GateOptions): Promise<(subject: SubjectRequest) => Expectation> {
  const { policy, filesRepository } = options
  if (policy === undefined) {
    const flags = await expectationOfFlags(options)
    return () => flags
  }
  return subject => expectationFor(policy.law.policy, ruleName(subject, filesRepository))
}

/** Rules match repositories. A file has none but the one its bundles are kept in, which the caller names. */
function ruleName(subject: SubjectRequest, filesRepository: string | undefined): string {
  if (subject.kind === 'image') return subject.reference.canonical
  if (filesRepository !== undefined) return parseReference(filesRepository).canonical
  throw fail('verify/file-without-rule', `No rule of a policy can match the file ${subject.name} by itself`, {
    expected: 'files-repository: the registry repository that stands for the files',
    found: 'no files-repository',
  })
}

async function expectationOfFlags(options: GateOptions): Promise<Expectation> {
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
    ...key,
    ...(trustedRootFile === undefined ? {} : { trustedRoot: trustedRootFile }),
  })
}
