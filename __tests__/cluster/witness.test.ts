import { spawnSync } from "node:child_process";
import { ref, Token } from "cdktf";
import { cloudInit, type FirstBoot } from "../../constructs/cluster/cloud-init";
import { Witness } from "../../constructs/cluster/witness";
import type { EnvironmentInput } from "../../environments/schema";
import { environment, existing, one, synthesize } from "./cluster";

const AUTH_KEY = Token.asString(ref("tailscale_tailnet_key.witness.key"));

function witness(edit?: (input: EnvironmentInput) => void) {
  const env = environment(edit);
  return synthesize((stack) => void new Witness(stack, "witness", { env, tailnetAuthKey: AUTH_KEY }));
}
const made = witness();
const instance = one(made.resource, "vultr_instance", "witness_instance");

test("the public side admits Tailscale on both protocols of the internet, and no TCP", () => {
  const rules = Object.values(made.resource.vultr_firewall_rule);
  expect(rules.map(({ protocol, port, ip_type, subnet, subnet_size }) => [protocol, port, ip_type, subnet, subnet_size])).toEqual([
    ["udp", "41641", "v4", "0.0.0.0", 0],
    ["udp", "41641", "v6", "::", 0],
  ]);
  expect(instance.firewall_group_id).toMatch(/^\$\{vultr_firewall_group\.witness_firewall_\w+\.id\}$/);
});

test("rules that others add to it are counted, once its own are there", () => {
  const admitted = one(made.data, "vultr_firewall_group", "witness_admitted");
  expect(admitted.filter).toEqual([{ name: "id", values: [expect.stringMatching(/^\$\{vultr_firewall_group\.witness_firewall_\w+\.id\}$/)] }]);
  expect(admitted.depends_on).toHaveLength(2);
  expect(admitted.lifecycle).toMatchObject({ postcondition: [{ condition: "${self.rule_count <= 2}", error_message: expect.stringContaining("Remove them in Vultr's console") }] });
});

test("the machine is what the environment asks for, and never made anew for another auth key", () => {
  expect(instance).toMatchObject({ plan: "vc2-1c-2gb", region: "fra", hostname: "witness", label: "witness", enable_ipv6: true, activation_email: false, backups: "disabled" });
  expect(instance.lifecycle).toEqual({ prevent_destroy: true, ignore_changes: ["user_data"] });
  expect(instance.os_id).toMatch(/^\$\{data\.vultr_os\.witness_os_\w+\.id\}$/);
  expect(one(made.data, "vultr_os", "witness_os").filter).toEqual([{ name: "name", values: ["Debian 12 x64 (bookworm)"] }]);
});

test("a machine that may be destroyed is so in an unprotected environment only", () => {
  const { lifecycle } = one(witness((input) => { input.protect = false; input.requireImageDigests = false; }).resource, "vultr_instance", "witness_instance") as { lifecycle: { prevent_destroy: boolean } };
  expect(lifecycle.prevent_destroy).toBe(false);
});

test("its secrets are expressions, each within one JSON text", () => {
  const userData = instance.user_data as string;
  expect(userData.startsWith("#cloud-config\n")).toBe(true);
  expect(userData).toMatch(/ed25519_private: \$\{jsonencode\(tls_private_key\.witness_host-key_\w+\.private_key_openssh\)\}\n/);
  expect(userData).toMatch(/ed25519_public: \$\{jsonencode\(trimspace\(tls_private_key\.witness_host-key_\w+\.public_key_openssh\)\)\}\n/);
  expect(userData).toMatch(/content: \$\{jsonencode\(tailscale_tailnet_key\.witness\.key\)\}\n/);
});

test("is refused where the machine exists already", () => {
  const env = existing();
  expect(() => synthesize((stack) => void new Witness(stack, "witness", { env, tailnetAuthKey: AUTH_KEY }))).toThrow(/vultr\.enabled = false \(it exists\)/);
});

describe("first boot", () => {
  const boot: FirstBoot = {
    hostname: "witness", user: "root", sshPort: 22, authorizedKeys: ["ssh-ed25519 AAAA operator"], versions: environment().versions,
    hostPrivateKeyJson: JSON.stringify("-----BEGIN\nkey\n"), hostPublicKeyJson: JSON.stringify("ssh-ed25519 AAAA"), tailnetAuthKeyJson: JSON.stringify("tskey-auth-secret"),
  };
  const userData = cloudInit(boot);
  const contents = [...userData.matchAll(/^ {4}content: (.*)$/gm)].map(([, json]) => JSON.parse(json) as string);
  const script = contents.find((text) => text.startsWith("#!/bin/sh"))!;

  test("every value is one line of JSON, so that none breaks out of its place in the YAML", () => {
    for (const line of userData.split("\n").filter((l) => l && !l.startsWith("#"))) expect(line).toMatch(/^ {0,4}(- )?([\w-]+:( .+)?|\[.*\])$/);
    for (const [, value] of userData.matchAll(/: (".*"|\[.*\]|true|false)$/gm)) {
      if (!value.startsWith("[ca-")) expect(() => JSON.parse(value) as unknown).not.toThrow();
    }
    expect(contents).toHaveLength(3);
  });

  test("the script is one that a shell accepts, and prints no secret", () => {
    expect(spawnSync("/bin/sh", ["-n"], { input: script }).status).toBe(0);
    expect(script).not.toMatch(/set -\w*x/);
    expect(script).not.toContain("tskey-auth-secret");
  });

  test("closes the public side before it joins, and installs exact versions with their sums", () => {
    const at = (text: string): number => {
      expect(script).toContain(text);
      return script.indexOf(text);
    };
    expect(at("ufw default deny incoming")).toBeLessThan(at("tailscale up --auth-key=file:/run/gvfx-tailscale.key --hostname='witness'"));
    at("ufw allow in on tailscale0");
    at("apt-get install -y tailscale='1.90.6'");
    at("apt-mark hold tailscale");
    const { nomad, consul } = boot.versions;
    at(`program_ready nomad '${nomad.version}' '${nomad.url}' '${nomad.sha256}'\nprogram_place nomad`);
    at(`program_ready consul '${consul.version}' '${consul.url}' '${consul.sha256}'\nprogram_place consul`);
  });

  test("no TCP port is opened by name", () => {
    expect(script.match(/^ufw allow .*$/gm)).toEqual(["ufw allow in on tailscale0", "ufw allow 41641/udp"]);
  });

  test("SSH knows keys only, and the one host key that is pinned", () => {
    const sshd = contents.find((text) => text.includes("HostKey"))!;
    expect(sshd).toBe("Port 22\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nHostKey /etc/ssh/ssh_host_ed25519_key\n");
    expect(userData).toContain("ssh_deletekeys: true\n");
  });

  test("another user than root may become root, as delivering a bundle needs", () => {
    expect(userData).not.toContain("NOPASSWD");
    expect(cloudInit({ ...boot, user: "deploy" })).toContain('  - name: "deploy"\n    lock_passwd: true\n    shell: /bin/bash\n    ssh_authorized_keys: ["ssh-ed25519 AAAA operator"]\n    sudo: "ALL=(ALL) NOPASSWD:ALL"\n');
  });
});
