/** Words that YAML 1.1 or 1.2 reads as a truth value or as nothing. */
const WORDS = /^(?:~|null|true|false|yes|no|on|off|y|n|\.nan|[-+]?\.inf|=|)$/i
/** Integers (also with `_`, in other bases, and in base 60 as YAML 1.1 has them), floats, dates. */
const NUMBER =
  /^[-+]?(?:0x[0-9a-f_]+|0o?[0-7_]+|0b[01_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?|\.[0-9_]+(?:e[-+]?[0-9]+)?)$/i
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/
const DATE = /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?$/

/**
 * True when every reader takes these unquoted characters for text. `tag: 1.10` is 1.1 to a chart, `image: 12e3` a number;
 * what one reader sees as text and the next as something else is not compared with anything.
 */
export function isPlainString(text: string): boolean {
  return !WORDS.test(text) && !NUMBER.test(text) && !BASE_60.test(text) && !DATE.test(text)
}
