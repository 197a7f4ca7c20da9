import { link, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { sha256 } from '../../src/core/digest.ts'
import {
  type FileReason,
  heldFiles,
  quarantineFile,
  readFileRecord,
  restoreFiles,
} from '../../src/pipeline/quarantine-file.ts'
import { parseFileRecord, renderFileRecord } from '../../src/pipeline/quarantine-file-record.ts'
import { codeOf } from '../sigstore/support.ts'

const BYTES = Buffer.from('#!/bin/sh\necho tampered\n')
const DIGEST = sha256(BYTES)
const REASON: FileReason = {
  digest: DIGEST,
  quarantinedAt: '2026-06-01T12:00:00.000Z',
  subject: 'install.sh',
  codes: ['verify/identity-mismatch'],
  findings: [
    {
      code: 'verify/identity-mismatch',
      message: 'Somebody else signed',
      expected: 'alice',
      found: 'mallory',
      remedy: 'Look',
    },
  ],
  expected: 'alice',
  found: 'mallory',
  evidence: [`bundle sha256:${'cd'.repeat(32)}`],
  policy: { uri: 'file:waybill.yml', digest: sha256('policy') },
}

let folder: string
let path: string
let directory: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-quarantine-'))
  path = join(folder, 'install.sh')
  directory = join(folder, 'held')
  await writeFile(path, BYTES, { mode: 0o755 })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const own = () => join(directory, DIGEST.slice('sha256:'.length))
const there = (file: string) =>
  lstat(file).then(
    () => true,
    () => false,
  )

test('13-adversary 31: quarantineFile() moves the file and its bundle, without any right to run it, and says why', async () => {
  const bundle = `${path}.sigstore.json`
  await writeFile(bundle, '{}')
  const { moved, record } = await quarantineFile(path, directory, REASON, bundle)
  expect([moved, record]).toEqual([join(own(), 'install.sh'), join(own(), 'record.json')])
  expect(await readFile(moved)).toEqual(BYTES)
  expect([await there(path), await there(bundle)]).toEqual([false, false])
  expect((await readdir(own())).sort()).toEqual(['install.sh', 'install.sh.sigstore.json', 'record.json'])
  for (const name of await readdir(own())) expect((await stat(join(own(), name))).mode & 0o777).toBe(0o600)
  expect((await stat(own())).mode & 0o777).toBe(0o700)
  const text = await readFile(record, 'utf8')
  expect(text).toContain('waybill quarantine release')
  expect(await readFileRecord(record)).toMatchObject({ ...REASON, size: BYTES.byteLength, files: [{ mode: '0755' }] })
})

test('what is written fits schemas/quarantine-record.json, and comes back as it was', async () => {
  const { record } = await quarantineFile(path, directory, REASON)
  const text = await readFile(record, 'utf8')
  const schema = await readFile(join(import.meta.dirname, '..', '..', 'schemas', 'quarantine-record.json'), 'utf8')
  const validate = new Ajv2020().compile(JSON.parse(schema))
  expect([validate(JSON.parse(text)), validate.errors]).toEqual([true, null])
  expect(renderFileRecord(parseFileRecord(Buffer.from(text), record))).toBe(text)
})

describe('quarantineFile() leaves alone', () => {
  const refuses = async () => {
    expect(await codeOf(() => quarantineFile(path, directory, REASON))).toBe('pipeline/quarantine-refused')
    expect(await there(path)).toBe(true)
  }

  test('a file that was replaced after it was judged', async () => {
    await writeFile(path, 'other bytes')
    await refuses()
    expect(await there(directory)).toBe(false)
  })

  test('a link, whatever it points at', async () => {
    await rm(path)
    await writeFile(join(folder, 'secret'), BYTES)
    await symlink(join(folder, 'secret'), path)
    await refuses()
    expect(await readFile(join(folder, 'secret'))).toEqual(BYTES)
  })

  test('a folder', async () => {
    await rm(path)
    await mkdir(path)
    await refuses()
  })

  test('a file whose place in the quarantine is a link to elsewhere', async () => {
    await mkdir(directory)
    await mkdir(join(folder, 'elsewhere'))
    await symlink(join(folder, 'elsewhere'), own())
    await refuses()
    expect(await readdir(join(folder, 'elsewhere'))).toEqual([])
  })

  test('a file when the quarantine itself is a link to elsewhere', async () => {
    await mkdir(join(folder, 'elsewhere'))
    await symlink(join(folder, 'elsewhere'), directory)
    await refuses()
  })

  test('what lies in its place already, when it is something else', async () => {
    await mkdir(own(), { recursive: true })
    await writeFile(join(own(), 'install.sh'), 'somebody put this here')
    await refuses()
    expect(await readFile(join(own(), 'install.sh'), 'utf8')).toBe('somebody put this here')
  })
})

describe('a run that was killed is finished by the next', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['after the record', async () => {}],
    ['between the two names of one file', () => link(path, join(own(), 'install.sh'))],
    ['after a copy', () => writeFile(join(own(), 'install.sh'), BYTES)],
  ])('%s', async (_, state) => {
    await quarantineFile(path, directory, REASON)
    await rm(join(own(), 'install.sh'))
    await writeFile(path, BYTES)
    await state()
    await quarantineFile(path, directory, REASON)
    expect([await there(path), await readFile(join(own(), 'install.sh'))]).toEqual([false, BYTES])
    const [held] = await heldFiles(directory)
    expect([held?.record.files.length, held?.record.files[0].mode, held?.unfinished]).toEqual([1, '0755', []])
  })

  test('with the file moved and its bundle not: the bundle is named, and left, for nobody judged it again', async () => {
    const bundle = `${path}.sigstore.json`
    await writeFile(bundle, '{}')
    await quarantineFile(path, directory, REASON, bundle)
    await rm(join(own(), 'install.sh.sigstore.json'))
    await writeFile(bundle, '{}')
    const [held] = await heldFiles(directory)
    expect([held?.unfinished, await there(bundle)]).toEqual([[bundle], true])
  })

  test('but what was put back or fetched anew is moved by no list', async () => {
    const { record } = await quarantineFile(path, directory, REASON)
    await restoreFiles(record, await readFileRecord(record))
    const [held] = await heldFiles(directory)
    expect([held?.unfinished, await readFile(path)]).toEqual([[path], BYTES])
  })
})

test('the same bytes under other names lie in one folder, each with its own name', async () => {
  await mkdir(join(folder, 'again'))
  await writeFile(join(folder, 'again', 'install.sh'), BYTES)
  await writeFile(join(folder, 'record.json'), BYTES)
  await quarantineFile(path, directory, REASON)
  const second = await quarantineFile(join(folder, 'again', 'install.sh'), directory, REASON)
  const third = await quarantineFile(join(folder, 'record.json'), directory, REASON)
  expect([second.moved, third.moved]).toEqual([join(own(), 'install.sh.2'), join(own(), 'record.json.2')])
  expect((await readFileRecord(third.record)).files).toHaveLength(3)
})

test('the first record stays when the same file comes again for another reason', async () => {
  await quarantineFile(path, directory, REASON)
  await writeFile(path, BYTES)
  const { record } = await quarantineFile(path, directory, { ...REASON, codes: ['verify/key-mismatch'] })
  expect((await readFileRecord(record)).codes).toEqual(REASON.codes)
})

describe('restoreFiles()', () => {
  test('puts the file and its bundle back with the rights they had', async () => {
    const bundle = `${path}.sigstore.json`
    await writeFile(bundle, '{}', { mode: 0o644 })
    const { record } = await quarantineFile(path, directory, REASON, bundle)
    expect(await restoreFiles(record, await readFileRecord(record))).toEqual([path])
    expect([await readFile(path), (await stat(path)).mode & 0o777]).toEqual([BYTES, 0o755])
    expect((await stat(bundle)).mode & 0o777).toBe(0o644)
    expect(await readdir(own())).toEqual(['record.json'])
  })

  test('gives back nothing that was changed while it was held', async () => {
    const { record, moved } = await quarantineFile(path, directory, REASON)
    await writeFile(moved, 'changed')
    const release = async () => restoreFiles(record, await readFileRecord(record))
    expect(await codeOf(release)).toBe('pipeline/quarantine-refused')
    expect(await there(path)).toBe(false)
  })

  test('does not overwrite what lies there by now', async () => {
    const { record } = await quarantineFile(path, directory, REASON)
    await writeFile(path, 'the good one')
    const release = async () => restoreFiles(record, await readFileRecord(record))
    expect(await codeOf(release)).toBe('pipeline/quarantine-refused')
    expect(await readFile(path, 'utf8')).toBe('the good one')
  })
})

test.each<[string, (text: string) => string]>([
  ['a name that leads out of the folder', text => text.replace('"name": "install.sh"', '"name": "../../x"')],
  ['a key that is not known', text => text.replace('"schemaVersion": 1', '"schemaVersion": 1, "released": true')],
  ['another version', text => text.replace('"schemaVersion": 1', '"schemaVersion": 2')],
  ['another file than its folder', text => text.replaceAll(DIGEST, sha256('x'))],
  ['a key twice', text => text.replace('"schemaVersion": 1', '"schemaVersion": 1, "schemaVersion": 1')],
  ['half a file', text => text.slice(0, 100)],
])('heldFiles() stops at a record with %s', async (_, change) => {
  const { record } = await quarantineFile(path, directory, REASON)
  await writeFile(record, change(await readFile(record, 'utf8')))
  expect(await codeOf(() => heldFiles(directory))).toBe('pipeline/quarantine-record-malformed')
})

test('heldFiles() of a directory that is not there is empty', async () => {
  expect(await heldFiles(join(folder, 'none'))).toEqual([])
})

test('parseFileRecord() gives a record that is written as it was read, or a typed error, for any bytes', async () => {
  const { record } = await quarantineFile(path, directory, REASON)
  const good = await readFile(record)
  const damaged = fc.tuple(fc.nat(good.byteLength - 1), fc.nat(255)).map(([at, byte]) => {
    const bytes = Buffer.from(good)
    bytes[at] = byte
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), bytes => {
      try {
        const read = parseFileRecord(bytes, record)
        expect(parseFileRecord(Buffer.from(renderFileRecord(read)), record)).toEqual(read)
      } catch (error) {
        expect(error).toMatchObject({ code: 'pipeline/quarantine-record-malformed' })
      }
    }),
  )
})
