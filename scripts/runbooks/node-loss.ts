/** A node is lost: what goes on by itself, and what a person must do. */
import type { Environment } from "../../environments/schema";
import type { Runbook } from "./runbook";

export function nodeLoss(env: Environment, gvfx: string): Runbook {
  const { nodes, dataPlane, witness } = env;
  const other = nodes.find(({ name }) => name !== dataPlane.node)!.name;
  return {
    name: "node-loss",
    title: "A node is lost",
    intro: [
      `Nomad misses a node that is silent for its heartbeat and grace, some ten to fifteen seconds, and starts on the other app node what may run there: api, frontend and rl-service have a copy on each, and the worker waits there as a standby. Postgres, MinIO and Convex stay where their data is (${dataPlane.node}): they are away until it is back, or restored elsewhere. The witness (${witness.name}) runs nothing.`,
      "Two of three Nomad servers are a quorum. One more loss, and Nomad stands still: [quorum-loss.md](quorum-loss.md).",
    ],
    steps: [
      {
        title: "which node is lost, and what runs",
        proves: "it is one node, and no network cut that hides several",
        normal: "one node is down, the others are ready, and Nomad has a leader",
        look: ["nomad node status", "nomad server members", `${gvfx} lease status`],
        otherwise: ["when Nomad says that it has no leader: [quorum-loss.md](quorum-loss.md)", "when the node is up and only cut off: mend the network; nothing needs to be moved"],
      },
      {
        title: "exactly one worker runs",
        proves: "trading and ingestion go on, once",
        normal: "the standby of the other app node has the lease 45 seconds after the loss at the latest",
        look: [`${gvfx} lease status`],
        otherwise: [`${gvfx} why gvfx-worker`, "when the lost node is alive and only unreachable: its worker has killed itself before the lease could pass on (docs/worker.md); nothing needs to be stopped by hand"],
      },
      {
        title: "users are served",
        proves: "the remaining copies answer, with fresh data",
        normal: `${other}'s gateway answers; without ${dataPlane.node} the data plane is away, and every read of it fails`,
        look: [`${gvfx} smoke`],
        otherwise: [`${gvfx} why`, `when ${dataPlane.node} is the lost one: the next step`],
      },
      {
        title: "the node comes back, or is given up",
        proves: "there are three Nomad servers again, and two copies of everything",
        normal: "a node that starts again joins by itself, and gets what ran on it",
        look: ["nomad node status", "nomad server members", `${gvfx} doctor`],
        otherwise: [
          "a machine that starts and does not join: on it, systemctl status nomad consul, and journalctl -u nomad",
          `${dataPlane.node}, gone for good: [restore.md](../restore.md#the-data-node-is-gone), and first make sure that it is gone`,
          "another one, gone for good: prepare a machine (docs/foundation.md), give it the name and address of the old one or change the environment, and npx cdktf deploy foundation",
        ],
      },
      {
        title: "nothing is left behind",
        proves: "the platform is as before",
        normal: "no deployment failed, no system job is dead, no plan has changes, and a backup is in time",
        look: [`${gvfx} why`, `${gvfx} data backups`, "npx cdktf diff app"],
        otherwise: ["Nomad does not move running copies back to a node that returned: after the next deploy of app there is one on each again"],
      },
    ],
  };
}
