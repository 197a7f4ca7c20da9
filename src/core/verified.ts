declare const proof: unique symbol
/**
 * A value whose signature, log entry, time and signer were all checked.
 * Minted only in files named `verify.ts`; `__tests__/architecture.test.ts` enforces that.
 */
export type Verified<T> = T & { readonly [proof]: 'verified' }

/** The one way to make a `Verified` value. Only files named `verify.ts` may import it. */
export function mintVerified<T>(value: T): Verified<T> {
  return value as Verified<T>
}
