import { join } from 'node:path'
import { refuseCaches } from '../build/buildah.ts'
import type { Builder, BuildWorld, Login } from '../build/builder.ts'
import { CommandBuilder, type CommandOrder } from '../build/command.ts'
import { detectBuilder, openBuilder } from '../build/detect.ts'
import { LayoutBuilder } from '../build/layout.ts'
import { NoneBuilder } from '../build/none.ts'
import { RegistryImages } from '../build/registry-images.ts'
import { RegistryLayouts } from '../build/registry-layouts.ts'
import { isOnThisMachine } from '../build/this-machine.ts'
import { wrapped } from '../build/wrapped.ts'
import { fail } from '../core/error.ts'
import type { WorkflowLog } from '../github/commands.ts'
import { makeFolder } from '../io/files.ts'
import type { AttestRequest } from '../pipeline/attest-request.ts'
import type { RegistryClient } from '../registry/client.ts'
import type { AttestWorld } from './attest-world.ts'
import { openBuildSecrets } from './build-secrets.ts'
import { knownSecrets } from './known-secrets.ts'
import { inWorkspace } from './workspace.ts'

/** The program that builds, as the inputs and this machine have it. @param name of its folder, below the run's own. @throws `build/…` */
export async function builderOf(
  world: AttestWorld,
  registry: RegistryClient,
  logins: readonly Login[],
  name: 'build' | 'build-again',
): Promise<Builder> {
  const { env, inputs, context, log, folder } = world
  const layouts = new RegistryLayouts(registry)
  if (inputs.builder === 'none' && inputs.digest !== undefined) return new NoneBuilder(inputs.digest)
  if (inputs.builder === 'layout') return new LayoutBuilder(inWorkspace(context, inputs.layout ?? ''), layouts)
  if (inputs.builder === 'none') throw fail('core/internal', 'builder none without a digest')
  await makeFolder(join(folder, name))
  const buildWorld: BuildWorld = {
    env,
    folder: join(folder, name),
    output: guardedSink(log),
    layouts,
    logins,
    insecureRegistries: [...inputs.insecureRegistries, ...loopbackHosts(world.request)],
  }
  if (inputs.builder === 'command')
    return closing(new CommandBuilder(orderOf(world), buildWorld, new RegistryImages(registry)), log)
  const host = await detectBuilder(inputs.builder, env)
  if (host.kind === 'buildah') refuseCaches(world.request.build)
  const secrets = await openBuildSecrets(world)
  const builder = openBuilder(host, buildWorld, [...knownSecrets(world, logins), ...secrets.known])
  return closing(secrets.into(builder), log)
}

/** 13-adversary 16: whether a token could be had is a fact of this machine, whatever the inputs say. */
function orderOf({ env, inputs, request }: AttestWorld): CommandOrder {
  const { command, imageRefs, layout } = inputs
  if (command === undefined) throw fail('core/internal', 'builder command without a command')
  const path = imageRefs ?? layout ?? ''
  const keyless = request.sign && request.keyed === undefined
  const token = env.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? ''
  return {
    argv: command,
    writes: { kind: imageRefs === undefined ? 'layout' : 'image-refs', path },
    ...(keyless || token !== '' ? { isolation: 'none' } : {}),
  }
}

/** A section of the log in which a child can command nothing, open as long as the build runs (5-build § 1). */
function guardedSink(log: WorkflowLog): BuildWorld['output'] {
  return { write: chunk => log.guard().write(chunk) }
}

function closing(builder: Builder, log: WorkflowLog): Builder {
  return wrapped(builder, request => builder.build(request).finally(() => log.guard().close()))
}

/** Registries on this machine have no TLS; the client accepts them by the same rule. */
function loopbackHosts(request: AttestRequest): readonly string[] {
  return request.repositories.map(repository => repository.host).filter(isOnThisMachine)
}
