/** Two of the three Nomad servers are lost. */
import type { Environment } from "../../environments/schema";
import type { Runbook } from "./runbook";

export function quorumLoss(env: Environment, gvfx: string): Runbook {
  const servers = [...env.nodes, env.witness];
  const { dataDir } = env.nomad;
  const login = (name: string): string => {
    const { ssh } = servers.find((server) => server.name === name)!;
    return `${ssh.user}@${name}`;
  };
  return {
    name: "quorum-loss",
    title: "Nomad has no quorum",
    intro: [
      "Nomad's commands answer \"No cluster leader\". What runs goes on: tasks are not stopped, the worker keeps its lease, which is Consul's, and users are served (docs/lab.md has the measured outages). Nothing is placed, moved, deployed or restarted on another node, and the cutover's ledger cannot be read, so that a cutover stops where it is.",
      "So it is urgent, and no reason to hurry: the next loss of a node is the one that hurts.",
    ],
    steps: [
      {
        title: "which servers live",
        proves: "how many are missing, and why",
        normal: `${servers.map(({ name }) => name).join(", ")} are alive`,
        look: servers.map(({ name }) => `ssh ${login(name)} systemctl is-active nomad`),
        otherwise: ["a machine that does not answer: start it, at its provider or by its power button", "one that answers and whose Nomad is not active: the next step"],
      },
      {
        title: "the servers run again",
        proves: "two of three are a quorum: it elects a leader by itself",
        normal: "a leader a few seconds after the second one is there",
        look: ["nomad server members"],
        otherwise: [
          "on each that is not active, as root: systemctl start nomad; and when it ends again: journalctl -u nomad",
          "a lost quorum cannot be planned: deploy foundation only once there is a leader",
          "when two are gone for good, with their disks: the next step",
        ],
      },
      {
        title: "one server left: it is made the only voter",
        proves: "what Nomad knows of jobs, variables and identities is kept",
        normal: "the survivor elects itself, and every job is as it was",
        look: ["nomad server members", "nomad job status"],
        otherwise: [
          "only when the two others can never come back: they would be a second cluster. Turn them off first",
          `on the survivor, as root: its id is in ${dataDir}/server/node-id, and its address is the tailnet's with port 4647`,
          `systemctl stop nomad; then write ${dataDir}/server/raft/peers.json: [{"id": "<id>", "address": "<address>:4647", "non_voter": false}]; then systemctl start nomad`,
          "prepare two machines (docs/foundation.md) with the names and addresses of the lost ones, and npx cdktf deploy foundation",
          `none left: new machines, npx cdktf deploy foundation, and Nomad's own snapshot from a backup (${gvfx} data restore --beside, which says where it is): nomad operator snapshot restore FILE`,
        ],
      },
      {
        title: "all is well",
        proves: "three voters, and everything that was to be placed meanwhile is",
        normal: "three servers, one leader, no failed deployment, one worker",
        look: ["nomad operator raft list-peers", `${gvfx} why`, `${gvfx} lease status`, `${gvfx} doctor`],
        otherwise: [`${gvfx} cutover status, when one was under way: the same command goes on`],
      },
    ],
  };
}
