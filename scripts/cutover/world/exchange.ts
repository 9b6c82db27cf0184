/** Where a worker connects to. */

/** The app's own, where nothing else is set (backend/src/integrations/bingx: client.ts and ws.ts). */
const BINGX = { BINGX_BASE_URL: "https://open-api.bingx.com", BINGX_WS_URL: "wss://open-api-swap.bingx.com/swap-market" } as const;

/** @param tuning of the worker. @returns host names or addresses, each once */
export function exchangeHosts(tuning: Readonly<Record<string, string | undefined>>): string[] {
  return [...new Set(Object.entries(BINGX).map(([key, own]) => new URL(tuning[key] ?? own).hostname))];
}
