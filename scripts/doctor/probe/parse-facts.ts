/** From what the probe script printed to typed facts. */
import { X509Certificate } from "node:crypto";
import { z } from "zod";
import type { ClockOffset } from "../../clients/http";
import type { DiskFacts, DockerFacts, FileFacts, Listener, NodeFacts, ReachState, TailscaleFacts } from "./facts";
import { BEGIN, END } from "./script";

/** The script's output is not what it should be. */
export class UnreadableFacts extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UnreadableFacts";
  }
}

/** @throws UnreadableFacts when the script did not come to its end */
export function parseFacts(lines: readonly string[], clock: ClockOffset | undefined): NodeFacts {
  const begin = lines.indexOf(BEGIN);
  const end = lines.lastIndexOf(END);
  if (begin < 0 || end < begin) throw new UnreadableFacts("the probe script did not come to its end on the node");
  const facts = new Map<string, string[]>();
  for (const line of lines.slice(begin + 1, end)) {
    const at = line.indexOf("=");
    if (at > 0) facts.set(line.slice(0, at), [...(facts.get(line.slice(0, at)) ?? []), line.slice(at + 1)]);
  }
  const all = (name: string): string[] => facts.get(name) ?? [];
  const one = (name: string): string | undefined => facts.get(name)?.[0];
  const parts = (name: string): string[][] => all(name).map((value) => value.split("|"));
  const seen = one("network") === "known";
  const helper = one("credential_helper");

  return {
    clock,
    system: one("system") ?? "",
    architecture: one("architecture") ?? "",
    login: one("login") ?? "",
    root: one("root") === "yes",
    synchronized: { yes: true, no: false }[one("synchronized") ?? ""],
    missingTools: parts("tool").filter(([, there]) => there === "no").map(([tool]) => tool),
    addresses: all("address"),
    programs: Object.fromEntries(parts("program").map(([name, text]) => [name, /v?(\d+\.\d+\.\d+)/.exec(text ?? "")?.[1]])),
    docker: dockerFacts(parts("docker")[0], one("docker_registries")),
    dockerRoot: one("docker_root") || undefined,
    tailscale: tailscaleFacts(one("tailscale"), one("tailscale_status")),
    listeners: one("listening") === "known" ? all("listener").flatMap((line) => listener(line)) : undefined,
    files: new Map(parts("file").map(([path, ...facts]) => [path, fileFacts(facts)])),
    certificates: new Map(parts("certificate").map(([path, pem]) => [path, certificatesOf(pem ?? "")])),
    gossipKeyBytes: one("gossip_key_bytes") === undefined ? undefined : Number(one("gossip_key_bytes")),
    registryListed: { yes: true, no: false }[one("registry_listed") ?? ""],
    credentialHelper: helper,
    reach: seen ? new Map(parts("reach").map(([host, port, state]) => [`${host}:${port}`, state as ReachState])) : undefined,
    recursors: seen ? new Map(parts("recursor").map(([address, bytes]) => [address, (bytes ?? "").split(" ").filter(Boolean).map(Number)])) : undefined,
    disks: parts("disk").flatMap(([path, existing, blocks, inodes]) => diskFacts(path, existing, blocks, inodes)),
    syncs: new Map(parts("sync").map(([path, folder, times]) => [path, { folder, seconds: (times ?? "").split(" ").filter((t) => /^[\d.e-]+$/.test(t)).map(Number) }])),
  };
}

function dockerFacts(parts: readonly string[] | undefined, registries: string | undefined): DockerFacts | undefined {
  if (!parts) return undefined;
  const [state, text = ""] = parts;
  if (state === "absent") return { state };
  if (state === "silent") return { state, complaint: text };
  return { state: "answers", version: text, insecureRegistries: insecureRegistries(registries) };
}

const registriesSchema = z.object({ IndexConfigs: z.record(z.string(), z.object({ Secure: z.boolean() })).nullish(), InsecureRegistryCIDRs: z.array(z.string()).nullish() });

/** Registries that the engine speaks plain HTTP with, as `docker info` lists them: names, and ranges of addresses. */
function insecureRegistries(text: string | undefined): string[] {
  const { IndexConfigs, InsecureRegistryCIDRs } = registriesSchema.catch({}).parse(jsonOr(text, null));
  return [...Object.entries(IndexConfigs ?? {}).filter(([, { Secure }]) => !Secure).map(([name]) => name), ...(InsecureRegistryCIDRs ?? [])];
}

const statusSchema = z.object({ Self: z.object({ DNSName: z.string(), TailscaleIPs: z.array(z.string()).nullish(), KeyExpiry: z.string().optional(), Online: z.boolean().optional() }) });

function tailscaleFacts(version: string | undefined, status: string | undefined): TailscaleFacts | undefined {
  if (version === undefined || version === "absent") return undefined;
  const parsed = statusSchema.safeParse(jsonOr(status, undefined));
  if (!parsed.success) return { version, self: undefined };
  const { DNSName, TailscaleIPs, KeyExpiry, Online } = parsed.data.Self;
  return { version, self: { name: DNSName.replace(/\.$/, ""), addresses: TailscaleIPs ?? [], keyExpiry: KeyExpiry === undefined ? undefined : new Date(KeyExpiry), online: Online ?? false } };
}

function jsonOr<T>(text: string | undefined, otherwise: T): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return otherwise;
  }
}

/** A line of `ss -lntup`: protocol, state, two queues, local address, peer, users. */
function listener(line: string): Listener[] {
  const match = /^(tcp|udp) \S+ \d+ \d+ (\S+):(\d+) \S+(?: users:\(\("([^"]+)")?/.exec(line);
  if (!match) return [];
  const [, protocol, address, port, program] = match;
  // `*` takes both families, and so does `::` of an old ss; `[::]` takes IPv6 alone.
  const all = ["*", "0.0.0.0", "::"].includes(address);
  return [{ protocol: protocol as Listener["protocol"], address: all ? "*" : address.replace(/%.*$/, ""), port: Number(port), program }];
}

function fileFacts([state, owner, kind, size]: readonly string[]): FileFacts {
  if (state === "absent") return { state };
  if (state === "hidden") return { state };
  return { state: "present", mode: Number.parseInt(state, 8), owner: owner ?? "", isFolder: kind === "directory", size: Number(size) };
}

function certificatesOf(text: string): X509Certificate[] {
  const blocks = text.replaceAll("~", "\n").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((pem) => {
    try {
      return [new X509Certificate(pem)];
    } catch {
      return [];
    }
  });
}

/** Lines of `df -Pk` and `df -Pi`: device, total, used, available, share, mount point. */
function diskFacts(path: string, existing: string, blocks = "", inodes = ""): DiskFacts[] {
  const [device, , , available] = blocks.split(" ");
  const mount = blocks.split(" ").slice(5).join(" ");
  if (!Number.isFinite(Number(available)) || !mount) return [];
  const [, totalInodes, , freeInodes] = inodes.split(" ").map(Number);
  return [{ path, existing, filesystem: `${device} on ${mount}`, freeBytes: Number(available) * 1024, freeInodes: totalInodes > 0 ? freeInodes / totalInodes : undefined }];
}
