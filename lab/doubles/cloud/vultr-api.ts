/**
 * A double of Vultr's API, as far as the provider uses it here: operating systems,
 * firewall groups with their rules, and instances, which boot with their user data.
 * What it sells is a list of one each; what it is given it keeps.
 */
import { randomUUID } from "node:crypto";
import { credential, type ApiDouble, type ApiReply, type ApiRequest } from "./api";

export interface FirewallRuleDouble {
  readonly id: number;
  ip_type: string;
  protocol: string;
  port: string;
  subnet: string;
  subnet_size: number;
  source: string;
  notes: string;
}

export interface FirewallGroupDouble {
  readonly id: string;
  description: string;
  readonly rules: FirewallRuleDouble[];
}

interface InstanceRequest {
  readonly plan: string; readonly region: string; readonly os_id: number; readonly hostname: string; readonly label: string;
  readonly tags?: readonly string[]; readonly firewall_group_id?: string; readonly enable_ipv6?: boolean; readonly user_data?: string; readonly backups?: string;
}

export interface InstanceDouble {
  readonly id: string;
  label: string;
  readonly hostname: string;
  readonly plan: string;
  readonly region: string;
  readonly firewall_group_id: string;
  readonly tags: readonly string[];
  status: "pending" | "active";
  power_status: "stopped" | "running";
  /** Decoded. The API never gives it back with the instance. */
  readonly userData: string;
  readonly backups: string;
}

const OPERATING_SYSTEMS = [
  { id: 2136, name: "Debian 12 x64 (bookworm)", arch: "x64", family: "debian" },
  { id: 1743, name: "Ubuntu 22.04 LTS x64", arch: "x64", family: "ubuntu" },
];
const REGIONS = ["fra"];
const PLANS = ["vc2-1c-2gb", "vc2-2c-4gb"];
const CREATED = "2026-01-01T00:00:00+00:00";

const refused = (status: number, error: string): ApiReply => ({ status, body: { error, status } });
const listed = (name: string, entries: readonly unknown[]): ApiReply => ({ status: 200, body: { [name]: entries, meta: { total: entries.length, links: { next: "", prev: "" } } } });
const done: ApiReply = { status: 204 };

export class VultrApiDouble implements ApiDouble {
  /** The API key that it admits. */
  static readonly KEY = "vultr-key-double";
  /** Root password of every instance, told once, when it is made. */
  static readonly PASSWORD = "double-root-password";
  readonly firewalls: FirewallGroupDouble[] = [];
  readonly instances: InstanceDouble[] = [];
  /** Requests that changed something, oldest first. */
  readonly changes: string[] = [];
  /** Called when an instance was made, to do what its first boot would. */
  onBoot: (instance: InstanceDouble) => void = () => undefined;
  private rules = 0;

  answer({ method, url: { pathname }, body, authorization }: ApiRequest): ApiReply {
    if (credential(authorization) !== VultrApiDouble.KEY) return refused(401, "Invalid API token.");
    if (method !== "GET") this.changes.push(`${method} ${pathname}`);
    const [, what, id, part, item] = /^\/v2\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(pathname) ?? [];
    const given: unknown = body === "" ? {} : JSON.parse(body);
    if (what === "os" && method === "GET") return listed("os", OPERATING_SYSTEMS);
    if (what === "firewalls") return id === undefined ? this.firewallGroups(method, given as { description: string }) : this.firewallGroup(method, id, part, item, given as never);
    if (what === "instances") return id === undefined ? this.create(given as InstanceRequest) : this.instance(method, id, part, given as { label?: string });
    return refused(404, `${pathname} is not in this double`);
  }

  private firewallGroups(method: string, given: { readonly description: string }): ApiReply {
    if (method === "GET") return listed("firewall_groups", this.firewalls.map((group) => this.shownGroup(group)));
    const group: FirewallGroupDouble = { id: randomUUID(), description: given.description, rules: [] };
    this.firewalls.push(group);
    return { status: 201, body: { firewall_group: this.shownGroup(group) } };
  }

  private firewallGroup(method: string, id: string, part: string | undefined, item: string | undefined, given: Omit<FirewallRuleDouble, "id"> & { readonly description: string }): ApiReply {
    const group = this.firewalls.find((one) => one.id === id);
    if (!group) return refused(404, "Firewall group ID not found");
    if (part === "rules") return this.rule(method, group, item, given);
    if (method === "DELETE") this.firewalls.splice(this.firewalls.indexOf(group), 1);
    if (method === "PUT") group.description = given.description;
    return method === "GET" ? { status: 200, body: { firewall_group: this.shownGroup(group) } } : done;
  }

  private rule(method: string, group: FirewallGroupDouble, item: string | undefined, given: Omit<FirewallRuleDouble, "id">): ApiReply {
    if (item === undefined) return method === "GET" ? listed("firewall_rules", group.rules.map(shownRule)) : { status: 201, body: { firewall_rule: shownRule(this.addRule(group, given)) } };
    const rule = group.rules.find(({ id }) => String(id) === item);
    if (!rule) return refused(404, "Firewall rule ID not found");
    if (method === "DELETE") group.rules.splice(group.rules.indexOf(rule), 1);
    return method === "GET" ? { status: 200, body: { firewall_rule: shownRule(rule) } } : done;
  }

  /** What anybody can do by hand in the console, too. */
  addRule(group: FirewallGroupDouble, { ip_type, protocol, port, subnet, subnet_size, source, notes }: Omit<FirewallRuleDouble, "id" | "source" | "notes"> & { readonly source?: string; readonly notes?: string }): FirewallRuleDouble {
    const rule = { id: (this.rules += 1), ip_type, protocol, port, subnet, subnet_size, source: source ?? "", notes: notes ?? "" };
    group.rules.push(rule);
    return rule;
  }

  private shownGroup({ id, description, rules }: FirewallGroupDouble): object {
    return { id, description, date_created: CREATED, date_modified: CREATED, instance_count: this.instances.filter((one) => one.firewall_group_id === id).length, rule_count: rules.length, max_rule_count: 50 };
  }

  private create(given: InstanceRequest): ApiReply {
    const { plan, region, os_id, firewall_group_id = "" } = given;
    if (!REGIONS.includes(region)) return refused(400, `Invalid region ${region}`);
    if (!PLANS.includes(plan)) return refused(400, `Invalid plan ${plan}`);
    if (!OPERATING_SYSTEMS.some(({ id }) => id === os_id)) return refused(400, `Invalid os_id ${os_id}`);
    if (firewall_group_id !== "" && !this.firewalls.some(({ id }) => id === firewall_group_id)) return refused(400, "Invalid firewall group");
    const instance: InstanceDouble = {
      id: randomUUID(), plan, region, firewall_group_id, label: given.label, hostname: given.hostname, tags: given.tags ?? [], backups: given.backups ?? "disabled",
      status: "pending", power_status: "stopped", userData: Buffer.from(given.user_data ?? "", "base64").toString(),
    };
    this.instances.push(instance);
    this.onBoot(instance);
    return { status: 202, body: { instance: { ...shownInstance(instance), default_password: VultrApiDouble.PASSWORD } } };
  }

  private instance(method: string, id: string, part: string | undefined, given: { readonly label?: string }): ApiReply {
    const instance = this.instances.find((one) => one.id === id);
    if (!instance) return refused(404, "instance not found");
    if (part === "backup-schedule") return { status: 200, body: { backup_schedule: { enabled: instance.backups === "enabled", type: "", next_scheduled_time_utc: "", hour: 0, dow: 0, dom: 0 } } };
    if (part === "vpcs" || part === "vpc2") return listed("vpcs", []);
    if (part !== undefined) return refused(404, `instances/*/${part} is not in this double`);
    if (method === "DELETE") {
      this.instances.splice(this.instances.indexOf(instance), 1);
      return done;
    }
    if (method === "PATCH") instance.label = given.label ?? instance.label;
    const answer = { status: 200, body: { instance: shownInstance(instance) } };
    // Seen once while it is made; then it runs.
    Object.assign(instance, { status: "active", power_status: "running" } satisfies Partial<InstanceDouble>);
    return answer;
  }
}

function shownRule(rule: FirewallRuleDouble): object {
  return { ...rule, action: "accept" };
}

function shownInstance({ userData: _userData, backups: _backups, ...instance }: InstanceDouble): object {
  return {
    ...instance, os: OPERATING_SYSTEMS[0].name, os_id: OPERATING_SYSTEMS[0].id, app_id: 0, image_id: "", snapshot_id: "", ram: 2048, disk: 55, vcpu_count: 1, main_ip: "192.0.2.10", allowed_bandwidth: 2048,
    netmask_v4: "255.255.255.0", gateway_v4: "192.0.2.1", server_status: "ok", internal_ip: "", kvm: "", v6_network: "2001:db8::", v6_main_ip: "2001:db8::10", v6_network_size: 64,
    date_created: CREATED, features: ["ipv6"], user_scheme: "root", vpc_only: false,
  };
}
