/** One JSON object a line, for an operator at night: what happened, why, and what to do. */

/** @typedef {"info" | "warning" | "error"} Level */
/** @typedef {(level: Level, event: string, message: string, fields?: Readonly<Record<string, unknown>>) => void} Log */

/**
 * @param {(line: string) => void} line
 * @param { { secrets?: ReadonlySet<string>, now?: () => Date }} [options] `secrets`: never shown, whatever quotes them; may grow
 * @returns {Log}
 */
export function jsonLog(line, { secrets = new Set(), now = () => new Date() } = {}) {
  return (level, event, message, fields = {}) => {
    let text = JSON.stringify({ at: now().toISOString(), level, event, message, ...fields });
    for (const secret of secrets) text = text.replaceAll(secret, "[token]");
    line(text);
  };
}

/** @param {unknown} error @returns {string} code and message */
export function describe(error) {
  const { code, message } = /** @type { { code?: string, message?: string }} */ (error ?? {});
  return [...new Set([code, message])].filter(Boolean).join(": ") || String(error);
}
