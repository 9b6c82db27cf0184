/** A snapshot changes exactly when what is deployed changes: twenty named edits, and the stacks that each changes. */
import { parseEnvironment } from "../../environments/parse";
import { STACK_IDS } from "../../synth";
import { edited } from "../environments/edit";
import { environment, example as production, pinned } from "../jobs/worked-example";
import { synthesizeStacks, type StackId } from "./synthesized";

const before = synthesizeStacks(environment, pinned);

function changedBy(edits: Readonly<Record<string, unknown>>): StackId[] {
  const after = synthesizeStacks(parseEnvironment("edited", edited(production, edits)), pinned);
  return STACK_IDS.filter((id) => JSON.stringify(after[id]) !== JSON.stringify(before[id]));
}

const EDITS: readonly (readonly [string, Record<string, unknown>, readonly StackId[]])[] = [
  ["api memory", { "resources.api.memory": "2GiB" }, ["app"]],
  ["worker CPU", { "resources.worker.cpuMhz": 2000 }, ["app"]],
  ["frontend count", { "replicas.frontend": 3 }, ["app"]],
  ["a crypto pair less", { "markets.crypto": production.markets.crypto.slice(1) }, ["app"]],
  ["api tuning", { "tuning.api": { OPS_READ_TIMEOUT_MS: "5000" } }, ["app"]],
  ["worker tuning", { "tuning.worker": {} }, ["app"]],
  // The backup's and the guardian's programs run in it as well.
  ["the api's image repository", { "images.backend": "registry.example.com/other" }, ["data-plane", "app", "cutover"]],
  ["the gateway's memory", { "resources.gateway.memory": "256MiB" }, ["app"]],
  ["Postgres' shared buffers", { "dataPlane.postgres.sharedBuffers": "1GiB" }, ["data-plane"]],
  ["Convex' memory", { "resources.convex.memory": "4GiB" }, ["data-plane"]],
  ["the first boot's flag", { "dataPlane.initializeEmptyVolumes": true }, ["data-plane"]],
  // The app's stack pulls every image ahead.
  ["Convex' image repository", { "images.convex": "registry.example.com/convex" }, ["data-plane", "app"]],
  ["the app's pool", { "dataPlane.postgres.appPool": 5 }, ["app"]],
  ["the Vultr plan", { "vultr.plan": "vc2-2c-4gb" }, ["foundation"]],
  ["an operator", { "tailnet.operators": ["other@example.com"] }, ["foundation"]],
  ["the heartbeat", { "nomad.minHeartbeatTtl": "6s" }, ["foundation"]],
  ["the lock-delay of the lease", { "lease.lockDelay": "14s" }, ["app"]],
  ["a certificate's life", { "nomad.certificateValidity": "180d" }, ["foundation"]],
  ["the legacy API's port", { "legacy.ports.api": 18_787 }, ["foundation", "app"]],
  ["the data node", { "dataPlane.node": "server-2" }, ["foundation", "data-plane"]],
  ["the Nomad namespace", { "nomad.namespace": "gvfx-two" }, ["foundation", "data-plane", "app", "cutover"]],
];

test.each(EDITS)("%s", (_name, edits, stacks) => {
  expect(changedBy(edits)).toEqual(stacks);
});

test("twenty-one edits are named", () => {
  expect(new Set(EDITS.map(([name]) => name)).size).toBe(21);
});

test("reordered keys change nothing", () => {
  const reversed = (value: unknown): unknown => (value && typeof value === "object" && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).reverse().map(([k, v]) => [k, reversed(v)])) : value);
  const after = synthesizeStacks(parseEnvironment("reordered", reversed(production)), pinned);
  expect(after.text).toBe(before.text);
});
