/**
 * Rules that tie sections of an environment together. Each names the sections it
 * needs, so that an error in one section does not hide those of the others.
 */
import { ENV_CONTRACT, entriesFor, FORBIDDEN_KEYS, valueError, WORKER_ONLY_KEYS } from "../../contracts/env";
import { catalogErrors } from "../../contracts/markets";
import { CLUSTER_PORTS, type AppService } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import type { Environment } from "../schema";
import { dataMoveFindings } from "./data-move-checks";
import { singletonFindings } from "../singleton/inequalities";
import { backupFindings } from "./backup-checks";
import { coverageFindings } from "./coverage-checks";

export interface Finding {
  readonly path: string;
  readonly message: string;
  readonly example?: unknown;
}

interface CrossCheck {
  readonly needs: readonly (keyof Environment)[];
  check(env: Environment): Finding[];
}

/** Connections that Postgres must admit at once; a canary deployment of the API runs both versions. */
export function requiredConnections(env: Pick<Environment, "dataPlane" | "replicas">): { readonly total: number; readonly parts: Readonly<Record<string, number>> } {
  const { convexPool, appPool, backupConnections, reserve } = env.dataPlane.postgres;
  const parts = { convex: convexPool, api: appPool * env.replicas.api * 2, worker: appPool, backup: backupConnections, reserve };
  return { total: Object.values(parts).reduce((sum, n) => sum + n, 0), parts };
}

/** Ten seconds of health, and twenty to start. */
const SHORTEST_HEALTHY_DEADLINE = Duration.seconds(30);
/** Keys that the platform sets itself, so that tuning may not. */
export const PLATFORM_KEYS: Readonly<Record<AppService, readonly string[]>> = {
  api: ["CONVEX_URL", "NODE_ENV", "PORT", "RL_SERVICE_URL", "MARKET_GOLD_PAIRS", "MARKET_CRYPTO_PAIRS", "BINGX_MARKET_DATA_PAIRS", "TIMESCALE_POOL_MAX", "DISABLE_TEST_DATA_IN_DB"],
  worker: ["CONVEX_URL", "NODE_ENV", "RL_SERVICE_URL", "MARKET_GOLD_PAIRS", "MARKET_CRYPTO_PAIRS", "BINGX_MARKET_DATA_PAIRS", "BINGX_WS_ENABLED", "TIMESCALE_POOL_MAX", "METRICS_PORT", "DISABLE_TEST_DATA_IN_DB"],
  frontend: ["API_BASE_URL", "NEXT_PUBLIC_MARKET_GOLD_PAIRS", "NEXT_PUBLIC_MARKET_CRYPTO_PAIRS"],
  "rl-service": ["RL_ENV", "RL_SERVICE_HOST", "RL_SERVICE_PORT"],
};

const TUNING_SERVICE = { api: "api", worker: "worker", frontend: "frontend", rlService: "rl-service" } as const;

export function tuningErrors(service: AppService, key: string, value: string): string | undefined {
  if (Object.hasOwn(FORBIDDEN_KEYS, key)) return `is forbidden: ${FORBIDDEN_KEYS[key]}`;
  const entry = entriesFor(service).find((e) => e.key === key);
  if (!entry) {
    const others = [...new Set(ENV_CONTRACT.filter((e) => e.key === key).flatMap((e) => e.services))];
    return others.length > 0 ? `is not read by ${service}, only by ${others.join(" and ")}; move it there` : `is in no service's contract; correct the name (contracts/env-catalog.ts lists them)`;
  }
  if (entry.secret) return "is a secret: put it into Vault, never into an environment file";
  if (PLATFORM_KEYS[service].includes(key)) return "is set by the platform from other fields of the environment; remove it";
  if (service !== "worker" && WORKER_ONLY_KEYS.has(key)) return "may be given to the worker only: a second process with it would run the same scheduler twice; move it to tuning.worker";
  return valueError(entry, value);
}

const CHECKS: readonly CrossCheck[] = [
  {
    needs: ["markets"],
    check: ({ markets }) => catalogErrors(markets).map((message) => ({ path: "markets", message, example: { gold: ["XAUTUSDT"], crypto: ["BTC-USDT"] } })),
  },
  {
    needs: ["tuning"],
    check: ({ tuning }) =>
      Object.entries(TUNING_SERVICE).flatMap(([section, service]) =>
        Object.entries(tuning[section as keyof typeof TUNING_SERVICE]).flatMap(([key, value]) => {
          const message = tuningErrors(service, key, value);
          return message ? [{ path: `tuning.${section}.${key}`, message, example: entriesFor(service).find((e) => e.key === key)?.default ?? undefined }] : [];
        }),
      ),
  },
  {
    needs: ["nodes", "witness"],
    check: ({ nodes, witness }) => {
      const all = [...nodes.map((n, i) => ({ at: `nodes[${i}]`, name: n.name, address: n.tailnetAddress as string | undefined })), { at: "witness", name: witness.name, address: witness.tailnetAddress }];
      return all.flatMap((node, i) => {
        const before = all.slice(0, i);
        const findings: Finding[] = [];
        if (before.some((other) => other.name === node.name)) findings.push({ path: `${node.at}.name`, message: `"${node.name}" is the name of another node too; names are identities`, example: `server-${i + 1}` });
        if (node.address && before.some((other) => other.address === node.address)) findings.push({ path: `${node.at}.tailnetAddress`, message: `${node.address} belongs to another node too`, example: "100.64.0.12" });
        return findings;
      });
    },
  },
  {
    needs: ["nodes", "legacy"],
    check: ({ nodes, legacy, lab }) =>
      lab
        ? []
        : [...nodes.map((node, i) => ({ at: `nodes[${i}]`, ssh: node.ssh })), { at: "legacy.host", ssh: legacy.host.ssh }].flatMap(({ at, ssh }) =>
            ssh.hostKey ? [] : [{ path: `${at}.ssh.hostKey`, message: "is missing: whoever answers there would be taken for the machine; give its public host key", example: "ecdsa-sha2-nistp256 AAAA…" }],
          ),
  },
  {
    needs: ["protect", "vultr", "tailnet", "lab"],
    check: ({ protect, vultr, tailnet, lab }) => {
      if (!lab) return [];
      const say = (path: string, message: string) => [{ path, message, example: false }];
      return [
        ...(protect ? say("protect", "is true in a lab: `gvfx lab down` could not destroy what it made; set it to false") : []),
        ...(vultr.enabled ? say("vultr.enabled", "is true in a lab, whose witness is a container; set it to false, with the reason") : []),
        ...(tailnet.enabled ? say("tailnet.enabled", "is true in a lab, whose network is the container engine's; set it to false, with the reason") : []),
      ];
    },
  },
  {
    needs: ["vultr", "witness"],
    check: ({ vultr, witness, lab }) => {
      const findings: Finding[] = [];
      if (!vultr.enabled && !witness.tailnetAddress) findings.push({ path: "witness.tailnetAddress", message: "is missing, and Vultr is not asked to make the machine: give the address of the machine that exists", example: "100.64.0.13" });
      if (!vultr.enabled && !witness.ssh.hostKey && !lab) findings.push({ path: "witness.ssh.hostKey", message: "is missing, and Vultr is not asked to make the machine: give its public host key", example: "ssh-ed25519 AAAA…" });
      if (vultr.enabled && witness.tailnetAddress) findings.push({ path: "witness.tailnetAddress", message: "is set although Vultr makes the machine: its address is read back from the tailnet; remove it" });
      if (vultr.enabled && witness.ssh.hostKey) findings.push({ path: "witness.ssh.hostKey", message: "is set although Vultr makes the machine: its host key is made with it; remove it" });
      return findings;
    },
  },
  {
    needs: ["vultr", "tailnet"],
    check: ({ vultr, tailnet }) => (vultr.enabled && !tailnet.enabled ? [{ path: "tailnet.enabled", message: "is false while Vultr makes the witness: it could never join; enable the tailnet, or disable vultr", example: true }] : []),
  },
  {
    needs: ["nodes", "dataPlane"],
    check: ({ nodes, dataPlane }) => (nodes.some((n) => n.name === dataPlane.node) ? [] : [{ path: "dataPlane.node", message: `"${dataPlane.node}" is not an app node; volumes can only be on one of ${nodes.map((n) => n.name).join(", ")}`, example: nodes[0].name }]),
  },
  {
    needs: ["nodes", "legacy"],
    check: ({ nodes, legacy: { host } }) => {
      if (host.node === undefined) return [];
      const node = nodes.find((n) => n.name === host.node);
      if (!node) return [{ path: "legacy.host.node", message: `"${host.node}" is not an app node; leave it out when legacy has its own machine`, example: nodes[0].name }];
      return node.tailnetAddress === host.tailnetAddress ? [] : [{ path: "legacy.host.tailnetAddress", message: `is ${host.tailnetAddress}, but ${host.node} has ${node.tailnetAddress}`, example: node.tailnetAddress }];
    },
  },
  {
    needs: ["legacy", "ports"],
    check: ({ legacy: { host, ports: legacy }, ports }) =>
      host.node === undefined
        ? []
        : Object.entries(legacy).flatMap(([name, number]) => {
            const taken = Object.entries(ports).find(([, other]) => other === number)?.[0];
            return taken ? [{ path: `legacy.ports.${name}`, message: `${number} is the platform's port of ${taken} on the same address: the gateway could not bind, or would forward to itself; move the legacy process to another port first, then say so here`, example: number + 10_000 }] : [];
          }),
  },
  {
    needs: ["ports"],
    check: ({ ports }) => {
      const taken = new Map<number, string>(Object.entries(CLUSTER_PORTS).map(([name, number]) => [number, name]));
      return Object.entries(ports).flatMap(([name, number]) => {
        const other = taken.get(number);
        taken.set(number, name);
        return other ? [{ path: `ports.${name}`, message: `${number} is the port of ${other} too; one address serves a port once`, example: number + 10_000 }] : [];
      });
    },
  },
  {
    needs: ["dataPlane", "replicas"],
    check: (env) => {
      const { total, parts } = requiredConnections(env);
      const max = env.dataPlane.postgres.maxConnections;
      const sum = Object.entries(parts).map(([who, n]) => `${who} ${n}`).join(" + ");
      return total <= max ? [] : [{ path: "dataPlane.postgres.maxConnections", message: `is ${max}, but ${sum} = ${total} connections can be open at once (the API twice, while a canary runs); raise it or lower a pool`, example: total }];
    },
  },
  { needs: ["dataPlane", "vault", "lab"], check: backupFindings },
  { needs: ["coverage"], check: coverageFindings },
  {
    needs: ["resources"],
    check: ({ resources }) =>
      Object.entries(resources).flatMap(([service, r]) =>
        r.memoryMax && r.memory.bytes > r.memoryMax.bytes ? [{ path: `resources.${service}.memoryMax`, message: `${r.memoryMax} is below memory ${r.memory}`, example: String(r.memory) }] : [],
      ),
  },
  {
    needs: ["nomad"],
    check: ({ nomad }) => {
      const findings: Finding[] = [];
      if (!nomad.certificateValidity.isLongerThan(nomad.certificateRenewal)) findings.push({ path: "nomad.certificateRenewal", message: `${nomad.certificateRenewal} is not shorter than certificateValidity ${nomad.certificateValidity}: every deploy would renew`, example: "60d" });
      if (!nomad.caValidity.isLongerThan(nomad.certificateValidity)) findings.push({ path: "nomad.caValidity", message: `${nomad.caValidity} is not longer than certificateValidity ${nomad.certificateValidity}: certificates would outlive their authority`, example: "3650d" });
      return findings;
    },
  },
  { needs: ["lease", "nomad"], check: singletonFindings },
  { needs: ["dataMove", "lease", "lab"], check: dataMoveFindings },
  {
    needs: ["lease", "consul", "lab"],
    check: ({ lease: { fallback }, consul, lab }) => {
      const path = "lease.fallback.authority";
      if (!fallback.enabled) return [];
      if (fallback.authority && "file" in fallback.authority && !lab) return [{ path: `${path}.file`, message: "is for a lab: elsewhere synth reads no file, so that it writes the same wherever it runs; give the certificate's text as pem" }];
      if (fallback.authority || !consul.address.startsWith("https:")) return [];
      return [{ path, message: `is missing: Consul's servers speak https, and the worker could not tell them from anybody else; give the certificate that ${consul.caFile} holds on the nodes (consul.caFile)`, example: { pem: "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n" } }];
    },
  },
  {
    needs: ["rollout"],
    check: ({ rollout }) => (rollout.healthyDeadline.isLongerThan(SHORTEST_HEALTHY_DEADLINE) ? [] : [{ path: "rollout.healthyDeadline", message: `${rollout.healthyDeadline} is not longer than ${SHORTEST_HEALTHY_DEADLINE}: an allocation has to stay healthy for ten seconds, and start before`, example: "5m" }]),
  },
  {
    needs: ["consul"],
    check: ({ consul }) => (consul.aclsEnabled ? [] : [{ path: "consul.aclsEnabled", message: "is false: without ACLs anybody on the tailnet can take the worker's lease and move traffic; turn them on in the existing servers (acl { enabled = true, default_policy = \"deny\" }), then set it", example: true }]),
  },
  {
    needs: ["protect", "requireImageDigests"],
    check: ({ protect, requireImageDigests }) => (protect && !requireImageDigests ? [{ path: "requireImageDigests", message: "is false while protect is true: only the lab may deploy an image without a digest", example: true }] : []),
  },
];

/** Findings of every check whose sections are sound. */
export function crossFindings(env: Partial<Environment>, unsound: ReadonlySet<string>): Finding[] {
  return CHECKS.filter(({ needs }) => needs.every((section) => !unsound.has(section))).flatMap(({ check }) => check(env as Environment));
}
