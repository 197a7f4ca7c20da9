import { planText } from '../build/plan.ts'
import { Inputs } from '../github/inputs.ts'
import type { AttestRequest } from '../pipeline/attest-request.ts'
import { type Prepared, prepare } from '../pipeline/prepare.ts'
import { runAttestDoor } from './attest.ts'
import { IN_A_WORKFLOW, loginsOf, untoldRun } from './workflow-doors.ts'
import { type Leg, labelOf, legsOf, readLogins, rootEnvironment } from './workflow-inputs.ts'
import { PREPARE_INPUTS } from './workflow-table.ts'

const OWN = ['platforms', 'runners', 'self-hosted', 'workflow-ref', 'registry-password']
const ONLY_CHECKED =
  'Nothing is built or signed by this job: it judges the commit and what goes in, for the jobs behind it.'

/** `prepare/action.yml`: judges commit and materials, builds nothing, and says what is built where. */
export function runPrepare(): Promise<void> {
  return runAttestDoor(env => {
    const inputs = new Inputs(env, PREPARE_INPUTS)
    const legs = legsOf(inputs)
    const given = readLogins(inputs)
    const selfHosted = inputs.flag('self-hosted') ?? false
    const platforms = legs.map(({ platform }) => platform).join('\n')
    let wish: AttestRequest | undefined
    let prepared: Prepared | undefined
    return {
      env: rootEnvironment(env, PREPARE_INPUTS, OWN, { ...IN_A_WORKFLOW, platforms, upload: 'false' }),
      logins: (request, context) => loginsOf(given, request, context),
      shape: (request, context) => {
        wish = request
        return { ...checkedOnly(request), ...untoldRun(context, inputs.text('workflow-ref')) }
      },
      ownBuilder: () => ({
        name: 'buildx',
        build: () => Promise.reject(new TypeError('the door prepare builds nothing')),
      }),
      run: async (request, ports) => {
        const ran = await prepare(request, ports)
        prepared = ran.prepared
        return ran
      },
      outputs: ({ stages }) => {
        const stateOf = (name: string): string => stages.find(stage => stage.name === name)?.state ?? 'not-reached'
        const verdicts = { 'source-verdict': stateOf('source'), 'materials-verdict': stateOf('materials') }
        return wish === undefined || prepared === undefined
          ? verdicts
          : { ...verdicts, ...planOutputs(wish, prepared, legs, selfHosted) }
      },
    }
  })
}

function checkedOnly({ sbom: _unsigned, ...request }: AttestRequest): AttestRequest {
  return {
    ...request,
    push: false,
    sign: false,
    tags: [],
    build: { ...request.build, push: false },
    unsignedBecause: ONLY_CHECKED,
  }
}

function planOutputs(
  { push, sign, source, build, run }: AttestRequest,
  prepared: Prepared,
  legs: readonly Leg[],
  selfHosted: boolean,
): Readonly<Record<string, string>> {
  const [first = '', ...more] = build.images
  const plan = planText({
    ...prepared,
    ref: source.ref,
    run: run?.id ?? '',
    images: [first, ...more],
    push,
    sign,
    selfHosted,
    runners: Object.fromEntries(legs.map(({ platform, runner }) => [platform, labelOf(runner)])),
  })
  return { plan, matrix: JSON.stringify(legs), push: String(push), sign: String(sign) }
}
