import type { ErrorKind } from '../core/error.ts'
import type { Receipt } from '../report/receipt.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { verifyMaterials } from './materials-stage.ts'
import { NOT_VERIFIED } from './materials-unchecked.ts'
import type { Ready } from './preflight.ts'
import { RunRecord } from './run.ts'
import { beginSource } from './source-commits.ts'
import { verifySource } from './source-stage.ts'
import { StageLog } from './stages.ts'

const NOT_BUILT = 'The image: nothing was built here, and nothing that another run built was looked at.'

/** The workflow of the pull request says what it builds, and whoever opened it may change that, too. */
const ONE_DOCKERFILE =
  'Any other Dockerfile than the one at the root of the commit: whatever a workflow builds from another was not read here.'

/** Nobody's identity, and nothing that builds. */
const NOTHING: Ready = {
  builder: { name: 'none', build: () => Promise.reject(new TypeError('what is checked again is never built')) },
  files: [],
}

/**
 * Checks a proposal's commits and what its Dockerfile names once more, by the law accepted at its base (13-adversary 36). It
 * reads objects of git and executes nothing of them. Never throws: the receipt tells what was reached.
 */
export async function recheck(
  request: AttestRequest,
  ports: AttestPorts,
): Promise<{ receipt: Receipt; error: ErrorKind | undefined }> {
  const record = new RunRecord(new StageLog(ports))
  try {
    const source = await verifySource(request, ports, beginSource(request, ports, record), NOTHING, record)
    await verifyMaterials(request, ports, source, record)
  } catch (error) {
    record.fail(error)
    if (record.materials === undefined && !record.notChecked.includes(NOT_VERIFIED))
      record.notChecked.push(NOT_VERIFIED)
  } finally {
    await record.end()
  }
  record.notChecked.push(ONE_DOCKERFILE, NOT_BUILT)
  const receipt = record.receipt('comment')
  const stages = receipt.stages.filter(({ name }) => name === 'source' || name === 'materials')
  return { receipt: { ...receipt, stages }, error: record.error?.kind }
}
