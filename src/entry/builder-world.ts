import { join } from 'node:path'
import type { Builder, BuildWorld, Login } from '../build/builder.ts'
import { detectBuilder, openBuilder } from '../build/detect.ts'
import { LayoutBuilder } from '../build/layout.ts'
import { NoneBuilder } from '../build/none.ts'
import { RegistryLayouts } from '../build/registry-layouts.ts'
import { fail } from '../core/error.ts'
import type { WorkflowLog } from '../github/commands.ts'
import { makeFolder } from '../io/files.ts'
import type { AttestRequest } from '../pipeline/attest-request.ts'
import type { RegistryClient } from '../registry/client.ts'
import type { AttestWorld } from './attest-world.ts'
import { inWorkspace } from './workspace.ts'

/** The program that builds, as the inputs and this machine have it. @throws `build/…` */
export async function builderOf(
  world: AttestWorld,
  registry: RegistryClient,
  logins: readonly Login[],
): Promise<Builder> {
  const { env, inputs, context, log, folder } = world
  const layouts = new RegistryLayouts(registry)
  if (inputs.builder === 'none' && inputs.digest !== undefined) return new NoneBuilder(inputs.digest)
  if (inputs.builder === 'layout') return new LayoutBuilder(inWorkspace(context, inputs.layout ?? ''), layouts)
  if (inputs.builder === 'none') throw fail('core/internal', 'builder none without a digest')
  const host = await detectBuilder(inputs.builder, env)
  await makeFolder(join(folder, 'build'))
  const buildWorld: BuildWorld = {
    env,
    folder: join(folder, 'build'),
    output: guardedSink(log),
    layouts,
    logins,
    insecureRegistries: [...inputs.insecureRegistries, ...loopbackHosts(world.request)],
  }
  return closing(openBuilder(host, buildWorld, secretsOf(world)), log)
}

/** A section of the log in which a child can command nothing, open as long as the build runs (5-build § 1). */
function guardedSink(log: WorkflowLog): BuildWorld['output'] {
  return { write: chunk => log.guard().write(chunk) }
}

function closing(builder: Builder, log: WorkflowLog): Builder {
  return {
    name: builder.name,
    prepare: async request => builder.prepare?.(request),
    build: request => builder.build(request).finally(() => log.guard().close()),
  }
}

function secretsOf({ env, inputs, logins = [] }: AttestWorld): readonly string[] {
  const tokens = [inputs.githubToken, env.ACTIONS_ID_TOKEN_REQUEST_TOKEN, env.ACTIONS_RUNTIME_TOKEN]
  return [...tokens, ...logins.map(({ password }) => password)].filter(
    (secret): secret is string => secret !== undefined && secret !== '',
  )
}

/** Registries on this machine have no TLS; the client accepts them by the same rule. */
function loopbackHosts(request: AttestRequest): readonly string[] {
  const hosts = request.repositories.map(repository => repository.host)
  return hosts.filter(host => /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$/.test(host))
}
