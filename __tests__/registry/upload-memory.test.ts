import { createHash, randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { isDigest } from '../../src/core/digest.ts'
import type { TransportOptions } from '../../src/registry/transport.ts'
import { closeAll, connect, keep } from './support.ts'

afterEach(closeAll)

const MIB = 1024 * 1024
/** A stand-in for 1 GB: far more than may lie between the file and the registry at any moment. */
const SIZE = 160 * MIB
const BLOCK = randomBytes(64 * 1024)

/** Takes uploads, hashes what comes and keeps none of it. */
async function sink() {
  const hash = createHash('sha256')
  const seen = { received: 0, hex: '', requests: 0 }
  const server: Server = createServer((message, response) => {
    seen.requests++
    message.on('data', (part: Buffer) => {
      seen.received += part.byteLength
      hash.update(part)
    })
    message.on('end', () => {
      const isLast = message.method === 'PUT'
      if (isLast) seen.hex = hash.copy().digest('hex')
      const range = { range: `0-${seen.received - 1}` }
      response.writeHead(isLast ? 201 : 202, {
        location: '/v2/acme/app/blobs/uploads/one',
        ...range,
        'content-length': 0,
      })
      response.end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  keep({ close: () => new Promise<void>(resolve => server.close(() => resolve())) })
  return { seen, host: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function digestOfAll() {
  const hash = createHash('sha256')
  for (let at = 0; at < SIZE; at += BLOCK.byteLength) hash.update(BLOCK)
  const digest = `sha256:${hash.digest('hex')}`
  if (!isDigest(digest)) throw new Error('no digest')
  return digest
}

test.each([
  ['in pieces', 32 * MIB, 5],
  ['with one PUT', SIZE, 0],
])(
  'a large blob %s is never in memory: what is read is sent before more is read',
  async (_what, chunkBytes, pieces) => {
    const { seen, host } = await sink()
    const options: Partial<TransportOptions> & { chunkBytes: number } = { chunkBytes }
    const { client, repository } = connect(host, options)
    const digest = digestOfAll()
    let produced = 0
    let between = 0
    const open = (): Readable =>
      new Readable({
        highWaterMark: BLOCK.byteLength,
        read() {
          if (produced >= SIZE) return void this.push(null)
          produced += BLOCK.byteLength
          between = Math.max(between, produced - seen.received)
          this.push(BLOCK)
        },
      })
    await client.putBlob(repository, { open, size: SIZE, digest })
    expect([produced, seen.received, `sha256:${seen.hex}`]).toEqual([SIZE, SIZE, digest])
    expect(seen.requests).toBe(pieces + 2)
    // Kernel buffers of both ends are in it.
    expect(between).toBeLessThan(SIZE / 8)
  },
)
