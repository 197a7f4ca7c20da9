import type { Instruction } from './instructions.ts'
import { readLines } from './lines.ts'
import { malformed } from './malformed.ts'

/** What the config of a base image says that changes a build on it. */
export interface BaseConfig {
  readonly environment: ReadonlyMap<string, string>
  /** ONBUILD of the base image: they run first in each stage that begins with it. */
  readonly triggers: readonly Instruction[]
}

/**
 * @param config `config` of an image's configuration: `Env` (`NAME=value`) and `OnBuild` (instructions). image-spec § Config
 * @throws `materials/dockerfile-malformed` for a trigger that is not one instruction.
 */
export function readBase(config: {
  readonly Env?: readonly string[]
  readonly OnBuild?: readonly string[]
}): BaseConfig {
  const environment = (config.Env ?? []).map((text): [string, string] => {
    const at = text.indexOf('=')
    return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
  })
  return { environment: new Map(environment), triggers: (config.OnBuild ?? []).map(readTrigger) }
}

/** Read by itself, with the escape character that every file has at first. */
function readTrigger(text: string): Instruction {
  const [trigger, second] = readLines(text.replace(/^\ufeff/, ''), '\\')
  if (trigger === undefined || second !== undefined || ['FROM', 'ONBUILD', 'MAINTAINER'].includes(trigger.keyword))
    throw malformed('stands on an image whose ONBUILD cannot be read', 'one instruction', text)
  return trigger
}
