/** The drills' world in earnest: a lab, or a cluster by the operator's management token. */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { SIDE_HEADER } from "../../../constructs/gateway/haproxy";
import type { Environment } from "../../../environments/schema";
import { Duration } from "../../../contracts/units";
import { request } from "../../clients/http";
import { convexCalls } from "../../data/backfill/convex-calls";
import { apiAddresses, backfillAccess } from "../../data/backfill/access";
import { convexAddress } from "../../data/convex/access";
import { labBreaker } from "../../lab/break/command";
import { leaseAccess, leaseCommands } from "../../lease/access";
import { assessLease } from "../../lease/assess";
import { lookAtLease } from "../../lease/look";
import { operatorJobs } from "../../operator/access";
import { frontendAddresses, rlAddresses, type AcceptanceAccess } from "../access";
import type { InferenceWorld } from "./inference";
import type { Files } from "./world";

/** What takes longer has failed a user. */
const ANSWER_TIMEOUT = Duration.seconds(15);
/** The double trains 1,000 steps in 200 ms; the app's own takes longer. */
const TRAINING_STEPS = 50_000;
/** Enough for an artifact, whatever it knows. */
const MODEL_STEPS = 100;
/** What a training answers, and an inference is given. */
const modelSchema = z.object({ artifact_base64: z.string(), artifact_checksum: z.string() });
const TRAINING_TIMEOUT = Duration.minutes(20);

/** @throws Error when the lab is not up, or a credential is missing */
export async function drillWorld(env: Environment, { variables, readFile, signal }: AcceptanceAccess): Promise<InferenceWorld> {
  const nomad = operatorJobs(env, variables, readFile, "the management token, which may drain nodes: terraform -chdir=cdktf.out/stacks/foundation output -raw management-token");
  const { data } = await backfillAccess(env, "nomad", variables, signal);
  const lease = leaseAccess(env, variables, readFile);
  const rl = new Map(rlAddresses(env, "nomad").map((url, index) => [env.nodes[index].name, url]));
  const pairs = env.markets.crypto;
  let trained: Promise<z.output<typeof modelSchema>> | undefined;
  const model = () => (trained ??= post(`${rl.get(env.dataPlane.node)}/training/run`, training(pairs[0], MODEL_STEPS), TRAINING_TIMEOUT).then((text) => modelSchema.parse(JSON.parse(text))));
  return {
    appNodes: env.nodes.map(({ name }) => name),
    dataNode: env.dataPlane.node,
    targets: [
      ...apiAddresses(env, "nomad").map((url, index) => ({ label: `API by ${env.nodes[index].name}`, ask: () => answers(`${url}/health`) })),
      ...frontendAddresses(env, "nomad").map((url, index) => ({ label: `frontend by ${env.nodes[index].name}`, ask: () => answers(`${url}/`) })),
    ],
    copies: () => nomad.running(),
    async workerNode() {
      const { holder, verdict } = assessLease(await lookAtLease(lease.sources), leaseCommands(env));
      return verdict === "held" ? holder?.worker?.node : undefined;
    },
    drain: (node) => nomad.drain(node),
    close: (node) => nomad.close(node),
    open: (node) => nomad.open(node),
    stopCopy: (id) => nomad.stopAllocation(id),
    restartCopy: (id) => nomad.restartAllocation(id),
    async longestIngestionGap(since) {
      const times = [...new Set((await Promise.all(pairs.map((pair) => data.times("orderbook", pair, since)))).flat())].sort((a, b) => a - b);
      return Math.max(0, ...[...times, await data.now()].map((time, index) => time - (index === 0 ? since : times[index - 1])));
    },
    files: convexFiles(convexAddress(env, "nomad"), signal),
    // In production the service infers by a model alone (strict inference): a small one is trained first, once.
    infer: async (gateway) => void (await post(`${rl.get(gateway)}/inference`, { pair: pairs[0], market: { pair: pairs[0], candles: candles() }, policy_version: "gvfx-acceptance", ...(await model()) }, ANSWER_TIMEOUT)),
    train: async (gateway) => void (await post(`${rl.get(gateway)}/training/run`, training(pairs[0], TRAINING_STEPS), TRAINING_TIMEOUT)),
    async kill(node) {
      await breaker(env).break("kill", [node]);
    },
    async heal(node) {
      await breaker(env).heal({ names: [node] });
    },
    clock: { now: () => performance.now(), wall: () => Date.now(), wait: async (ms) => void (await pause(ms)) },
  };
}

/** Only a lab's machines can be killed from here. */
function breaker(env: Environment) {
  if (!env.lab) throw new Error(`a node of "${env.name}" cannot be killed from here; run this drill in the lab, or switch the node off yourself`);
  return labBreaker(env, env.lab);
}

async function answers(url: string): Promise<void> {
  const { status } = await request(url, { answerTimeout: ANSWER_TIMEOUT, headers: { [SIDE_HEADER]: "nomad" } });
  if (status !== 200) throw new Error(`answered ${status}`);
}

/** @returns the answer's body */
async function post(url: string, body: object, answerTimeout: Duration): Promise<string> {
  const { status, text } = await request(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), answerTimeout });
  if (status !== 200) throw new Error(`answered ${status}: ${text.trim().slice(0, 120)}`);
  return text;
}

function training(pair: string, timesteps: number): object {
  return { pair, period_start: ago(60), period_end: ago(0), dataset_features: candles().map((candle) => ({ ...candle })), timesteps, window_size: 10, stride: 1 };
}

const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
const candles = () => Array.from({ length: 60 }, (_, index) => ({ timestamp: ago(60 - index), open: 100 + index, high: 101 + index, low: 99 + index, close: 100.5 + index, volume: 10 }));

/** Files by the app's own functions (convex/storage.ts): a row in Postgres and an object in MinIO each. */
function convexFiles(address: string, signal: AbortSignal): Files {
  const calls = convexCalls(address, signal);
  const call = async (kind: "action" | "mutation", path: string, args: object): Promise<unknown> => {
    const { status, text } = await request(`${address}/api/${kind}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ path, args, format: "json" }), answerTimeout: ANSWER_TIMEOUT });
    const answer = status === 200 ? (JSON.parse(text) as { status: string; value?: unknown; errorMessage?: string }) : undefined;
    if (answer?.status !== "success") throw new Error(`${path} answered ${status}${answer?.errorMessage ? `: ${answer.errorMessage.split("\n")[0]}` : ""}`);
    return answer.value;
  };
  return {
    async store(content) {
      return ((await call("action", "storage:storeTextFile", { content, contentType: "text/plain" })) as { storageId: string }).storageId;
    },
    async fetch(id) {
      const url = (await calls.query("storage:getFileUrl", { storageId: id })) as string | null;
      if (url === null) return undefined;
      // The address that Convex gives is the cluster's own.
      const { status, text } = await request(`${address}${new URL(url).pathname}`, { answerTimeout: ANSWER_TIMEOUT });
      if (status === 404) return undefined;
      if (status !== 200) throw new Error(`the file answered ${status}`);
      return text;
    },
    remove: async (id) => void (await call("mutation", "storage:deleteFile", { storageId: id })),
  };
}
