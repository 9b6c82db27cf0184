/** Checks of the tailnet: its devices as the control plane knows them, its policy, its split DNS. */
import { hasTailnet, type TailnetEnvironment } from "../../../constructs/tailnet/policy";
import type { Environment } from "../../../environments/schema";
import { TailscaleDenied, type TailnetDevice, type TailscaleClient } from "../../clients/tailscale";
import { fail, inconclusive, pass, type Check, type Outcome } from "../check";
import type { DoctorContext } from "../context";
import { ask } from "../explain";
import { allowsAllImplicitly, candidatePolicy } from "../policy-candidate";
import { expectedDevices, deviceOutcome, keyOutcome, tagOutcome, type ExpectedDevice } from "./devices";

const SERVICE = { public: true, name: "Tailscale's API", address: "https://api.tailscale.com", look: "curl -I https://api.tailscale.com" };
const CREDENTIALS = "TAILSCALE_API_KEY, or TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET";
const GIVE_CREDENTIALS = "export TAILSCALE_API_KEY=<key of an administrator>, or TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET of a client with the scopes devices:core:read, policy_file:read and dns:read";

export function tailnetChecks(env: Environment): Check[] {
  if (!hasTailnet(env)) return [];
  const check = (id: string, title: string, run: (tailscale: TailscaleClient, context: DoctorContext) => Promise<Outcome>): Check => ({
    id: `tailnet.${id}`,
    target: "Tailnet",
    title,
    needs: [SERVICE.address, CREDENTIALS],
    run: (context) => ask(SERVICE, () => withCredentials(context, run)),
  });
  const ofDevices = (judge: (devices: readonly TailnetDevice[]) => Outcome) => async (tailscale: TailscaleClient, context: DoctorContext) => judge(await context.devices(tailscale));
  return [
    ...expectedDevices(env).flatMap((expected) => [
      check(`${expected.id}.device`, `${expected.title} joined`, ofDevices((devices) => deviceOutcome(expected, devices))),
      check(`${expected.id}.key`, `${expected.title} key expiry`, ofDevices((devices) => keyOutcome(expected, devices))),
      ...tagChecks(expected, (id, title, judge) => check(id, title, ofDevices(judge))),
    ]),
    ...(env.vultr.enabled ? [check("witness", `witness ${env.witness.name}`, ofDevices((devices) => witnessOutcome(env.witness.name, devices)))] : []),
    check("policy", "policy with the platform's rules in it", (tailscale) => policy(env, tailscale)),
    check("split-dns", `split DNS of ${env.consul.domain}`, async (tailscale) => splitDnsOutcome(env, await tailscale.splitDns())),
  ];
}

function tagChecks(expected: ExpectedDevice, check: (id: string, title: string, judge: (devices: readonly TailnetDevice[]) => Outcome) => Check): Check[] {
  const { tag } = expected;
  return tag === undefined ? [] : [check(`${expected.id}.tag`, `${expected.title} ${tag}`, (devices) => tagOutcome(expected, tag, devices))];
}

async function withCredentials(context: DoctorContext, run: (tailscale: TailscaleClient, context: DoctorContext) => Promise<Outcome>): Promise<Outcome> {
  if (!context.tailscale) return inconclusive("not looked at: no credentials of the tailnet are set", GIVE_CREDENTIALS);
  try {
    return await run(context.tailscale, context);
  } catch (error) {
    if (!(error instanceof TailscaleDenied)) throw error;
    return inconclusive(`${error.message}: credentials that ended, lack a scope, or are of another tailnet`, `${GIVE_CREDENTIALS}; tailnet.name in the environment file must be this tailnet's`);
  }
}

/** A device of that name that is not the witness to come would lend it its address in every certificate. */
export function witnessOutcome(name: string, devices: readonly TailnetDevice[]): Outcome {
  const found = devices.filter((device) => device.hostname === name);
  if (found.length === 0) return pass("not made yet, and its name is free");
  const seen = found.map((device) => `${device.name} (${device.addresses[0] ?? "no address"})`).join(", ");
  if (found.length > 1) return fail(`${found.length} devices have its name: ${seen}`, "In the admin console (Machines) remove those that are no longer there: a new one could not be told from them");
  if (!found[0].keyExpiryDisabled) return fail(`${seen} is there, and its key ends at ${found[0].expires ?? "a time that is not known"}: it is not what foundation makes`, "In the admin console (Machines) remove it if foundation has not been deployed yet; if it has, disable its key expiry");
  return pass(`${seen} has joined; before a first deploy the name must be free`);
}

async function policy(env: TailnetEnvironment, tailscale: TailscaleClient): Promise<Outcome> {
  const live = await tailscale.policy();
  if (allowsAllImplicitly(live)) return fail('has neither "grants" nor "acls", so that every device reaches every other, which ends with the platform\'s grants in it', 'In the admin console (Access controls) write what other devices need as grants; if it is nothing, add "grants": []');
  const faults = await tailscale.policyFaults(candidatePolicy(env, live));
  return faults.length === 0 ? pass("Tailscale accepts it, and all its tests hold") : fail(`Tailscale refuses it: ${faults.join("; ")}`, "In the admin console (Access controls) narrow rules that open the platform's tags, and define the tags and groups that the environment names (tailnet.consulTag, vaultTag, exitNodeTag, userGroup)");
}

/** Foundation sets the domain's resolvers; somebody else's would be lost. */
export function splitDnsOutcome({ consul, nodes }: Pick<Environment, "consul" | "nodes">, domains: Readonly<Record<string, readonly string[]>>): Outcome {
  const now = domains[consul.domain] ?? [];
  if (now.length === 0) return pass("free: foundation sets it");
  const ours = nodes.map((node): string => node.tailnetAddress);
  if (now.every((resolver) => ours.includes(resolver))) return pass(now.join(", "));
  return fail(`is asked of ${now.join(", ")} now, and the deploy would change it to ${ours.join(", ")}`, `In the admin console (DNS) remove the resolvers of ${consul.domain} if nobody needs them, or give this environment a Consul domain of its own (consul.domain)`);
}
