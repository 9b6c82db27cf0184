/** What a cutover relies on beyond what `gvfx doctor` looks at: a Nomad that leads itself with every node ready, and a legacy host that answers. */
import { z } from "zod";
import type { NomadEndpoint } from "../../clients/nomad-variables";
import { json, request } from "../../clients/http";
import { fail, inconclusive, pass, type Outcome } from "../../doctor/check";
import type { Checked } from "../../acceptance/result";
import type { Legacy } from "../world";

export interface PreflightOptions {
  readonly nomad: NomadEndpoint;
  /** Servers that the environment has. */
  readonly servers: number;
  readonly appNodes: readonly string[];
  readonly legacy: Pick<Legacy, "worker">;
  /** How the legacy host is looked at, for whoever has to. */
  readonly seeLegacy: string;
  readonly signal: AbortSignal;
}

const nodesSchema = z.array(z.object({ Name: z.string(), Status: z.string(), SchedulingEligibility: z.string() }));

export async function preflightChecks({ nomad, servers, appNodes, legacy, seeLegacy, signal }: PreflightOptions): Promise<Checked[]> {
  const ask = async (path: string): Promise<unknown> => json(await request(`${nomad.address}${path}`, { ca: nomad.caPem, headers: { "x-nomad-token": nomad.token }, signal }), `Nomad's ${path}`);
  const judged = async (judge: () => Promise<Outcome>, mend: string): Promise<Outcome> => judge().catch((error: unknown) => inconclusive((error as Error).message, mend));
  return [
    { id: "nomad-quorum", title: "Nomad: quorum", outcome: await judged(async () => quorum(z.string().parse(await ask("/v1/status/leader")), z.array(z.string()).parse(await ask("/v1/status/peers")), servers), "see docs/runbooks/quorum-loss.md") },
    { id: "nomad-nodes", title: "Nomad: both app nodes are ready", outcome: await judged(async () => nodes(nodesSchema.parse(await ask("/v1/nodes")), appNodes), "see docs/runbooks/node-loss.md") },
    {
      id: "legacy",
      title: "legacy: its host answers",
      outcome: await judged(async () => {
        const { running, strangers } = await legacy.worker();
        return pass(`${running ?? "no worker runs"}${strangers.length > 0 ? `; besides ${strangers.join(", ")}` : ""}`);
      }, `see: ${seeLegacy}`),
    },
  ];
}

function quorum(leader: string, peers: readonly string[], servers: number): Outcome {
  if (leader === "") return fail("there is no leader", "see docs/runbooks/quorum-loss.md");
  return peers.length >= servers ? pass(`${peers.length} servers, ${leader} leads`) : fail(`${peers.length} of ${servers} servers are voters: one more loss, and nothing is placed any more`, "start the missing one, see docs/runbooks/node-loss.md");
}

function nodes(all: z.output<typeof nodesSchema>, wanted: readonly string[]): Outcome {
  const problems = wanted.flatMap((name) => {
    const node = all.find(({ Name }) => Name === name);
    if (!node) return [`${name} is not known`];
    return node.Status === "ready" && node.SchedulingEligibility === "eligible" ? [] : [`${name} is ${node.Status}, ${node.SchedulingEligibility}`];
  });
  return problems.length === 0 ? pass(wanted.join(", ")) : fail(problems.join("; "), "see docs/runbooks/node-loss.md; a node that was drained is opened by: nomad node eligibility -enable <node>");
}
