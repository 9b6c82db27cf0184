/** What a reviewer reads of twenty-odd changes that people make: each as a golden comment, and the words that it must have. */
import type { ImageLock } from "../../contracts/images";
import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import type { EnvironmentInput } from "../../environments/schema";
import { describePlan } from "../../scripts/diff/describe";
import { readPlan } from "../../scripts/diff/plan";
import { dangersOf, diffComment, diffText, exitCodeOf, type Diff, type StackOutcome } from "../../scripts/diff/report";
import { STACK_IDS } from "../../synth";
import { pinned } from "../jobs/worked-example";
import { synthesizeStacks, type StackId, type TerraformJson } from "../stacks/synthesized";
import { planDouble } from "./terraform-double";

type Stacks = Record<StackId, TerraformJson>;

interface Change {
  readonly edit?: (input: EnvironmentInput) => EnvironmentInput;
  readonly images?: (lock: ImageLock) => ImageLock;
  /** Of the synthesized text: a change of the code. */
  readonly plant?: readonly [from: string | RegExp, to: string];
  /** Must be in the comment. */
  readonly says: readonly string[];
  /** Must be at its top. */
  readonly red?: readonly RegExp[];
  /** Must not be in it. */
  readonly hides?: readonly string[];
}

const before = synthesizeStacks(parseEnvironment("production", production), pinned);

function stacksAfter({ edit = (input) => input, images = (lock) => lock, plant }: Change): Stacks {
  const after = synthesizeStacks(parseEnvironment("production", edit(production)), images(pinned));
  if (!plant) return after;
  const text = JSON.stringify(Object.fromEntries(STACK_IDS.map((id) => [id, after[id]])));
  const planted = text.replaceAll(plant[0], plant[1]);
  if (planted === text) throw new Error(`nothing was planted: ${String(plant[0])} is not there`);
  return JSON.parse(planted) as Stacks;
}

function diffOf(change: Change): Diff {
  const after = stacksAfter(change);
  const stacks = STACK_IDS.map((stack): StackOutcome => {
    const plan = planDouble(before[stack], after[stack]);
    return { outcome: "planned", ...(plan === undefined ? { stack, changes: [], outputs: [] } : describePlan(readPlan(stack, plan), pathsOf(after[stack], before[stack]))) };
  });
  return { environment: "production", stacks, guardrails: { held: 30 } };
}

function pathsOf(...stacks: readonly TerraformJson[]): Map<string, string> {
  return new Map(stacks.flatMap(({ resource = {} }) => Object.entries(resource).flatMap(([type, blocks]) => Object.entries(blocks).map(([name, block]) => [`${type}.${name}`, (block["//"] as { metadata: { path: string } }).metadata.path] as const))));
}

const OTHER = `sha256:${"c".repeat(64)}`;
const markets = (of: Partial<EnvironmentInput["markets"]>) => (input: EnvironmentInput): EnvironmentInput => ({ ...input, markets: { ...input.markets, ...of } });
const resources = (of: Partial<EnvironmentInput["resources"]>) => (input: EnvironmentInput): EnvironmentInput => ({ ...input, resources: { ...input.resources, ...of } });

const CHANGES: Readonly<Record<string, Change>> = {
  "a pair more": {
    edit: markets({ crypto: [...production.markets.crypto, "DOGE-USDT"] }),
    says: ["**variable gvfx/market** changed", "MARKET\\_CRYPTO\\_PAIRS with DOGE-USDT", "the Nomad variables that it reads have changed", "1 canary first"],
  },
  "a pair less": { edit: markets({ gold: ["Gold-USDT", "XAUTUSDT"] }), says: ["MARKET\\_GOLD\\_PAIRS without PAXGUSDT"] },
  "one pair for another": { edit: markets({ crypto: [...production.markets.crypto.filter((pair) => pair !== "XRP-USDT"), "TON-USDT"] }), says: ["with TON-USDT, without XRP-USDT"] },
  "a third copy of the api": { edit: (input) => ({ ...input, replicas: { ...input.replicas, api: 3 } }), says: ["**job gvfx-api** changed", "count 2 to 3", "running copies are left as they are"] },
  "more memory for the api": { edit: resources({ api: { ...production.resources.api, memory: "2GiB", memoryMax: "3GiB" } }), says: ["memory 1024 to 2048 MB", "memory limit 2048 to 3072 MB"] },
  "less CPU for the frontend": { edit: resources({ frontend: { cpuMhz: 300, memory: "1GiB" } }), says: ["CPU 500 to 300 MHz"] },
  "more memory for the worker": { edit: resources({ worker: { ...production.resources.worker, memory: "1536MiB" } }), says: ["**job gvfx-worker** changed", "memory 1024 to 1536 MB", "the running copy is stopped, then started anew"] },
  "a new backend image": { images: (lock) => ({ ...lock, backend: { digest: OTHER, source: "abc" } }), says: ["image registry.example.com/tv-goldviewfx-backend: sha256:111111111111… to sha256:cccccccccccc…"] },
  "an image that is no longer pinned": { images: (lock) => ({ ...lock, haproxy: { digest: null, source: null } }), says: ["to no digest (not pinned)"] },
  "an image from another registry": { edit: (input) => ({ ...input, images: { ...input.images, convex: "registry.example.com/mirror/convex-backend" } }), says: ["image ghcr.io/get-convex/convex-backend sha256:444444444444… to registry.example.com/mirror/convex-backend sha256:444444444444…"] },
  "a setting of the api": { edit: (input) => ({ ...input, tuning: { ...input.tuning, api: { ...input.tuning.api, OPS_READ_TIMEOUT_MS: "8000" } } }), says: ["OPS\\_READ\\_TIMEOUT\\_MS 4000 to 8000"] },
  "a secret that the api reads besides": {
    plant: [/(API_TOKEN=\{\{ \.Data\.data\.API_TOKEN \| toJSON \}\}\\\\n)(?=\{\{ end \}\})/g, "$1ADMIN_TOKEN={{ .Data.data.ADMIN_TOKEN | toJSON }}\\\\n"],
    says: ["reads ADMIN\\_TOKEN of secret gvfx/app/api-token"],
  },
  "secrets at another mount": { edit: (input) => ({ ...input, vault: { ...input.vault, kvMount: "kv" } }), says: ["reads secret kv/app/api-token (API\\_TOKEN)", "no longer reads secret gvfx/app/api-token (API\\_TOKEN)"], red: [/vault_mount.* would be replaced: every secret in it would go with it/] },
  "a longer stop of Postgres": { edit: (input) => ({ ...input, dataPlane: { ...input.dataPlane, killTimeout: "90s" } }), says: ["kill timeout 1m to 1m30s"] },
  "more connections to Postgres": { edit: (input) => ({ ...input, dataPlane: { ...input.dataPlane, postgres: { ...input.dataPlane.postgres, maxConnections: 120 } } }), says: ["max\\_connections=100", "max\\_connections=120"] },
  "the data plane on the other node": { edit: (input) => ({ ...input, dataPlane: { ...input.dataPlane, node: "server-2" } }), says: ["server-2"], red: [/job gvfx-postgres would be changed: it would start without its data/, /job gvfx-objectstore would be changed: it would start without its data/], hides: ["job gvfx-convex would be"] },
  "another volume for Postgres": { plant: ['\\"Source\\":\\"gvfx-postgres\\"', '\\"Source\\":\\"gvfx-postgres-2\\"'], says: ["volume data: Source gvfx-postgres to gvfx-postgres-2"], red: [/job gvfx-postgres would be changed: it would start without its data, which stays where it is/] },
  "the witness in another region": { edit: (input) => ({ ...input, vultr: { ...input.vultr, region: "ams" } }), says: ["replaced, since region cannot be changed in place", "region fra to ams"], red: [/vultr_instance.* would be replaced: the third voter would be gone/], hides: ["ssh_keys"] },
  "the worker's job under another name": { plant: ["gvfx-worker", "gvfx-trader"], says: ["**job gvfx-trader** created"], red: [/job gvfx-worker would be destroyed: destroy and create are not chained, so two workers would trade/] },
  "the worker in another namespace": { plant: [/(\\"ID\\":\\"gvfx-worker\\".*?\\"Namespace\\":\\")gvfx(?=\\")/g, "$1other"], says: ["namespace gvfx to other"], red: [/job gvfx-worker would be replaced: .*two workers would trade/] },
  "the api on another port of the tailnet": { edit: (input) => ({ ...input, ports: { ...input.ports, api: 8788 } }), says: ["8787 to 8788"] },
  "a lease that gives up a request sooner": { edit: (input) => ({ ...input, lease: { ...input.lease, requestTimeout: "2s" } }), says: ["file local/worker-lease.json: 1 line added, 1 line removed"] },
  "backups more often": { edit: (input) => ({ ...input, dataPlane: { ...input.dataPlane, backup: { ...input.dataPlane.backup, interval: "5m", keepLast: 288 } } }), says: ["**job gvfx-backup** changed", "its next run is the new version"] },
  "the guardian may act": { edit: (input) => ({ ...input, cutover: { ...input.cutover, guardianMode: "act" } }), says: ["**job gvfx-guardian** changed"] },
  "certificates renewed later": { edit: (input) => ({ ...input, nomad: { ...input.nomad, certificateRenewal: "30d" } }), says: ["early\\_renewal\\_hours 1440 to 720"] },
  nothing: { says: ["| app | no change |"] },
};

describe.each(Object.entries(CHANGES))("%s", (name, change) => {
  const diff = diffOf(change);
  const comment = diffComment(diff, { revision: "1a2b3c4" });

  test("as a comment", () => {
    expect(comment).toMatchSnapshot();
  });

  test("says what matters, in words", () => {
    for (const words of change.says) expect(comment).toContain(words);
    for (const words of change.hides ?? []) expect(comment).not.toContain(words);
    expect(exitCodeOf(diff)).toBe(name === "nothing" ? 0 : 2);
  });

  test("is red at the top for what would lose something, and for nothing else", () => {
    const dangers = dangersOf(diff);
    for (const pattern of change.red ?? []) expect(dangers.join("\n")).toMatch(pattern);
    expect(dangers.length > 0).toBe((change.red ?? []).length > 0);
    const text = diffText(diff);
    if (dangers.length > 0) {
      expect(comment.split("\n").slice(0, 5).join("\n")).toMatch(/CAUTION[\s\S]*🔴/);
      expect(text.startsWith("LOOK CLOSELY")).toBe(true);
    } else expect(comment + text).not.toMatch(/🔴|CAUTION|LOOK CLOSELY|!!/);
  });
});
