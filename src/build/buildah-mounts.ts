import { notWithBuildah, readDifferently } from './buildah-refusal.ts'

const TYPES = ['bind', 'cache', 'tmpfs', 'secret', 'ssh']
const SAME: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  readonly: 'ro',
  readwrite: 'rw',
}

/**
 * A `RUN --mount` that stays inside what is allowed. buildah 1.28 follows symbolic links of a stage or image out to the
 * machine, writes through `rw` into the context and the base image, and takes `..` in the name of a cache (each as run; CVE-2024-1753 and
 * CVE-2024-9675 are fixed in later versions only).
 * @throws `materials/read-differently`, `materials/not-with-buildah`
 */
export function checkMount(mount: string, line: number): void {
  const options = optionsOf(mount, line)
  const type = options.get('type') ?? ''
  if (!TYPES.includes(type))
    throw readDifferently(line, 'has a mount of no type that both builders know', {
      expected: `type=${TYPES.join('|')}`,
      found: mount,
    })
  const from = options.get('from')
  if (from !== undefined && /^[0-9]*$/.test(from))
    throw readDifferently(line, 'mounts from a number, which is a stage to one builder and an image to the other', {
      expected: 'the name of a stage or an image',
      found: mount,
    })
  if (from !== undefined && !['', '/'].includes(options.get('source') ?? ''))
    throw notWithBuildah(line, 'mounts a part of a stage or image: a symbolic link in it would lead to the machine', {
      expected: 'from= without source=',
      found: mount,
      remedy:
        'Mount the whole stage or image and name the part in the command, use COPY --from, or set `builder: buildx`.',
    })
  if (type === 'bind' && options.has('rw'))
    throw notWithBuildah(line, 'mounts writable what other steps read: buildah would keep the changes', {
      expected: 'a mount without rw',
      found: mount,
      remedy: 'Copy it into the image first, or set `builder: buildx`.',
    })
  if ([options.get('id'), options.get('target')].some(path => path?.split('/').includes('..')))
    throw notWithBuildah(line, 'has a mount that climbs out of its folder', {
      expected: 'a path without ..',
      found: mount,
    })
}

function optionsOf(mount: string, line: number): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  for (const part of mount.split(',')) {
    const [, key = '', value = ''] = /^([a-z-]+)(?:=(.*))?$/.exec(part) ?? []
    const name = Object.hasOwn(SAME, key) ? (SAME[key] ?? key) : key
    if (name === '' || options.has(name) || /["'\\\s]/.test(value))
      throw readDifferently(line, 'has a mount that builders read differently', {
        expected: 'lower-case names, each once, and values without quotes or spaces',
        found: mount,
      })
    options.set(name, value)
  }
  return options
}
