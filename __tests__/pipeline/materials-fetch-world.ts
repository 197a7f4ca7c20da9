import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '../../src/core/bytes.ts'
import { addressGuard } from '../../src/io/address.ts'
import { HttpClient } from '../../src/io/http.ts'
import type { MaterialItem } from '../../src/materials/manifest/item.ts'
import { parseManifest } from '../../src/materials/manifest/parse.ts'
import { type FetchPorts, fetchMaterials } from '../../src/pipeline/materials-fetch.ts'
import type { JudgedTree } from '../../src/pipeline/materials-fetch-request.ts'
import type { FetchedMaterial } from '../../src/pipeline/materials-outcome.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { honest, type LyingServer, startLyingServer } from '../materials/fetch/lying-server.ts'
import { POLICY } from '../policy/world.ts'

export const MANIFEST = '.github/waybill.materials.yml'
export const TIMING = { idleMs: 10_000, slowMs: 60_000, slowBytes: 1, pauseMs: 1, totalMs: 600_000 }

export interface Law {
  /** Blocks behind those of the usual policy; absent: it says nothing of materials. */
  readonly blocks?: string
  readonly files?: Readonly<Record<string, string | Uint8Array>>
}

/** A server with materials, a manifest that names them, and a law. */
export class FetchWorld {
  readonly server: LyingServer
  readonly http = new HttpClient()
  readonly folder = mkdtempSync(join(tmpdir(), 'waybill-materials-'))
  /** Files of the judged commit. */
  readonly commit = new Map<string, Uint8Array>()
  /** The judged commit's tree, whose submodules come along. */
  tree: JudgedTree | undefined
  #runs = 0

  private constructor(server: LyingServer) {
    this.server = server
  }

  static async start(): Promise<FetchWorld> {
    return new FetchWorld(await startLyingServer())
  }

  get url(): string {
    return this.server.url
  }

  serve(path: string, bytes: string | Uint8Array): void {
    this.server.paths.set(path, honest(Buffer.from(bytes)))
  }

  /** Paths asked for, each once, in order. */
  get asked(): readonly string[] {
    return [...new Set(this.server.asked.map(({ url }) => url ?? ''))]
  }

  items(yaml: string): readonly MaterialItem[] {
    return parseManifest(utf8(`version: 1\nmaterials:\n${yaml}`), MANIFEST)
  }

  async fetch(
    items: string | readonly MaterialItem[],
    law: Law = {},
    ports: Partial<FetchPorts> = {},
  ): Promise<readonly FetchedMaterial[]> {
    const files = new Map(Object.entries(law.files ?? {}).map(([path, bytes]) => [path, Buffer.from(bytes)]))
    const policy = parsePolicy(utf8(`${POLICY}${law.blocks ?? ''}`), '.github/waybill.yml', path => files.get(path))
    const request = {
      items: typeof items === 'string' ? this.items(items) : items,
      manifest: MANIFEST,
      policy,
      policyFiles: files,
      commitFile: async (path: string) => this.commit.get(path),
      folder: join(this.folder, `run-${this.#runs++}`),
      ...(this.tree === undefined ? {} : { tree: this.tree }),
    }
    return fetchMaterials(request, { ...this.ports(), ...ports })
  }

  /** As `fetch`, of one item. */
  async one(items: string | readonly MaterialItem[], law: Law = {}, ports: Partial<FetchPorts> = {}): Promise<Shown> {
    const [material] = await this.fetch(items, law, ports)
    if (material === undefined) throw new Error('nothing was fetched')
    const { judged, path } = material
    const { verdict, findings, proof, digest } = judged
    return {
      verdict,
      codes: findings.map(({ code }) => code),
      found: findings[0]?.found,
      ...(proof?.kind === 'signature' ? { keys: proof.keys, by: proof.by } : {}),
      ...(proof === undefined ? {} : { proof: proof.kind }),
      digest,
      path,
    }
  }

  ports(): FetchPorts {
    return {
      http: this.http,
      guard: () => addressGuard({ private: true, pin: true }),
      trustRoot: () => Promise.reject(new Error('no trust root in this test')),
      timing: TIMING,
      now: new Date(),
    }
  }

  /** What is left in the folders of all runs, and was not given a name. */
  get leftOver(): readonly string[] {
    const parts = readdirSync(this.folder)
      .filter(name => name.startsWith('run-'))
      .map(name => join(this.folder, name, 'parts'))
    return parts.flatMap(folder => {
      try {
        return readdirSync(folder)
      } catch {
        return []
      }
    })
  }

  async close(): Promise<void> {
    this.http.close()
    await this.server.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export interface Shown {
  readonly verdict: string
  readonly codes: readonly string[]
  readonly found: string | undefined
  readonly proof?: string
  readonly keys?: string
  readonly by?: string
  readonly digest: Readonly<Record<string, string>>
  readonly path: string | undefined
}

export function sha256Of(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A minisign key of which every seed gives another, and what it signs. */
export function minisigner(seed: number) {
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]),
    format: 'der',
    type: 'pkcs8',
  })
  const id = Buffer.alloc(8, seed)
  const point = Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url')
  return {
    publicKey: `untrusted comment: a key\n${Buffer.concat([Buffer.from('Ed'), id, point]).toString('base64')}\n`,
    sign: (bytes: string | Uint8Array) => {
      const raw = sign(null, createHash('blake2b512').update(bytes).digest(), key)
      const global = sign(null, Buffer.concat([raw, Buffer.from('at noon')]), key).toString('base64')
      const first = Buffer.concat([Buffer.from('ED'), id, raw]).toString('base64')
      return `untrusted comment: a signature\n${first}\ntrusted comment: at noon\n${global}\n`
    },
  }
}
