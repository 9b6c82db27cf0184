/** Real requests through the gateways, each of which says which side answered. */
import { SIDE_HEADER } from "../../../constructs/gateway/haproxy";
import { Duration } from "../../../contracts/units";
import type { Environment } from "../../../environments/schema";
import { request } from "../../clients/http";
import { labMachines, publishedAddress } from "../../lab/machines";
import type { TrafficSeen } from "../world";

/** A page or a read answers within a second; nobody waits for longer than the gateway itself does for ordinary calls. */
const ANSWER_TIMEOUT = Duration.seconds(15);
/** Requests at once. */
const AT_ONCE = 8;

export interface TrafficOptions {
  /** Every gateway's addresses, each with a path that reads: "http://100.64.0.21:8787/health". */
  readonly urls: readonly string[];
  readonly requests: number;
  readonly signal: AbortSignal;
}

/** Of every gateway, a read of the API and a page of the frontend. @throws Error when a lab publishes no port of one */
export function gatewayUrls(env: Environment): string[] {
  const machines = env.lab && labMachines(env, env.lab);
  return env.nodes.flatMap(({ name, tailnetAddress }) =>
    [`${env.ports.api}/health`, `${env.ports.frontend}/`].map((portAndPath) => {
      if (!machines) return `http://${tailnetAddress}:${portAndPath}`;
      const [port, path] = portAndPath.split("/");
      const published = publishedAddress(machines.find((machine) => machine.name === name)!, Number(port));
      if (!published) throw new Error(`the lab does not publish port ${port} of ${name}, so that no request can be made through its gateway; add it to lab.published in environments/lab.ts and run: npm run lab`);
      return `http://${published}/${path}`;
    }),
  );
}

/** Asks the addresses in turn. An answer of 500 or more, one that the gateway gives itself, and none at all are failures. */
export async function seeTraffic({ urls, requests, signal }: TrafficOptions): Promise<TrafficSeen> {
  const bySide = { nomad: 0, legacy: 0 };
  let failed = 0;
  let made = 0;
  const asker = async (): Promise<void> => {
    while (made < requests && !signal.aborted) {
      const url = urls[made++ % urls.length];
      try {
        const { status, headers } = await request(url, { answerTimeout: ANSWER_TIMEOUT, signal });
        const side = headers[SIDE_HEADER];
        if (status < 500 && (side === "nomad" || side === "legacy")) bySide[side]++;
        else failed++;
      } catch {
        failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, requests) }, asker));
  signal.throwIfAborted();
  return { requests: made, failed, bySide };
}
