import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { BuildWorld, ImageDescriptor, LayoutPort } from '../../src/build/builder.ts'
import type { BuildRequest } from '../../src/build/request.ts'
import { type Digest, parseDigest } from '../../src/core/digest.ts'
import { WaybillError } from '../../src/core/error.ts'

export const DIGEST = parseDigest(`sha256:${'a'.repeat(64)}`)
export const OTHER = parseDigest(`sha256:${'b'.repeat(64)}`)

/** The error that `work` ends with; a test that expects a failure must not pass without one. */
export async function errorOf(work: Promise<unknown> | (() => unknown)): Promise<WaybillError> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (error instanceof WaybillError) return error
    throw error
  }
  throw new Error('expected an error, got none')
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'waybill-build-'))
}

/** Writes files below a fresh folder: the exported tree of a commit. */
export function tree(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

export function request(over: Partial<BuildRequest> = {}): BuildRequest {
  return {
    commitFolder: over.commitFolder ?? tree({ Dockerfile: 'FROM scratch\n' }),
    context: '.',
    platforms: [],
    buildArgs: {},
    labels: {},
    annotations: {},
    network: 'default',
    images: ['ghcr.io/acme/app'],
    push: true,
    ...over,
  }
}

/** A layout port that remembers what it was asked; its answers are settable, also to disagree. */
export class FakeLayouts implements LayoutPort {
  readonly calls: string[] = []
  readDigest: Digest = DIGEST
  pushDigest: Digest = DIGEST

  async read(layout: string): Promise<ImageDescriptor> {
    this.calls.push(`read ${layout}`)
    return { digest: this.readDigest, mediaType: 'application/vnd.oci.image.index.v1+json' }
  }

  async push(repository: string, layout: string): Promise<ImageDescriptor> {
    this.calls.push(`push ${repository} ${layout}`)
    return { digest: this.pushDigest, mediaType: 'application/vnd.oci.image.index.v1+json' }
  }
}

export interface TestWorld extends BuildWorld {
  readonly layouts: FakeLayouts
  readonly printed: () => string
}

export function world(over: Partial<BuildWorld> = {}): TestWorld {
  const chunks: Uint8Array[] = []
  const layouts = new FakeLayouts()
  return {
    env: { PATH: process.env.PATH, HOME: temporaryFolder() },
    folder: temporaryFolder(),
    output: { write: chunk => chunks.push(chunk) },
    logins: [],
    insecureRegistries: [],
    ...over,
    layouts,
    printed: () => Buffer.concat(chunks).toString('utf8'),
  }
}

/** Writes an executable Node script; `body` sees `argv` (without node and script) and `env`. */
export function script(folder: string, name: string, body: string): string {
  const path = join(folder, name)
  writeFileSync(
    path,
    `#!${process.execPath}\nconst fs = require('node:fs')\nconst argv = process.argv.slice(2)\nconst env = process.env\n${body}\n`,
  )
  chmodSync(path, 0o755)
  return path
}
