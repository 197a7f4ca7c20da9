import type { Builder, BuildResult } from './builder.ts'
import type { BuildRequest } from './request.ts'

/** The same builder with something done around its build; what it does before that stays its own. */
export function wrapped(builder: Builder, build: (request: BuildRequest) => Promise<BuildResult>): Builder {
  return { name: builder.name, prepare: async request => builder.prepare?.(request), build }
}
