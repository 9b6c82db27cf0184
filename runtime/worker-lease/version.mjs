/* global WORKER_LEASE_VERSION */
/** Names this program in /state and metrics: a hash over its sources, put in where they are made one file. @type {string} */
// @ts-expect-error -- defined by scripts/embed.mjs only
export const VERSION = typeof WORKER_LEASE_VERSION === "undefined" ? "source" : WORKER_LEASE_VERSION;
