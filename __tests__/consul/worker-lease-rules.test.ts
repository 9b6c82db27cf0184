/** What the lease program asks of Consul (runtime/worker-lease/consul.mjs), against what the worker's role and the legacy token may do. */
import { consulPolicyText, jobRules, legacyLeaseRules } from "../../constructs/consul/consul-rules";
import { servicesOf } from "../../contracts/identity";
import { kvPaths } from "../../contracts/kv";
import { JOBS } from "../../contracts/services";
import { production } from "../access/identities";
import { rights } from "./rule-holders";

const NODES = production.nodes.map((node) => node.name);
const { workerOwner, workerLease } = kvPaths("gvfx");
const lease = [
  // get and check-index ask for read (agent/consul/kvs_endpoint.go, kvsPreApply, and what is filtered from an answer)
  { type: "key", label: workerOwner, access: "read" },
  // lock and unlock ask for write, which includes read
  { type: "key", label: workerLease, access: "write" },
  // create, renew and destroy ask for write on the session's node (agent/consul/session_endpoint.go)
  ...NODES.map((label) => ({ type: "session", label, access: "write" })),
];
const rightsOf = (rules: Parameters<typeof consulPolicyText>[0]) => rights({ it: consulPolicyText(rules) }).map(({ type, label, access }) => ({ type, label, access }));
const sorted = (list: readonly object[]) => list.map((item) => JSON.stringify(item)).sort();

test("the worker may hold the lease on every node that it can run on, register its service, and nothing else", () => {
  const services = servicesOf(JOBS.worker).map((label) => ({ type: "service", label, access: "write" }));
  expect(sorted(rightsOf(jobRules("gvfx", JOBS.worker, { leaseNodes: NODES, guardianMode: "act" })))).toEqual(sorted([...services, ...lease]));
});

test("the legacy worker may hold the lease, and nothing else", () => {
  expect(sorted(rightsOf(legacyLeaseRules("gvfx", NODES)))).toEqual(sorted(lease));
});
