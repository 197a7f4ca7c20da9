import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RekorV1, startRekorV1 } from './rekor-v1.ts'
import { type RekorV2, startRekorV2 } from './rekor-v2.ts'
import type { Stack } from './stack.ts'
import { startTimestampAuthority, type TimestampAuthority } from './timestamp.ts'
import { trustedLog, trustedTimestamps } from './trusted-root.ts'

/** What a signing config may say beside or in place of the stack's own. */
export interface ConfigChange {
  readonly rekorTlogUrls?: readonly object[]
  readonly rekorTlogConfig?: object
  readonly tsaUrls?: readonly object[]
  readonly tsaConfig?: object
  readonly caUrls?: readonly object[]
}

export interface MoreServices {
  readonly rekorV1: RekorV1
  readonly rekorV2: RekorV2
  readonly timestamp: TimestampAuthority
  /** The stack's root with these as well, in a file below the stack's folder. */
  readonly trustedRoot: Record<string, unknown>
  readonly trustedRootFile: string
  /** The bytes of a signing config. */
  config(change: ConfigChange): Buffer
  /** Writes one below the stack's folder. @returns its path. */
  configFile(change: ConfigChange): Promise<string>
  close(): Promise<void>
}

/** A second operator's services beside those of a stack: another log of each generation, another timestamp authority. */
export async function startMoreServices(stack: Stack): Promise<MoreServices> {
  const [rekorV1, rekorV2, timestamp] = await Promise.all([startRekorV1(), startRekorV2(), startTimestampAuthority()])
  const { tlogs, timestampAuthorities } = stack.trustedRoot as Record<string, readonly object[]>
  const trustedRoot = {
    ...stack.trustedRoot,
    tlogs: [...(tlogs ?? []), trustedLog(rekorV1), trustedLog(rekorV2)],
    timestampAuthorities: [...(timestampAuthorities ?? []), trustedTimestamps(timestamp)],
  }
  const trustedRootFile = join(stack.folder, 'trusted_root_of_two.json')
  await writeFile(trustedRootFile, JSON.stringify(trustedRoot))
  const config = (change: ConfigChange) => Buffer.from(JSON.stringify({ ...stack.signingConfig, ...change }))
  let written = 0
  return {
    rekorV1,
    rekorV2,
    timestamp,
    trustedRoot,
    trustedRootFile,
    config,
    configFile: async change => {
      const path = join(stack.folder, `signing_config_${++written}.json`)
      await writeFile(path, config(change))
      return path
    },
    close: async () => {
      await Promise.all([rekorV1.close(), rekorV2.close(), timestamp.close()])
    },
  }
}
