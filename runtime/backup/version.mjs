/* global BACKUP_VERSION */
/** Which program a log is of: a hash over its sources, put in where they are made one file. @type {string} */
// @ts-expect-error -- defined by scripts/embed.mjs only
export const VERSION = typeof BACKUP_VERSION === "undefined" ? "source" : BACKUP_VERSION;
