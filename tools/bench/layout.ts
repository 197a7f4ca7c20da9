import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { bundle } from './bundle.ts'
import { runProgram } from './program.ts'
import { median, type Row, ratio, seconds } from './table.ts'

const LAYERS = 40
const LAYER_BYTES = 100 * 1024 * 1024
const ROUNDS = 3
const CRANE = '0.21.9'
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** A layout of 4 GB on disk to a registry on loopback, a new one each time, against `crane push`. */
export async function benchLayout(root: string): Promise<readonly Row[]> {
  const crane = findCrane()
  const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-layout-'))
  try {
    const layout = join(folder, 'layout')
    await writeLayout(layout)
    const ours: number[] = []
    const theirs: number[] = []
    let memory = 0
    const script = await bundle(root, 'push-layout')
    const env = { PATH: process.env.PATH ?? '', HOME: folder }
    for (let round = 0; round < ROUNDS; round++) {
      await withRegistry(crane, join(folder, 'registry'), async host => {
        const { ms, log } = await succeed(process.execPath, [script, layout, host, 'acme/app'], env)
        ours.push(ms)
        memory = Math.max(memory, Number(log.trim().split('\n').at(-1)))
      })
      await withRegistry(crane, join(folder, 'registry'), async host => {
        theirs.push((await succeed(crane, ['push', layout, `${host}/acme/app:v1`], env)).ms)
      })
    }
    const [our, their] = [median(ours), median(theirs)]
    return [
      {
        case: 'hash and push a layout of 4 GB in 40 layers',
        waybill: seconds(our),
        peer: `${seconds(their)} (crane push)`,
        ratio: `${ratio(our, their)} (goal ≤ 1.1)`,
      },
      { case: 'the same: most memory (goal ≤ 150 MB)', waybill: `${(memory / 1_000_000).toFixed(0)} MB` },
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @throws when it is missing: a missing peer is never skipped. */
function findCrane(): string {
  const peers = process.env.WAYBILL_PEERS ?? join(homedir(), '.cache', 'waybill', 'peers')
  const file = join(peers, `crane-${CRANE}`, 'crane')
  if (!existsSync(file)) throw new Error(`The peer crane ${CRANE} is missing: put it at ${file}`)
  return file
}

async function succeed(file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const ended = await runProgram(file, args, env)
  if (ended.code !== 0) throw new Error(`${file} ended with ${ended.code}:\n${ended.log}`)
  return ended
}

/** The registry of go-containerregistry with its blobs on disk; gone afterwards with all it held. */
async function withRegistry(crane: string, disk: string, work: (host: string) => Promise<void>): Promise<void> {
  await mkdir(disk)
  const child = spawn(crane, ['registry', 'serve', '--address', '127.0.0.1:0', '--disk', disk])
  try {
    await work(`127.0.0.1:${await portOf(child)}`)
  } finally {
    const ended = new Promise(resolve => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
    await rm(disk, { recursive: true })
  }
}

function portOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = ''
    child.stderr?.on('data', part => {
      log += part
      const port = /serving on (?:.*:)?port (\d+)|serving on .*:(\d+)/i.exec(log)
      if (port !== null) resolve(port[1] ?? port[2] ?? '')
    })
    child.stdout?.resume()
    child.once('exit', () => reject(new Error(`crane registry serve ended:\n${log}`)))
  })
}

async function writeLayout(folder: string): Promise<void> {
  const blobs = join(folder, 'blobs', 'sha256')
  await mkdir(blobs, { recursive: true })
  const layers = []
  for (let i = 0; i < LAYERS; i++) {
    layers.push({ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...(await writeLayer(blobs)) })
  }
  const diffs = layers.map(({ digest }) => digest)
  const parts = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: diffs } }
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', ...(await writeJson(blobs, parts)) }
  const manifest = await writeJson(blobs, { schemaVersion: 2, mediaType: MANIFEST, config, layers })
  const index = { schemaVersion: 2, manifests: [{ mediaType: MANIFEST, ...manifest }] }
  await writeFile(join(folder, 'index.json'), JSON.stringify(index))
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
}

async function writeLayer(blobs: string): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256')
  const block = randomBytes(1024 * 1024)
  const made = join(blobs, 'made')
  const parts = function* () {
    for (let at = 0; at < LAYER_BYTES; at += block.byteLength) {
      hash.update(block)
      yield block
    }
  }
  await pipeline(Readable.from(parts()), createWriteStream(made))
  const hex = hash.digest('hex')
  await rename(made, join(blobs, hex))
  return { digest: `sha256:${hex}`, size: LAYER_BYTES }
}

async function writeJson(blobs: string, value: object): Promise<{ digest: string; size: number }> {
  const text = JSON.stringify(value)
  const hex = createHash('sha256').update(text).digest('hex')
  await writeFile(join(blobs, hex), text)
  return { digest: `sha256:${hex}`, size: Buffer.byteLength(text) }
}
