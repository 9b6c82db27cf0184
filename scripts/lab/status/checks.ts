/** Which allocations Consul's checks call unhealthy. */
import { z } from "zod";
import { Duration } from "../../../contracts/units";
import { json, request, UnexpectedAnswer } from "../../clients/http";
import type { Endpoint } from "../access";

const checksSchema = z.array(z.object({ ServiceID: z.string(), Status: z.string() }));
/** The service id by which Nomad registers an allocation's service. */
const ALLOCATION = /^_nomad-task-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})-/;
const ANSWER_TIMEOUT = Duration.seconds(6);

/** @param address of the server to ask; the token and authority are those of `consul` */
export async function failingAllocations(address: string, { token, caPem }: Endpoint): Promise<ReadonlySet<string>> {
  const states = await Promise.all(["critical", "warning"].map(async (state) => {
    const what = "Consul's health checks";
    const answer = await request(`${address}/v1/health/state/${state}`, { ca: caPem, headers: { "x-consul-token": token }, answerTimeout: ANSWER_TIMEOUT });
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, what);
    return checksSchema.parse(json(answer, what));
  }));
  return allocationsOf(states.flat());
}

export function allocationsOf(checks: readonly { readonly ServiceID: string }[]): ReadonlySet<string> {
  return new Set(checks.flatMap(({ ServiceID }) => ALLOCATION.exec(ServiceID)?.[1] ?? []));
}
