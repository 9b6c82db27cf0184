import { App, TerraformStack } from "cdktf";
import { LabMachine } from "../../../constructs/lab/machine";
import type { LabSsh } from "../../../constructs/lab/nodes";
import { legacyMachine } from "../../../constructs/lab/outside";
import { loadEnvironment } from "../../../environments/load";
import { labMachines } from "../../../scripts/lab/machines";

const made = { image: "gvfx-lab/legacy:lab", login: { filesOf: () => [] } as unknown as LabSsh };

test("the legacy host's container allows what a Linux host allows a user, and gives no rights beyond", () => {
  const environment = loadEnvironment("lab");
  const { lab } = environment;
  if (!lab) throw new Error("the environment lab has no section lab");
  const stack = new TerraformStack(new App(), "lab");
  legacyMachine(stack, { lab, network: "gvfx-lab" }, environment, { ...made, nodes: {} });
  const [container] = Object.values((stack.toTerraform() as { resource: { docker_container: Record<string, object> } }).resource.docker_container);
  expect(container).toMatchObject({ security_opts: ["seccomp=unconfined", "apparmor=unconfined"] });
  expect(container).not.toHaveProperty("privileged");
  expect(container).not.toHaveProperty("capabilities");
});

test("legacy on a node shares its address, listens where the platform does not, and is reached by the node's published ports", () => {
  const environment = loadEnvironment("lab-legacy-on-server-1");
  const { lab, legacy, ports } = environment;
  const stack = new TerraformStack(new App(), "lab");
  const node = new LabMachine(stack, "node", { lab: lab!, network: "gvfx-lab", name: "server-1", address: "100.127.0.11", image: "gvfx-lab/node:lab" });
  legacyMachine(stack, { lab: lab!, network: "gvfx-lab" }, environment, { ...made, nodes: { "server-1": node } });
  const containers = Object.values((stack.toTerraform() as { resource: { docker_container: Record<string, Record<string, unknown>> } }).resource.docker_container);
  const [server, host] = ["gvfx-lab-server-1", "gvfx-lab-legacy"].map((name) => containers.find((container) => container.name === name)!);
  expect(host.network_mode).toMatch(/^container:\$\{docker_container\.node_container_\w+\.id\}$/);
  // The engine refuses them beside another container's network.
  for (const argument of ["hostname", "dns", "networks_advanced", "ports"]) expect(host).not.toHaveProperty(argument);
  const published = (server.ports as { internal: number }[]).map(({ internal }) => internal);
  const own = [lab!.legacySshPort, ...Object.values(legacy.ports), Number(new URL(legacy.convexUrl).port)];
  expect(published).toEqual(expect.arrayContaining(own));
  expect(own.filter((port) => (Object.values(ports) as number[]).includes(Number(port)))).toEqual([]);
  expect(labMachines(environment, lab!).find(({ name }) => name === "legacy")).toMatchObject({ container: "gvfx-lab-legacy", address: "100.127.0.11", published: expect.arrayContaining([{ port: legacy.ports.api, on: 18_788 }]) });
});
