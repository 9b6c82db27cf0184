/** What nobody can see from the operator's machine before a deploy, said aloud. */
import { nomadApiName } from "../../contracts/identity";
import { CLUSTER_PORTS } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import type { NotChecked } from "./check";

export function notChecked({ consul, vault, vultr, witness, tailnet, nodes }: Environment): NotChecked[] {
  const name = nomadApiName(consul.domain);
  const servers = [...new Set([...consul.servers, ...vault.servers])];
  return [
    {
      title: `names below .${consul.domain} on the servers of Consul and Vault`,
      why: "they fetch Nomad's signing keys by such a name, and this machine does not log in to them",
      how: `after the first deploy, on ${servers.join(", ")}: getent hosts ${name}; without an answer, add a forward zone for ${consul.domain} to ${nodes.map((node) => node.tailnetAddress).join(", ")} to their resolver, or accept the tailnet's DNS (tailscale set --accept-dns)`,
    },
    {
      title: `UDP ${CLUSTER_PORTS.consulSerfLan} between the nodes and Consul's servers`,
      why: "nothing answers there before an agent with the gossip key asks",
      how: `after the first deploy, on a node: consul members shows each node as alive, and consul rtt gives times`,
    },
    ...(vultr.enabled ? [{ title: `the witness ${witness.name}`, why: "Vultr makes it in the first deploy", how: "gvfx doctor sees it in the tailnet afterwards" }] : [{ title: "Vultr", why: `the environment does not use it (${vultr.reason})`, how: "nothing to look at" }]),
    ...(tailnet.enabled ? [] : [{ title: "devices, key expiry and policy of a tailnet", why: `the environment has none (${tailnet.reason})`, how: "nothing to look at" }]),
  ];
}
