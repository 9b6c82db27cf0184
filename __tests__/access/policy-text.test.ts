import fc from "../properties";
import { policyText, type PolicyTree } from "../../constructs/access/policy-text";
import { readPolicy, type PolicyBlock } from "./policy-reader";

const LABELLED = new Set(["namespace", "path"]);

test("labels, nested blocks and fields, as the three programs document them", () => {
  const rules = { node: { policy: "read" }, namespace: { gvfx: { capabilities: ["list-jobs", "read-job"], variables: { path: { "gvfx/market": { capabilities: ["read"] } } } } } };
  expect(policyText(rules, LABELLED)).toBe(`namespace "gvfx" {
  capabilities = ["list-jobs", "read-job"]
  variables {
    path "gvfx/market" {
      capabilities = ["read"]
    }
  }
}
node {
  policy = "read"
}
`);
});

test("the order in which rules are written makes no difference", () => {
  expect(policyText({ path: { b: { x: "1", a: "2" }, a: { x: "1" } } }, LABELLED)).toBe(policyText({ path: { a: { x: "1" }, b: { a: "2", x: "1" } } }, LABELLED));
});

test("what is absent is not written", () => {
  expect(policyText({ node: undefined, agent: { policy: "read" } }, LABELLED)).toBe('agent {\n  policy = "read"\n}\n');
});

test("an object with a single key stays what it is: written as JSON, Nomad takes a variable's rules for the namespace's", () => {
  const [namespace] = readPolicy(policyText({ namespace: { gvfx: { variables: { path: { "gvfx/tuning/api": { capabilities: ["read"] } } } } } }, LABELLED));
  expect(namespace).toMatchObject({ type: "namespace", label: "gvfx", fields: {}, blocks: [{ type: "variables", label: undefined, blocks: [{ type: "path", label: "gvfx/tuning/api", fields: { capabilities: ["read"] } }] }] });
});

test("every tree of rules reads back as it was", () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9/*-]{0,12}$/);
  const fields = fc.dictionary(fc.constantFrom("policy", "capabilities"), fc.oneof(fc.constantFrom("read", "write"), fc.array(fc.constantFrom("read", "list"), { maxLength: 3 })), { minKeys: 1 });
  fc.assert(
    fc.property(fc.dictionary(label, fields, { minKeys: 1, maxKeys: 4 }), (paths) => {
      expect(asTree(readPolicy(policyText({ path: paths }, LABELLED)))).toEqual({ path: { ...paths } });
    }),
  );
});

test("the reader refuses what it does not understand", () => {
  expect(() => readPolicy('key "a" {\n  policy = "read"\n}\nacl = "write"\n')).toThrow(/acl = "write"/);
  expect(() => readPolicy('key "a" {\n  policy: "read"\n}\n')).toThrow(/not understood/);
});

function asTree(blocks: readonly PolicyBlock[]): PolicyTree {
  const tree: Record<string, Record<string, PolicyTree>> = {};
  for (const { type, label, fields } of blocks) tree[type] = { ...tree[type], [label!]: fields };
  return tree;
}
