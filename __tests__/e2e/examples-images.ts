import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { EmbeddedRegistry } from '../fakes/registry/registry.ts'
import { digestOf } from '../fakes/registry/storage.ts'

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync) ?? ''
const APPLETS = ['sh', 'cat', 'chmod', 'cp', 'mkdir', 'ls']
const OCI = 'application/vnd.oci.image'
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch

/** Programs of the published images that the examples call: they do what the step after them needs to find. */
const PROGRAMS: Readonly<Record<string, string>> = {
  npm: 'ls package.json server.test.js >/dev/null',
  node: ':',
  // go build -trimpath -o FILE .
  go: '[ "$1" = build ] && echo built > "$4"',
  python: '[ "$2" = compileall ] && mkdir __pycache__',
}

/** A small image that a builder can run commands in, under `library/NAME:TAG`, in the place of a published one. */
export function pushStandIn(registry: EmbeddedRegistry, reference: string): void {
  const [, repository = '', tag = ''] = /^docker\.io\/([^:]+):(.+)$/.exec(reference) ?? []
  if (tag === '') throw new Error(`No stand-in for ${reference}`)
  const layer = layerOf(reference)
  const store = registry.storage.open(repository)
  const blob = (mediaType: string, bytes: Buffer) => {
    const digest = digestOf(bytes)
    store.blobs.set(digest, bytes)
    return { mediaType, digest, size: bytes.length }
  }
  const layers = [blob(`${OCI}.layer.v1.tar`, layer)]
  const rootfs = { type: 'layers', diff_ids: [digestOf(layer)] }
  const env = ['PATH=/usr/local/bin:/bin']
  const config = {
    architecture: ARCHITECTURE,
    os: 'linux',
    config: { Env: env },
    rootfs,
    history: [{ created_by: reference }],
  }
  const mediaType = `${OCI}.manifest.v1+json`
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: blob(`${OCI}.config.v1+json`, Buffer.from(JSON.stringify(config))),
    layers,
  }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const digest = digestOf(bytes)
  store.manifests.set(digest, { mediaType, bytes, digest })
  store.tags.set(tag, digest)
}

function layerOf(reference: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-stand-in-'))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  for (const path of ['bin', 'tmp', 'usr/share/nginx/html']) mkdirSync(join(folder, path), { recursive: true })
  copyFileSync(BUSYBOX, join(folder, 'bin/busybox'))
  chmodSync(join(folder, 'bin/busybox'), 0o755)
  for (const applet of APPLETS) symlinkSync('busybox', join(folder, 'bin', applet))
  for (const [name, script] of Object.entries(PROGRAMS)) {
    write(`usr/local/bin/${name}`, `#!/bin/sh\n${script}\n`)
    chmodSync(join(folder, 'usr/local/bin', name), 0o755)
  }
  write('etc/stands-for', `${reference}\n`)
  try {
    return execFileSync('tar', ['--owner=0', '--group=0', '-cf', '-', '-C', folder, '.'], { maxBuffer: 1 << 26 })
  } finally {
    rmSync(folder, { recursive: true })
  }
}
