import fc from 'fast-check'
import { ANNOTATIONS_PER_LEVEL } from '../../src/core/annotation.ts'
import { annotationCommand, WorkflowLog } from '../../src/github/commands.ts'
import { defuseText, escapeData, escapeProperty } from '../../src/github/escape.ts'
import { obeyed } from './support.ts'

function log(): { log: WorkflowLog; text: () => string } {
  const chunks: Uint8Array[] = []
  let count = 0
  const made = new WorkflowLog(
    chunk => chunks.push(chunk),
    () => `stop${++count}`,
  )
  return { log: made, text: () => Buffer.concat(chunks).toString('utf8') }
}

/** Text that knows the runner's syntax better than random text does. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '::',
        '##[',
        ']',
        '\r',
        '\n',
        '\r\n',
        ' ',
        '\t',
        '\u00a0',
        '\u3000',
        '\u2028',
        '\u0085',
        '\ufeff',
        'error',
        'add-mask',
        'stop-commands',
        'stop1',
        'stop2',
        'set-output name=a',
        ':',
        ',',
        '=',
        '%0A',
        '%',
        '\0',
      ),
      fc.string({ unit: 'binary' }),
    ),
  )
  .map(parts => parts.join(''))

test('escapeData() and escapeProperty() of any text stay in one line and are read back whole', () => {
  fc.assert(
    fc.property(hostile, hostile, (data, property) => {
      const line = `::error title=${escapeProperty(property)}::${escapeData(data)}\n`
      expect(obeyed(line)).toEqual([{ name: 'error', properties: { title: property }, data }])
    }),
  )
})

test('annotationCommand() is one command of its level, whatever it is about', () => {
  fc.assert(
    fc.property(hostile, hostile, hostile, fc.nat(), (message, title, file, line) => {
      const commands = obeyed(annotationCommand({ level: 'warning', message, title, file, line }))
      expect(commands).toHaveLength(1)
      expect(commands[0]?.name).toBe('warning')
      expect(Object.keys(commands[0]?.properties ?? {}).sort()).toEqual(['file', 'line', 'title'])
    }),
  )
})

test('annotationCommand() shows where and what', () => {
  expect(annotationCommand({ level: 'error', title: 'a:b', message: '50%, x\ny', file: 'a,b.yml', line: 3 })).toBe(
    '::error title=a%3Ab,file=a%2Cb.yml,line=3::50%25, x%0Ay',
  )
  expect(annotationCommand({ level: 'notice', message: 'x' })).toBe('::notice::x')
})

test('info() prints text of any kind without a command', () => {
  fc.assert(
    fc.property(hostile, text => {
      const { log: made, text: printed } = log()
      made.info(text)
      expect(obeyed(printed())).toEqual([])
    }),
  )
})

test('defuseText() leaves ordinary text as it is', () => {
  for (const text of ['a::b', 'std::vector<int>', 'x ##y', 'ünï → ✓\r\nsecond', 'https://[::1]:5000', ''])
    expect(defuseText(text)).toBe(text)
  expect(defuseText('::error::x')).toBe(': :error::x')
  expect(defuseText('a\n \u3000::x\r::y')).toBe('a\n \u3000: :x\r: :y')
  expect(defuseText('see ##[error]x')).toBe('see ## [error]x')
})

test('mask() hides the value and each of its lines', () => {
  const { log: made, text } = log()
  made.mask('first\nsecond % line\n')
  expect(obeyed(text()).map(({ name, data }) => [name, data])).toEqual([
    ['add-mask', 'first\nsecond % line\n'],
    ['add-mask', 'first'],
    ['add-mask', 'second % line'],
  ])
})

test('mask() of an empty value masks nothing: the runner would mask every gap', () => {
  const { log: made, text } = log()
  made.mask('')
  made.mask(' \n')
  expect(text()).toBe('')
})

test('annotate() shows ten of each level and tells what it dropped', () => {
  const { log: made, text } = log()
  const shown = Array.from({ length: 12 }, (_, at) => made.annotate({ level: 'error', message: `${at}` }))
  expect(shown.filter(Boolean)).toHaveLength(ANNOTATIONS_PER_LEVEL)
  expect(shown.slice(10)).toEqual([false, false])
  expect(made.annotate({ level: 'notice', message: 'x' })).toBe(true)
  expect(obeyed(text())).toHaveLength(11)
})

test('a child that prints commands commands nothing, wherever its output is cut', () => {
  fc.assert(
    fc.property(fc.array(hostile), texts => {
      const { log: made, text } = log()
      const guard = made.guard()
      for (const part of texts) guard.write(Buffer.from(part, 'utf8'))
      guard.close()
      const commands = obeyed(text())
      expect(commands.every(({ name, data }) => name === 'stop-commands' && data === 'stop1')).toBe(true)
      made.mask('after')
      expect(obeyed(text()).at(-1)).toMatchObject({ name: 'add-mask', data: 'after' })
    }),
  )
})

test('a child that knew the word would still command nothing: its markers are defused, too', () => {
  const { log: made, text } = log()
  const guard = made.guard()
  guard.write(Buffer.from('::stop1::\n::add-mask::a\n##[stop1]\n::error::x\n'))
  guard.close()
  expect(obeyed(text()).map(({ name }) => name)).toEqual(['stop-commands'])
})

test('a mask that is set while a child prints is obeyed', () => {
  fc.assert(
    fc.property(
      hostile,
      hostile,
      fc.string({ minLength: 1 }).filter(text => text.trim() !== '' && !/[\r\n]/.test(text)),
      (before, after, secret) => {
        const { log: made, text } = log()
        const guard = made.guard()
        guard.write(Buffer.from(before))
        made.mask(secret)
        guard.write(Buffer.from(after))
        made.annotate({ level: 'warning', message: 'w' })
        guard.close()
        const commands = obeyed(text()).filter(({ name }) => name !== 'stop-commands')
        expect(commands.map(({ name }) => name)).toEqual(['add-mask', 'warning'])
        expect(commands[0]?.data).toBe(secret)
      },
    ),
  )
})

test('each stopped section has a word of its own', () => {
  const { log: made, text } = log()
  const guard = made.guard()
  guard.write(Buffer.from('a\n'))
  made.info('between')
  guard.write(Buffer.from('b\n'))
  guard.close()
  expect(text()).toBe('::stop-commands::stop1\na\n::stop1::\nbetween\n::stop-commands::stop2\nb\n::stop2::\n')
})

test('other bytes of a child arrive unchanged: colours, other alphabets, bytes that are no text', () => {
  const { log: made } = log()
  const chunks: Uint8Array[] = []
  const raw = new WorkflowLog(
    chunk => chunks.push(chunk),
    () => 'x',
  ).guard()
  const bytes = Buffer.concat([Buffer.from('\u001b[32mgrün\u001b[0m ✓\r\n'), Buffer.from([0xff, 0xfe, 0x00, 0x0a])])
  for (const byte of bytes) raw.write(Uint8Array.of(byte))
  raw.close()
  expect(Buffer.concat(chunks).subarray('::stop-commands::x\n'.length, -'::x::\n'.length).equals(bytes)).toBe(true)
  expect(made.guard()).toBe(made.guard())
})

test('a line without an end is passed on in parts and does not fill the memory', () => {
  const { log: made, text } = log()
  const guard = made.guard()
  for (let at = 0; at < 40; at++) guard.write(Buffer.alloc(10_000, 'x'))
  expect(text().length).toBeGreaterThan(300_000)
  guard.close()
  guard.write(Buffer.from('late'))
  expect(text()).not.toContain('late')
})
