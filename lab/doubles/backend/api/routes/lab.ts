/** Health, and what the double says of itself. */
import { invalid, objectBody, type Routes } from "../router";

export const labRoutes: Routes = {
  "GET /health": ({ api }) => ({ body: { status: "ok", double: "api", version: api.settings.version } }),

  "GET /lab/requests": ({ api, query }) => ({ body: { version: api.settings.version, ...api.received.report(query.get("prefix") ?? "") } }),

  // Something to send that changes nothing and must arrive once.
  "POST /lab/echo": async (call) => {
    const { id } = await objectBody(call);
    const counted = call.headers.get("x-request-id") ?? id;
    if (typeof counted !== "string" || counted === "") throw invalid('an echo needs an id; send for example {"id":"load-1"} or the header x-request-id');
    const { here, everywhere } = await call.api.received.count(counted, call.api.now());
    return { body: { id: counted, count: everywhere, here, instance: call.api.instance } };
  },
};
