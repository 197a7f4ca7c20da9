import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import { type Outcome, worst } from '../core/verdict.ts'
import type { Expectation } from '../policy/gate.ts'
import type { Requirement } from '../policy/policy.ts'
import type { Receipt, StageReceipt, SubjectReceipt } from '../report/receipt.ts'
import { inTime } from './in-time.ts'
import { errorReceipt } from './run.ts'
import { failedReceipt, nameOf, planSubjects, unreadableReceipt } from './verify-plan.ts'
import type { SubjectRequest, VerifyPorts, VerifyRequest } from './verify-request.ts'
import { GateRun, verifyFile, verifyImage } from './verify-subject.ts'

/** Subjects judged at the same time: enough to hide latency, few enough to bound memory. */
const PARALLEL_SUBJECTS = 16

/**
 * The gate: judges every subject on its own, each once; one that fails never hides another (7-verify-deploy § 1).
 * @throws only `configuration` errors: what was asked could not be understood, so nothing was judged.
 */
export async function verify(request: VerifyRequest, ports: VerifyPorts): Promise<Receipt> {
  const started = ports.clock()
  const plan = planSubjects(request)
  if (plan.length > LIMITS.gateSubjects) throw tooMany(plan.length)
  const run = beginRun(request, ports, plan.length)
  const judged = await inParallel(plan, PARALLEL_SUBJECTS, run.judge)
  const subjects = [...judged, ...request.unreadable.map(unreadableReceipt)]
  const verdict = verdictOf(subjects)
  const stage: StageReceipt = { name: 'judge', state: verdict, ms: Math.round(ports.clock() - started) }
  const nothing = subjects.some(subject => subject.verdict !== 'not-asked')
    ? {}
    : { error: errorReceipt(fail('verify/no-subjects', 'There was nothing to judge')) }
  return {
    schemaVersion: 1,
    command: request.command,
    verdict,
    subjects,
    stages: [stage],
    attestations: [],
    ...(request.policy === undefined ? {} : { policy: request.policy }),
    notChecked: notChecked(run.asked),
    notices: request.notices ?? [],
    ...nothing,
  }
}

/** Nothing judged is never "passed". */
function verdictOf(subjects: readonly SubjectReceipt[]): Outcome {
  const [first, ...rest] = subjects.flatMap(({ verdict }) => (verdict === 'not-asked' ? [] : [verdict]))
  return first === undefined ? 'unknown' : worst([first, ...rest])
}

interface Run {
  /** What was expected of each subject that a rule was found for. */
  readonly asked: Expectation[]
  judge(subject: SubjectRequest): Promise<SubjectReceipt>
}

function beginRun(request: VerifyRequest, ports: VerifyPorts, total: number): Run {
  const asked: Expectation[] = []
  const run = new GateRun(ports)
  let done = 0
  const judgeOne = async (subject: SubjectRequest): Promise<SubjectReceipt> => {
    // 13-adversary 39: a host that no rule names is never connected to.
    const expectation = expected(request, subject)
    asked.push(expectation)
    const work = () =>
      subject.kind === 'file' ? verifyFile(subject, expectation, run) : verifyImage(subject, expectation, run)
    return inTime(ports.expired, work, () =>
      fail('verify/out-of-time', 'The time of the run was over before this was judged', {
        found: `${done} of ${total} were judged by then`,
      }),
    )
  }
  const judge = async (subject: SubjectRequest): Promise<SubjectReceipt> => {
    const places = subject.kind === 'image' && subject.places.length > 0 ? { places: subject.places } : {}
    const receipt = await judgeOne(subject).catch(error => {
      const known = asWaybillError(error)
      if (known.kind === 'configuration') throw known
      return failedReceipt(nameOf(subject), known)
    })
    done++
    return { ...receipt, ...places }
  }
  return { asked, judge }
}

/** What may be no image at all is unknown without a rule, not rejected; nothing is asked of a server either way. */
function expected(request: VerifyRequest, subject: SubjectRequest): Expectation {
  try {
    return request.expectation(subject)
  } catch (error) {
    const known = asWaybillError(error)
    if (known.code !== 'policy/no-rule' || subject.kind === 'file' || subject.certain) throw known
    const facts = { found: nameOf(subject), remedy: known.remedy, cause: known }
    throw fail('verify/unexamined-image', `${nameOf(subject)} may be an image, and no rule matches it`, facts)
  }
}

function tooMany(found: number): WaybillError {
  return fail('verify/too-many-subjects', `${found} subjects are more than one run judges`, {
    expected: `at most ${LIMITS.gateSubjects}`,
    found: String(found),
  })
}

/** A requirement that stands in no rule was not judged, and nobody must think that it was. */
function notChecked(asked: readonly Expectation[]): readonly string[] {
  const left = (what: string, because: string, ...items: readonly Requirement[]): readonly string[] => {
    const of = asked.filter(({ require }) => items.some(item => require.includes(item))).length
    if (of > 0 && of === asked.length) return []
    return [`${what}: ${because}${of === 0 ? '' : ' of every subject'}.`]
  }
  return [
    ...left('How it was made, and from what', 'no provenance is required', 'provenance'),
    ...left('Who wrote the commits', 'nothing is required of the source', ...SOURCE),
    ...left('Who reviewed the commits', 'no review is required', 'source-reviewed'),
    ...left('The base images, and whatever else a build downloads', 'nothing is required', ...MATERIALS),
  ]
}

const SOURCE = ['source-signed', 'source-accepted', 'source-reviewed'] as const
const MATERIALS = ['materials-verified', 'materials-pinned', 'closed-world'] as const
