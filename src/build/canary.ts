import { join } from 'node:path'
import { decodeUtf8, utf8 } from '../core/bytes.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { makeFolder, writeFileAtomic } from '../io/files.ts'
import { type ProcessResult, run } from '../io/process.ts'
import { deniedSource, lastError } from './buildkit-refusal.ts'

/** Nobody's: RFC 2606 § 2 keeps `.invalid` from ever being a name. */
const HOST = 'waybill-canary.invalid'
const SOURCE = `http://${HOST}/`

export interface CanaryRequest {
  /** Absolute path of `docker`. */
  readonly docker: string
  /** Exactly the environment of the build that follows, source policy included. */
  readonly env: Readonly<Record<string, string>>
  /** The run's own; a folder is made in it. */
  readonly folder: string
  /** One build each: every node of a builder must refuse. Empty: one for the builder's own platform. */
  readonly platforms: readonly string[]
}

/**
 * A builder, a buildx or a wrapper that does not know the source policy ignores it silently. So the same call is made with
 * something undeclared first: it must be refused, and because of the policy. A network error means that it was tried.
 * The policy is asked before anything is fetched, so it needs no network and leaves nothing behind (13-adversary 19).
 * @throws `materials/policy-not-enforced`
 */
export async function proveEnforced(request: CanaryRequest): Promise<void> {
  const folder = join(request.folder, 'canary')
  await makeFolder(folder)
  await writeFileAtomic(join(folder, 'Dockerfile'), utf8(`FROM scratch\nADD ${SOURCE} /canary\n`))
  const platforms = request.platforms.length === 0 ? [undefined] : request.platforms
  for (const platform of platforms) judgeCanary(await build(request, folder, platform))
}

async function build(request: CanaryRequest, folder: string, platform: string | undefined): Promise<ProcessResult> {
  const args = [
    'buildx',
    'build',
    '--progress=plain',
    '--provenance=false',
    '--output=type=cacheonly',
    ...(platform === undefined ? [] : [`--platform=${platform}`]),
    `--file=${join(folder, 'Dockerfile')}`,
    '--',
    folder,
  ]
  const { docker: file, env } = request
  return run({ file, args, env, cwd: folder, timeoutMs: LIMITS.canaryMs }).catch((error: unknown) => {
    throw unclear(asWaybillError(error).message, error)
  })
}

/** @throws `materials/policy-not-enforced`: rejected when the builder let it pass, unknown when it ended for another reason. */
export function judgeCanary({ code, stdout, stderr }: ProcessResult): void {
  const output = `${decodeUtf8(stdout) ?? ''}\n${decodeUtf8(stderr) ?? ''}`
  if (code === 0) throw ignored('a build that ended well')
  if (deniedSource(output) === SOURCE) return
  const last = printable(lastError(output) || output.trim().slice(-500), 500)
  throw last.includes(HOST) ? ignored(last) : unclear(last)
}

const EXPECTED = `${SOURCE} refused by the source policy`

function ignored(found: string): Error {
  return fail('materials/policy-not-enforced', 'The builder does not enforce the policy that it was given', {
    expected: EXPECTED,
    found,
  })
}

function unclear(found: string, cause?: unknown): Error {
  return fail('materials/policy-not-enforced', 'Nobody can say whether the builder enforces the policy', {
    kind: 'unknown',
    expected: EXPECTED,
    found,
    ...(cause === undefined ? {} : { cause }),
  })
}
