import type { BakeTarget } from '../build/bake-print.ts'
import { readContexts } from '../build/named-contexts.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { fileAt } from './commit-files.ts'
import type { RunRecord } from './run.ts'
import type { SourceOutcome } from './source-stage.ts'

/**
 * What is built, where a bake file of the verified commit says it: from here on as if the inputs had. Materials are judged by it, so
 * it is known before them.
 * @throws `build/bake-unusable`, `build/bake-refused`, `build/context-refused`, `build/path-escapes`
 */
export async function bakedRequest(
  request: AttestRequest,
  ports: Pick<AttestPorts, 'bake'>,
  { history, commit }: Pick<SourceOutcome, 'history' | 'commit'>,
  record: Pick<RunRecord, 'notices'>,
): Promise<AttestRequest> {
  const { bake } = request
  if (bake === undefined) return request
  if (ports.bake === undefined) throw fail('core/internal', 'A bake file that nobody evaluates')
  await history.fetchTree(commit.id)
  const bytes = await fileAt(history, commit.tree, bake.file, LIMITS.bakeBytes)
  if (bytes === undefined)
    throw fail('build/bake-unusable', `The commit has no file ${printable(bake.file)}`, {
      expected: 'a bake file that is a regular file of the commit, and no link',
      found: 'none',
    })
  const variables = {
    // Not SOURCE_DATE_EPOCH: of this one buildx makes a build argument that nobody wrote.
    WAYBILL_EPOCH: String(commit.committer.time),
    WAYBILL_COMMIT: commit.id,
    WAYBILL_IMAGE: request.build.images[0] ?? '',
  }
  const target = await ports.bake({ ...bake, bytes, variables })
  const [first, ...more] = target.unused
  if (first !== undefined)
    record.notices.push(
      `Of the bake file's target these are not used, inputs of the step say them: ${[first, ...more].join(', ')}.`,
    )
  return { ...request, build: buildOf(request.build, target) }
}

type Build = AttestRequest['build']

/** Arguments, labels and annotations of the inputs are added, and win. */
function buildOf(build: Build, target: BakeTarget): Build {
  checkGiven(build, target)
  const contexts = readContexts(target.contexts)
  const { context, file, platforms, network, noCache } = target
  return {
    ...build,
    context,
    file,
    ...(target.target === undefined ? {} : { target: target.target }),
    platforms,
    network,
    buildArgs: { ...target.buildArgs, ...build.buildArgs },
    labels: { ...target.labels, ...build.labels },
    annotations: { ...target.annotations, ...build.annotations },
    ...(noCache ? { noCache } : {}),
    ...(contexts.size === 0 ? {} : { contexts }),
  }
}

/** A commit names secrets; only the workflow gives them. */
function checkGiven({ secrets = [] }: Build, target: BakeTarget): void {
  const missing = target.secrets.find(id => !secrets.some(secret => secret.id === id))
  if (missing === undefined) return
  throw fail('build/bake-refused', `The target of the bake file names the secret ${printable(missing, 160)}`, {
    expected: 'a secret of the inputs secrets or secret-files with this id',
    found: secrets.map(({ id }) => id).join(', ') || 'none',
    remedy: `Give it as an input, too: secrets: ${printable(missing, 100)}=<value>. Where the target takes it from is not used.`,
  })
}
