import { clusterNodes, rolloutOrder } from "../../constructs/cluster/node";
import { cluster, environment, existing, WITNESS_KEY } from "./cluster";

test("three voters: two app nodes and the witness, with where SSH reaches each", () => {
  const { all } = cluster(existing((input) => { input.nodes[1].ssh.host = "127.0.0.1"; input.nodes[1].ssh.port = 2202; }));
  expect(all.map(({ name, role, address, ssh }) => [name, role, address, `${ssh.user}@${ssh.host}:${ssh.port}`])).toEqual([
    ["server-1", "app", "100.64.0.11", "deploy@100.64.0.11:22"],
    ["server-2", "app", "100.64.0.12", "deploy@127.0.0.1:2202"],
    ["witness", "witness", "100.64.0.13", "root@100.64.0.13:22"],
  ]);
});

test("what Vultr made takes the place of what the environment leaves out", () => {
  const witness = clusterNodes(environment(), { address: "${made.address}", hostKey: WITNESS_KEY })[2];
  expect(witness).toMatchObject({ address: "${made.address}", ssh: { host: "${made.address}", hostKey: WITNESS_KEY } });
});

test("a witness that is neither made nor named is refused: two servers stop when one is lost", () => {
  expect(() => clusterNodes(environment())).toThrow(/"witness" has no tailnet address: .*two servers/);
});

test("the witness takes a change first, the data node last, wherever the data is", () => {
  const order = (node: string) => rolloutOrder(cluster(existing((input) => { input.dataPlane.node = node; })).all).map(({ name }) => name);
  expect(order("server-1")).toEqual(["witness", "server-2", "server-1"]);
  expect(order("server-2")).toEqual(["witness", "server-1", "server-2"]);
});
