/** Checks of the existing Consul. */
import { kvPaths } from "../../../contracts/kv";
import type { Environment } from "../../../environments/schema";
import type { ConsulServer } from "../../clients/consul";
import { fail, inconclusive, pass, type Check, type Outcome } from "../check";
import { clockOutcome } from "../clock";
import type { DoctorContext } from "../context";
import { ask, type Service } from "../explain";
import { MAX_CONSUL_MINORS_BEHIND, MIN_TOKEN_LIFE, SERVER_CLOCK_SKEW } from "../thresholds";
import { compareVersions, minorOf } from "../versions";

const TOKEN = "CONSUL_HTTP_TOKEN";
const NEEDED = "a token of the policy global-management, or one with acl = \"write\", operator = \"read\" and key_prefix \"\" { policy = \"write\" }";
const GIVE_TOKEN = `export ${TOKEN}=<${NEEDED}>`;

export function consulChecks(env: Environment): Check[] {
  const { address } = env.consul;
  const check = (id: string, title: string, needsToken: boolean, run: (context: DoctorContext) => Promise<Outcome>): Check => ({
    id: `consul.${id}`,
    target: "Consul",
    title,
    needs: [address, ...(needsToken ? [TOKEN] : [])],
    run: (context) => {
      if (needsToken && !context.credentials.consulToken) return Promise.resolve(inconclusive(`not looked at: ${TOKEN} is not set`, GIVE_TOKEN));
      return ask(service(context), () => run(context), id === "answers" ? undefined : "consul.answers");
    },
  });
  return [
    check("answers", "answers, with a leader", false, answers),
    check("datacenter", "datacenter", false, datacenter),
    check("clock", "clock", false, async (context) => clockOutcome((await context.consul.leader()).clock, SERVER_CLOCK_SKEW, "identities that Nomad signs would be refused", "On the Consul servers: timedatectl set-ntp true; on this machine too, if it is the one that is wrong")),
    check("acls", "ACLs are on", false, acls),
    check("default-deny", "nothing without a token", false, defaultDeny),
    check("token", "token of the deploy", true, token),
    check("servers", "servers are those of the environment, and healthy", true, async (context) => withServers(context, (servers) => serversOutcome(env, servers))),
    check("versions", "versions", true, async (context) => withServers(context, (servers) => versionsOutcome(env.versions.consul.version, servers))),
  ];
}

function service({ env, credentials }: DoctorContext): Service {
  const { address } = env.consul;
  return { name: "Consul", address, caVariable: "CONSUL_CACERT", caGiven: credentials.consulCa !== undefined, look: `curl ${address}/v1/status/leader` };
}

async function answers({ consul, env }: DoctorContext): Promise<Outcome> {
  const { leader } = await consul.leader();
  return leader === "" ? fail("answers, but its servers have no leader", "On a Consul server: consul operator raft list-peers; journalctl -u consul -n 50") : pass(`${env.consul.address}, leader ${leader}`);
}

async function datacenter({ consul, env }: DoctorContext): Promise<Outcome> {
  const known = await consul.datacenters();
  const wanted = env.consul.datacenter;
  return known.includes(wanted) ? pass(wanted) : fail(`there is ${known.join(", ") || "none"}, not ${wanted}`, "Correct consul.datacenter in the environment file: agents of another datacenter are not let in");
}

async function acls({ consul }: DoctorContext): Promise<Outcome> {
  return (await consul.aclsEnabled())
    ? pass("on")
    : fail("off: anybody on the tailnet could take the worker's lease and trade twice", 'On each Consul server set acl { enabled = true, default_policy = "deny", enable_token_persistence = true }, restart them one by one, then: consul acl bootstrap');
}

async function defaultDeny({ consul, env }: DoctorContext): Promise<Outcome> {
  if (!(await consul.aclsEnabled())) return fail("ACLs are off, so everything is allowed", "Mend consul.acls first");
  const { workerLease } = kvPaths(env.nomad.namespace);
  return (await consul.anonymousMayRead(workerLease))
    ? fail(`${workerLease} can be read without a token`, 'On each Consul server set acl { default_policy = "deny" } and restart it; take rights to keys away from the anonymous token: consul acl token read -accessor-id 00000000-0000-0000-0000-000000000002')
    : pass(`${workerLease} is refused without a token`);
}

async function token({ consul }: DoctorContext): Promise<Outcome> {
  if (!(await consul.aclsEnabled())) return inconclusive("not looked at: without ACLs there are no tokens", "Mend consul.acls first");
  const own = await consul.ownToken();
  if (!own) return fail("Consul does not know the token", GIVE_TOKEN);
  const left = own.expires ? own.expires.getTime() - Date.now() : undefined;
  if (left !== undefined && left < MIN_TOKEN_LIFE.milliseconds) return fail(`ends at ${own.expires?.toISOString()}, sooner than a first deploy (${MIN_TOKEN_LIFE})`, GIVE_TOKEN);
  const mayWrite = (await consul.may("acl", "write")) ?? (own.policies.includes("global-management") || undefined);
  if (mayWrite === undefined) return inconclusive("accepted; whether it may write ACLs could not be seen", `See that it may: consul acl token read -self; foundation needs ${NEEDED}`);
  return mayWrite ? pass("accepted, may write ACLs") : fail("may not write ACLs, which foundation does (policies, roles, the login of workloads)", GIVE_TOKEN);
}

async function withServers({ consul }: DoctorContext, judge: (servers: readonly ConsulServer[]) => Outcome): Promise<Outcome> {
  const servers = await consul.servers();
  return servers ? judge(servers) : inconclusive("the token may not see the servers (operator:read)", GIVE_TOKEN);
}

export function serversOutcome({ consul }: Pick<Environment, "consul">, servers: readonly ConsulServer[]): Outcome {
  const missing = consul.servers.filter((address) => !servers.some((server) => server.address === address));
  const unhealthy = servers.filter((server) => !server.healthy);
  if (missing.length > 0) return fail(`not among the servers: ${missing.join(", ")} (there are ${servers.map((s) => s.address).join(", ") || "none"})`, "Correct consul.servers in the environment file: the nodes' agents join by these addresses. If they are right, let the servers advertise them (advertise_addr)");
  if (unhealthy.length > 0) return fail(`not healthy: ${unhealthy.map((s) => `${s.name} (${s.address})`).join(", ")}`, "On each of them: systemctl status consul; journalctl -u consul -n 50");
  return pass(servers.map((server) => `${server.name} ${server.address}`).join(", "));
}

/** The agents that foundation installs against the servers that are there. */
export function versionsOutcome(agents: string, servers: readonly ConsulServer[]): Outcome {
  const seen = [...new Set(servers.map((server) => server.version))].join(", ");
  if (servers.length === 0) return inconclusive("Consul lists no server", "On a Consul server: consul operator raft list-peers");
  const older = servers.filter(({ version }) => compareVersions(version, agents) < 0 && minorOf(version) !== minorOf(agents));
  if (older.length > 0) return fail(`servers ${seen} are older than the nodes' agents will be (${agents}): servers are upgraded first`, `Upgrade ${older.map((s) => s.name).join(", ")}, or lower versions.consul in the environment file`);
  const ahead = servers.filter(({ version }) => Number(version.split(".")[1]) - Number(agents.split(".")[1]) > MAX_CONSUL_MINORS_BEHIND || version.split(".")[0] !== agents.split(".")[0]);
  if (ahead.length > 0) return fail(`servers ${seen} are more than ${MAX_CONSUL_MINORS_BEHIND} minor versions ahead of the nodes' agents (${agents})`, `Raise versions.consul in the environment file to within ${MAX_CONSUL_MINORS_BEHIND} of the servers`);
  return pass(`servers ${seen}, agents ${agents}`);
}
