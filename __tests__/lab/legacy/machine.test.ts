import { App, TerraformStack } from "cdktf";
import type { LabSsh } from "../../../constructs/lab/nodes";
import { legacyMachine } from "../../../constructs/lab/outside";
import { loadEnvironment } from "../../../environments/load";

test("the legacy host's container allows what a Linux host allows a user, and gives no rights beyond", () => {
  const environment = loadEnvironment("lab");
  const { lab } = environment;
  if (!lab) throw new Error("the environment lab has no section lab");
  const stack = new TerraformStack(new App(), "lab");
  legacyMachine(stack, { lab, network: "gvfx-lab" }, environment, { image: "gvfx-lab/legacy:lab", login: { filesOf: () => [] } as unknown as LabSsh });
  const [container] = Object.values((stack.toTerraform() as { resource: { docker_container: Record<string, object> } }).resource.docker_container);
  expect(container).toMatchObject({ security_opts: ["seccomp=unconfined", "apparmor=unconfined"] });
  expect(container).not.toHaveProperty("privileged");
  expect(container).not.toHaveProperty("capabilities");
});
