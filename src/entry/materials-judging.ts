import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { maybe } from '../core/maybe.ts'
import { hashFileWith, makeTemporaryFolder, remove } from '../io/files.ts'
import { HttpClient } from '../io/http.ts'
import type { LockPorts } from '../pipeline/materials-command-lock-images.ts'
import type { CheckoutContent, JudgedFiles } from '../pipeline/materials-command-request.ts'
import { loadCredentials } from '../registry/credentials.ts'
import { withCheckout } from './checkout-tree.ts'
import type { CommandLine, Desk } from './commands/command.ts'
import { clientsOf } from './gate-evidence.ts'
import { materialsFiles, noPolicy, workingFile } from './materials-files.ts'
import { MATERIALS_OPTIONS, type MaterialsLine, type MaterialsWish, readMaterialsWish } from './materials-options.ts'
import { type MaterialsHome, materialsPorts } from './materials-world.ts'
import { platformAddress, serverAddress } from './platform-api.ts'
import { cacheOf } from './tuf-cache.ts'

/** What the commands that ask others are told besides. */
export interface JudgingWish extends MaterialsWish {
  readonly insecureRegistries: readonly string[]
}

export const JUDGING_OPTIONS = {
  ...MATERIALS_OPTIONS,
  'insecure-registry': { type: 'string', multiple: true },
} as const

export const JUDGING_USAGE = `How registries are asked:
  --insecure-registry HOST[:PORT]     a registry without TLS (may be repeated)
`

export type JudgingLine = CommandLine<typeof JUDGING_OPTIONS & { json: { type: 'boolean' } }>

/** Pure. @throws `entry/usage` */
export function readJudgingWish(line: JudgingLine, words: string): JudgingWish {
  const { 'insecure-registry': insecureRegistries = [], ...values } = line.values
  return { ...readMaterialsWish({ ...line, values } as MaterialsLine, words), insecureRegistries }
}

/**
 * Does something with the files of a checkout that needs registries and servers; what was fetched is removed afterwards.
 * @throws `policy/no-expectation` where there is no policy, and what reading the files throws.
 */
export async function withMaterials<T>(
  wish: JudgingWish,
  { world, env }: Desk,
  work: (files: JudgedFiles, ports: LockPorts) => Promise<T>,
): Promise<T> {
  const files = await materialsFiles(wish, world.workingFolder)
  if (files.policy === undefined) throw noPolicy()
  const { insecureRegistries } = wish
  const http = new HttpClient({ plainHttpHosts: insecureRegistries })
  const folder = await makeTemporaryFolder(resolve(world.workingFolder, env.TMPDIR || tmpdir()), 'waybill-materials-')
  try {
    const { apiUrl, graphqlUrl, token } = platformAddress(env)
    const home: MaterialsHome = {
      http,
      env,
      folder,
      inputs: { insecureRegistries, ...maybe('githubToken', token) },
      context: { apiUrl, graphqlUrl, serverUrl: serverAddress(env), temporary: cacheOf(env, folder) },
    }
    const credentials = await loadCredentials(env, env.HOME)
    const clientFor = clientsOf({ http, credentials, insecureRegistries })
    const { images, bring } = materialsPorts(home, credentials)
    const judged = { ...files, policy: files.policy }
    const ask = (content: CheckoutContent | undefined) =>
      work(content === undefined ? judged : { ...judged, content }, {
        images,
        bring,
        file: async path => workingFile(world.workingFolder, path),
        folder: () => makeTemporaryFolder(folder, 'fetched-'),
        clock: () => performance.now(),
        resolve: async (reference, terms) => (await clientFor('judged', terms).resolve(reference)).descriptor.digest,
        hash: hashFileWith,
      })
    return await withCheckout(world.workingFolder, env, ask)
  } finally {
    http.close()
    await remove(folder)
  }
}
