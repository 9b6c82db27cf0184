/** The app's probe that reads. */
import { queryGeneric } from "convex/server";

export const ping = queryGeneric({ args: {}, handler: () => ({ ok: true }) });
