/** `{[key]: value}`, or nothing when there is no value: optional fields are absent, never `undefined`. */
export function maybe<K extends string, V>(key: K, value: V | undefined): { readonly [key in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [key in K]?: V }
}
