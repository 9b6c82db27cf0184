/** Functions that are deployed and never run: the double of Convex has its own of these names. */
import { actionGeneric, mutationGeneric, queryGeneric } from "convex/server";

function standIn(): never {
  throw new Error("this is the lab's stand-in for a function of the app: deploy the app's own (gvfx data move --app-source)");
}

export const reads = queryGeneric({ handler: standIn });
export const writes = mutationGeneric({ handler: standIn });
export const acts = actionGeneric({ handler: standIn });
