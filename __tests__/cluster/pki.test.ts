import { certificateNames, ClusterPki } from "../../constructs/cluster/pki";
import { FIRST_GENERATIONS, type Rotation } from "../../contracts/rotation";
import { cluster, one, synthesize, type Cluster } from "./cluster";

function pki({ env, all }: Cluster, protect = true, rotation: Rotation = FIRST_GENERATIONS) {
  return synthesize((stack) => {
    const made = new ClusterPki(stack, "pki", { nodes: all, region: env.nomad.region, consulDomain: env.consul.domain, caValidity: env.nomad.caValidity, certificateValidity: env.nomad.certificateValidity, certificateRenewal: env.nomad.certificateRenewal, rotation, protect });
    expect(() => made.certificateOf({ ...all[0], name: "server-9" })).toThrow(/no certificate for "server-9".*server-1, server-2, witness/);
  });
}

const example = cluster();
const { resource } = pki(example);

test("a node's certificate carries every name it is met under", () => {
  expect(certificateNames(example.server1, "global", "consul")).toEqual({
    dns: ["server.global.nomad", "client.global.nomad", "localhost", "nomad.service.consul", "http.nomad.service.consul"],
    ips: ["127.0.0.1", "100.64.0.11"],
  });
  for (const node of example.all) {
    const names = certificateNames(node, "global", "consul");
    expect(one(resource, "tls_cert_request", `pki_${node.name}-request`)).toMatchObject({ dns_names: names.dns, ip_addresses: names.ips });
  }
});

test("the witness cannot pass as a client, and its address may still be unknown", () => {
  const names = certificateNames({ ...example.witness, address: "${made.address}" }, "global", "staging.consul");
  expect(names.dns).not.toContain("client.global.nomad");
  expect(names.dns).toContain("http.nomad.service.staging.consul");
  expect(names.ips).toContain("${made.address}");
});

test("certificates end, and are renewed before, as the environment says", () => {
  for (const node of example.all) {
    expect(one(resource, "tls_locally_signed_cert", `pki_${node.name}-certificate`)).toMatchObject({ validity_period_hours: 365 * 24, early_renewal_hours: 60 * 24, allowed_uses: ["digital_signature", "server_auth", "client_auth"] });
  }
  expect(one(resource, "tls_self_signed_cert", "pki_ca")).toMatchObject({ validity_period_hours: 3650 * 24, is_ca_certificate: true });
});

test("the gossip key is 32 bytes", () => {
  expect(one(resource, "random_bytes", "pki_gossip").length).toBe(32);
});

test.each([true, false])("protect = %s: what every node would have to be given anew", (protect) => {
  const made = pki(example, protect).resource;
  for (const [type, id] of [["tls_private_key", "pki_ca-key"], ["tls_self_signed_cert", "pki_ca_"], ["random_bytes", "pki_gossip"]]) {
    expect([id, one(made, type, id).lifecycle]).toEqual([id, { prevent_destroy: protect }]);
  }
});

describe("while authority and gossip key are rotated", () => {
  const two = (used: number): Rotation => ({ authority: { accepted: [1, 2], used }, gossipKey: { accepted: [1, 2], used }, managementToken: 1 });
  const keyOf = (id: string) => expect.stringContaining(`tls_private_key.${id}`);
  const signedBy = (rotation: Rotation) => one(pki(example, true, rotation).resource, "tls_locally_signed_cert", "pki_server-1-certificate").ca_private_key_pem;

  test("what was there keeps its names, and what is next has its own", () => {
    const types = ["tls_private_key", "tls_self_signed_cert", "random_bytes"] as const;
    const before = pki(example).resource;
    const during = pki(example, true, two(1)).resource;
    for (const type of types) expect(Object.keys(during[type])).toEqual(expect.arrayContaining(Object.keys(before[type])));
    expect(types.map((type) => Object.keys(during[type]).length - Object.keys(before[type]).length)).toEqual([1, 1, 1]);
  });

  test("certificates are signed by the authority that is used", () => {
    expect(signedBy(FIRST_GENERATIONS)).toEqual(keyOf("pki_ca-key_"));
    expect(signedBy(two(1))).toEqual(keyOf("pki_ca-key_"));
    expect(signedBy(two(2))).toEqual(keyOf("pki_ca-key-2_"));
  });

  test("every node accepts both authorities and both keys; a deploy knows the servers by what was there before it", () => {
    const seen = [1, 2].map((used) => {
      let made: ClusterPki | undefined;
      synthesize((stack) => void (made = new ClusterPki(stack, "pki", { nodes: example.all, region: "global", consulDomain: "consul", caValidity: example.env.nomad.caValidity, certificateValidity: example.env.nomad.certificateValidity, certificateRenewal: example.env.nomad.certificateRenewal, rotation: two(used), protect: true })));
      const tokens = (text: string): number => [...text.matchAll(/\$\{TfToken/g)].length;
      return { accepted: tokens(made!.caCertPem), established: tokens(made!.establishedCaPem), keys: made!.gossipKeys };
    });
    expect(seen.map(({ accepted, established }) => [accepted, established])).toEqual([[2, 1], [2, 2]]);
    const [[a, b], [c, d]] = seen.map(({ keys }) => keys);
    expect(new Set([a, b, c, d]).size).toBe(4);
  });
});
