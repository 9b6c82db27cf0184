/** What the exchange's double has on record of a case: who was connected, and which orders came. */
import { z } from "zod";
import { JOBS } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import { json, request, UnexpectedAnswer } from "../clients/http";
import type { Connection, Duplicates, Stretch } from "./result";
import { PLAIN_JOB, policyOfJob } from "./tick-record";

const connectionsSchema = z.object({ record: z.array(z.object({ instance: z.string().optional(), job: z.string().optional(), openedAt: z.number(), heardAt: z.number(), closedAt: z.number().nullable() })) });
const ordersSchema = z.object({ orders: z.array(z.object({ clientOrderId: z.string().nullable(), at: z.number(), agent: z.string().nullable() })), duplicates: z.array(z.object({ clientOrderId: z.string(), count: z.number() })) });
const echoSchema = z.object({ duplicates: z.array(z.object({ id: z.string(), count: z.number() })) });
export type OrdersSeen = z.output<typeof ordersSchema>;

/** Some thousand orders. */
const ANSWER_TIMEOUT = Duration.seconds(15);

export class ExchangeRecord {
  constructor(private readonly address: string) {}

  async connections(since: number): Promise<Connection[]> {
    return connectionsOf(connectionsSchema.parse(await this.ask(`/lab/connections?since=${since}`)).record);
  }

  async orders(since: number): Promise<OrdersSeen> {
    return ordersSchema.parse(await this.ask(`/lab/orders?since=${since}`));
  }

  /** Requests of a load that reached the API more than once. */
  async repeatedRequests(load: string): Promise<number> {
    return echoSchema.parse(await this.ask(`/lab/echo?prefix=${load}-`)).duplicates.length;
  }

  private async ask(path: string): Promise<unknown> {
    const answer = await request(this.address + path, { answerTimeout: ANSWER_TIMEOUT });
    const what = `the exchange's double (${path.replace(/\?.*/, "")})`;
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, what);
    return json(answer, what);
  }
}

/** Those of workers of the drill. */
export function connectionsOf(record: z.output<typeof connectionsSchema>["record"]): Connection[] {
  return record.flatMap(({ instance, job, openedAt, heardAt, closedAt }): Connection[] => {
    const policy = policyOfJob(job);
    return policy && instance ? [{ policy, instance, from: openedAt, heardAt, closedAt }] : [];
  });
}

const ofLease = (id: string | null): boolean => new RegExp(`^worker-${JOBS.worker}-\\d+$`).test(id ?? "");
const ofPlain = (id: string | null): boolean => id?.startsWith(`worker-${PLAIN_JOB}-`) ?? false;

/** When orders of workers with a lease came between two stamps, one a second as long as they get through. */
export function workerOrders({ orders }: Pick<OrdersSeen, "orders">, window: { readonly from: number; readonly to: number }): number[] {
  return orders.filter(({ clientOrderId, at }) => ofLease(clientOrderId) && at >= window.from && at <= window.to).map(({ at }) => at);
}

/**
 * Counts orders between two stamps.
 * @param repeatedRequests requests to the API that it got more than once
 */
export function countOrders({ orders, duplicates }: OrdersSeen, stretches: readonly Stretch[], window: { readonly from: number; readonly to: number }, repeatedRequests: number): Pick<Duplicates, "orders" | "ordersSent" | "ordersInOverlap" | "plainOrders"> {
  const within = orders.filter(({ at }) => at >= window.from && at <= window.to);
  const ids = new Set(within.map(({ clientOrderId }) => clientOrderId));
  const twice = duplicates.filter(({ clientOrderId }) => ids.has(clientOrderId));
  const began = new Map<string, number>();
  for (const { policy, instance, from } of stretches) if (policy === "lease") began.set(instance, Math.min(from, began.get(instance) ?? Infinity));
  // Its follower had written a tick already.
  const late = within.filter(({ clientOrderId, agent, at }) => {
    const own = began.get(agent ?? "");
    return ofLease(clientOrderId) && own !== undefined && [...began.values()].some((other) => other > own && at >= other);
  });
  return {
    orders: twice.filter(({ clientOrderId }) => !ofPlain(clientOrderId)).length + repeatedRequests,
    ordersSent: within.filter(({ clientOrderId }) => !ofPlain(clientOrderId)).length,
    ordersInOverlap: late.length,
    plainOrders: twice.filter(({ clientOrderId }) => ofPlain(clientOrderId)).length,
  };
}
