/** An archive of one regular file (POSIX ustar), for images that a builder must be able to unpack. @param text ASCII. */
export function tarOf(name: string, text: string): string {
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  const field = (value: string, length: number): string => value.padEnd(length, '\0')
  const head = `${field(name, 100)}${octal(0o644, 7)}${octal(0, 7)}${octal(0, 7)}${octal(text.length, 11)}${octal(0, 11)}`
  const tail = `${field(`0${'\0'.repeat(100)}ustar\0${'00'}`, 355)}`
  const header = (sum: string): string => `${head}${sum}${tail}`.padEnd(512, '\0')
  // The sum is taken with spaces in its own place.
  const sum = [...header(' '.repeat(8))].reduce((total, letter) => total + letter.charCodeAt(0), 0)
  const checked = header(`${sum.toString(8).padStart(6, '0')}\0 `)
  return `${checked}${text.padEnd(Math.ceil(text.length / 512) * 512, '\0')}${'\0'.repeat(1024)}`
}
