/** Tells whoever receives the guardian's alerts that a freeze begins, in the same form. */
import { request } from "../../../clients/http";
import type { World } from "../world";

/** @param token undefined: nobody is told, and why is said */
export function announcer({ destination, environment, token, now, signal }: { readonly destination: string; readonly environment: string; readonly token: () => Promise<string | undefined>; readonly now: () => Date; readonly signal?: AbortSignal }): World["announce"] {
  return async (message) => {
    try {
      const bearer = await token();
      if (!bearer) return "ALERT_TOKEN is not set";
      const alert = { source: "gvfx-data-move", environment, at: now().toISOString(), kind: "data-move", severity: "info", summary: message };
      const { status } = await request(destination, { method: "POST", signal, headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` }, body: JSON.stringify(alert) });
      return status >= 200 && status <= 299 ? undefined : `the alert destination answered ${status}`;
    } catch (error) {
      return (error as Error).message;
    }
  };
}
