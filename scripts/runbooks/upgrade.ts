/** A newer Nomad or Consul on the nodes. */
import type { Environment } from "../../environments/schema";
import type { Runbook } from "./runbook";

export function upgrade(env: Environment, gvfx: string): Runbook {
  const { nomad, consul } = env.versions;
  const data = env.nodes.find(({ name }) => name === env.dataPlane.node)!;
  const order = [env.witness, ...env.nodes.filter(({ name }) => name !== data.name), data].map(({ name }) => name);
  return {
    name: "upgrade",
    title: "A newer Nomad or Consul",
    intro: [
      `The nodes run Nomad ${nomad.version} and Consul ${consul.version}, pinned in the environment file by version, address and checksum. An upgrade is a change of these and a deploy of foundation, which takes one node after the other: ${order.join(", ")}. The witness first, since it carries no work and a bad version shows there; the node with the data last. What runs goes on: agents are restarted, tasks are not.`,
      "The order of things: Consul's servers (yours, not the platform's) before its agents; Consul's agents before or with Nomad, since Nomad asks them; one minor version at a time, as their publisher's upgrade guides say; Nomad's servers before its clients, which here are one agent, so that for the time of the deploy an older server may lead newer ones. Vault is by itself: any version that `gvfx doctor` accepts.",
      "The end-to-end tests do one step of both in the lab, under 200 requests a second (`__tests__/e2e/upgrade.e2e.test.ts`): run it with the versions that you go from and to.",
    ],
    steps: [
      {
        title: "what the new versions ask for",
        proves: "nothing that the platform relies on is gone",
        normal: "no note between the two versions names what is used here: workload identity, system jobs, host volumes, the Docker driver, Consul's sessions",
        look: [`${gvfx} doctor`],
        otherwise: ["a version is left out by the guide: go by the one it names in between", "a setting is renamed: change it in constructs/cluster first, and see it in the lab"],
      },
      {
        title: "it works in the lab",
        proves: "these very versions take this configuration, and a rollout loses nothing",
        normal: "0 failed requests, 2 of 3 servers at least, no overlap of workers",
        look: ["GVFX_UPGRADE_FROM_NOMAD=<version that runs> GVFX_UPGRADE_FROM_CONSUL=<version that runs> npx jest --config jest.e2e.config.js upgrade"],
        otherwise: ["read what the node said: npm run gvfx -- lab logs witness"],
      },
      {
        title: "a way back",
        proves: "what Nomad knows can be put back: an older version does not read what a newer one wrote",
        normal: "a file, and a backup that is not older than an hour",
        look: ["nomad operator snapshot save before-upgrade.snap", `${gvfx} data backups`],
        otherwise: ["a backup failed: mend that first (docs/backup.md)"],
      },
      {
        title: "Consul's servers, where Consul is upgraded",
        proves: "no agent is newer than its servers",
        normal: "every server has the new version, and one leads",
        look: ["consul members", "consul operator raft list-peers"],
        otherwise: ["by their own procedure, followers first, the leader last; wait for each to be a voter again"],
      },
      {
        title: "the nodes",
        proves: "each server is healthy in the new version before the next one is touched",
        normal: `in the environment file, versions.nomad and versions.consul with the publisher's SHA256SUMS; the plan changes the steps of ${order.length} nodes and nothing else`,
        look: [`${gvfx} diff foundation`, "npx cdktf deploy foundation", "nomad server members", "nomad node status"],
        otherwise: [
          "the deploy stops at a node: no further one was touched, and two servers of the former version are the quorum. The message says what is wrong; deploy again when it is mended",
          "the new version does not start: take the former one back in the environment file and deploy again, while no server of the new version has led. After that: the snapshot (docs/runbooks/quorum-loss.md)",
        ],
      },
      {
        title: "all is well",
        proves: "nothing was lost on the way",
        normal: "three servers and two clients of the new version, no failed deployment, one worker; a deploy would change nothing",
        look: ["nomad operator autopilot health", `${gvfx} why`, `${gvfx} lease status`, `${gvfx} smoke`, `${gvfx} diff`],
        otherwise: [`${gvfx} why says of what`],
      },
    ],
  };
}
