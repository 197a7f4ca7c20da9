/**
 * A screenshot as a PNG with a palette: text on a few backgrounds needs no more than 256 colours, and is a third as long.
 * PNG specification, third edition: 9.2 filters, 11.2.1 palette
 */
import { crc32, deflateSync, inflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])

interface Bitmap {
  readonly width: number
  readonly height: number
  /** 0xRRGGBB, line by line. */
  readonly pixels: Uint32Array
}

/** @param png of eight bits a channel, without interlacing, as a browser writes it. @throws for any other. */
export function smallPng(png: Buffer): Buffer {
  const { width, height, pixels } = read(png)
  const palette = paletteOf(pixels)
  const nearest = new Map(palette.map((colour, at) => [colour, at]))
  const rows = Buffer.alloc((width + 1) * height)
  for (const [at, pixel] of pixels.entries()) {
    const found = nearest.get(pixel) ?? nearestTo(pixel, palette)
    nearest.set(pixel, found)
    rows[at + Math.floor(at / width) + 1] = found
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 3, 0, 0, 0], 8)
  const colours = Buffer.from(palette.flatMap(channels))
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function channels(colour: number): [red: number, green: number, blue: number] {
  return [colour >>> 16, (colour >>> 8) & 255, colour & 255]
}

/** Colours that are kept exactly because they stand so often: backgrounds that hardly differ must not run together. */
const EXACT = 96

/**
 * What stands most often, then of each group of like colours that has none yet the one that stands most often: a word in a
 * colour of its own is a few pixels only, and must keep its colour.
 */
function paletteOf(pixels: Uint32Array): readonly number[] {
  const counts = new Map<number, number>()
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1)
  const ordered = [...counts].toSorted(([a, often], [b, seldom]) => seldom - often || a - b).map(([colour]) => colour)
  const exact = ordered.slice(0, EXACT)
  const groups = new Set(exact.map(groupOf))
  const others = ordered.slice(EXACT).filter(colour => !groups.has(groupOf(colour)) && groups.add(groupOf(colour)))
  return [...exact, ...others].slice(0, 256)
}

/** Four bits a channel. */
function groupOf(colour: number): number {
  return colour & 0xf0f0f0
}

function nearestTo(pixel: number, palette: readonly number[]): number {
  const [red, green, blue] = channels(pixel)
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (const [at, colour] of palette.entries()) {
    const [r, g, b] = channels(colour)
    const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2
    if (distance < least) [best, least] = [at, distance]
  }
  return best
}

function read(png: Buffer): Bitmap {
  const data: Buffer[] = []
  let header: Buffer = Buffer.alloc(0)
  for (let at = 8; at < png.length; ) {
    const end = at + 8 + png.readUInt32BE(at)
    const name = png.toString('latin1', at + 4, at + 8)
    if (name === 'IHDR') header = png.subarray(at + 8, end)
    if (name === 'IDAT') data.push(png.subarray(at + 8, end))
    at = end + 4
  }
  const samples = { 2: 3, 6: 4 }[header[9] ?? 0]
  if (header[8] !== 8 || samples === undefined || header[12] !== 0) throw new Error('Not a PNG of a browser')
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)]
  const lines = unfiltered(inflateSync(Buffer.concat(data)), width * samples, height, samples)
  const pixels = new Uint32Array(width * height).map((_, at) => lines.readUIntBE(at * samples, 3))
  return { width, height, pixels }
}

function unfiltered(raw: Buffer, length: number, height: number, samples: number): Buffer {
  const lines = Buffer.alloc(length * height)
  for (let row = 0; row < height; row++) {
    const filter = raw[row * (length + 1)] ?? 0
    for (let x = 0; x < length; x++) {
      const at = row * length + x
      const left = x < samples ? 0 : (lines[at - samples] ?? 0)
      const up = row === 0 ? 0 : (lines[at - length] ?? 0)
      const corner = x < samples || row === 0 ? 0 : (lines[at - length - samples] ?? 0)
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0
      lines[at] = (raw[row * (length + 1) + 1 + x] ?? 0) + guess
    }
  }
  return lines
}

function paeth(left: number, up: number, corner: number): number {
  const from = left + up - corner
  const [a, b, c] = [Math.abs(from - left), Math.abs(from - up), Math.abs(from - corner)]
  if (a <= b && a <= c) return left
  return b <= c ? up : corner
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const made = Buffer.alloc(body.length + 8)
  made.writeUInt32BE(data.length, 0)
  made.set(body, 4)
  made.writeUInt32BE(crc32(body), body.length + 4)
  return made
}
