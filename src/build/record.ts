import type { JsonObject } from '../core/json.ts'
import type { BuilderName, BuildResult } from './builder.ts'
import type { BuildRequest } from './request.ts'
import { looksLikeSecret } from './secret-detector.ts'

/** Builders that Waybill drove from the exported commit: only they may claim it. 13-adversary 15. */
export function builtFromCommit(builder: BuilderName): boolean {
  return builder === 'buildx' || builder === 'buildah'
}

/**
 * What provenance says about the inputs that shaped the image: names of build arguments always, their values only when
 * listed in `recordValues`. Nothing else that may hold a secret (command lines, environment) is recorded.
 */
export function recordedBuild(
  request: BuildRequest,
  result: Pick<BuildResult, 'builder' | 'conditions'>,
  recordValues: readonly string[],
): JsonObject {
  const { builder, conditions } = result
  if (!builtFromCommit(builder)) return { builder, push: request.push }
  const names = Object.keys(request.buildArgs).sort()
  const values = names.flatMap(name => recordedValue(request, name, recordValues))
  return {
    builder,
    context: request.context,
    ...(request.file === undefined ? {} : { file: request.file }),
    ...(request.target === undefined ? {} : { target: request.target }),
    ...(request.platforms.length === 0 ? {} : { platforms: request.platforms }),
    ...(names.length === 0 ? {} : { buildArgNames: names }),
    ...(values.length === 0 ? {} : { buildArgs: Object.fromEntries(values) }),
    ...(Object.keys(request.labels).length === 0 ? {} : { labels: request.labels }),
    ...(Object.keys(request.annotations).length === 0 ? {} : { annotations: request.annotations }),
    network: request.network,
    push: request.push,
    ...(request.sourceDateEpoch === undefined ? {} : { sourceDateEpoch: request.sourceDateEpoch }),
    ...(conditions === undefined ? {} : { conditions: { ...conditions } }),
  }
}

function recordedValue(
  request: BuildRequest,
  name: string,
  recordValues: readonly string[],
): readonly (readonly [string, string])[] {
  const value = request.buildArgs[name]
  return value !== undefined && recordValues.includes(name) && looksLikeSecret(value) === undefined
    ? [[name, value]]
    : []
}
