/**
 * Replaces the secret that the ACLs were turned on with, Nomad's management token. Nomad takes another one while a file
 * on its leader says so (`acl-bootstrap-reset`); what Terraform asks Nomad with is known before it is planned with.
 */
import type { Rotation } from "../../contracts/rotation";
import type { Deployer } from "../terraform/deployer";
import { mustBeDeployed, type RotationFile } from "./shared-keys";

/** The cluster, as far as a new management token is given to it. */
export interface ManagementWorld {
  /** Whether Nomad takes the token for one of management. */
  manages(token: string): Promise<boolean>;
  /** What `nomad acl bootstrap` names in its error. */
  resetIndex(): Promise<number>;
  /** Lets Nomad's leader take another secret, until `close`. @param token of management, to move the leadership to a node that can be logged in to */
  open(index: number, token: string): Promise<void>;
  close(): Promise<void>;
  /** Removes every token of management that an ACL bootstrap made, but for this one. @returns how many */
  removeOthers(token: string): Promise<number>;
}

export interface ManagementOptions {
  readonly deployer: Deployer;
  readonly file: RotationFile;
  readonly world: ManagementWorld;
  readonly say: (line: string) => void;
  /** Called between two steps. @throws Error when it was interrupted */
  readonly checkpoint: () => void;
}

const OUTPUT = "management-token";

/** @throws Error when foundation has other changes, or a step fails; the same command goes on then */
export async function rotateManagementToken({ deployer, file, world, say, checkpoint }: ManagementOptions): Promise<void> {
  await deployer.synthesize();
  const before = (await deployer.outputs("foundation"))[OUTPUT];
  if (before === undefined) throw new Error("foundation has no management token, and nothing was done; deploy it first: npx cdktf deploy foundation");

  if (await brokenOff(deployer)) say(`goes on with generation ${file.read().managementToken}`);
  else {
    await mustBeDeployed(deployer, "foundation");
    const rotation: Rotation = file.read();
    file.write({ ...rotation, managementToken: rotation.managementToken + 1 });
    await deployer.synthesize();
  }

  checkpoint();
  if (await world.manages(before)) {
    // What a run left that was ended by force: the question for the index would turn the ACLs on anew.
    await world.close();
    await world.open(await world.resetIndex(), before);
    try {
      // On its own: while the new secret is unknown, a plan of all the rest would ask Nomad without a token.
      await deployer.apply("foundation", { targets: [...currentSecret(deployer), ...deployer.addresses("foundation", /\/acl\/bootstrap$/)] });
    } finally {
      await world.close();
    }
    say("Nomad takes the new management token");
  }
  checkpoint();
  await deployer.apply("foundation");
  const after = (await deployer.outputs("foundation"))[OUTPUT];
  const removed = await world.removeOthers(after);
  if (after !== before && (await world.manages(before))) throw new Error("the new management token works, and the old one does too, which nothing here has made: remove it by hand (nomad acl token list; nomad acl token delete <accessor>)");
  say(`${removed} old management token${removed === 1 ? "" : "s"} removed; the new one, NOMAD_TOKEN of whoever deploys cutover, in HCP Terraform a variable of its workspace: ${deployer.commandIn("foundation")} output -raw ${OUTPUT}`);
}

function currentSecret(deployer: Deployer): readonly string[] {
  return deployer.addresses("foundation", /\/acl\/secret(-\d+)?$/);
}

/** Whether an earlier run has written the next generation, and not come to its end. */
async function brokenOff(deployer: Deployer): Promise<boolean> {
  const deployed = (await deployer.deployed("foundation")).filter((address) => /^random_bytes\.acl_secret/.test(address));
  return deployed.length !== 1 || !currentSecret(deployer).includes(deployed[0]);
}
