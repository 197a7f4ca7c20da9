/** The version of package.json; a test keeps the two equal. */
export const WAYBILL_VERSION = '0.1.0'

/** `tools/build.ts` makes it true in a release (`WAYBILL_RELEASE=1`); a release signs only with names that have a home. */
export const RELEASE_BUILD: boolean = false
