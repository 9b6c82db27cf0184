/**
 * Rotates what every node has, authority and gossip key: three deploys of foundation, in each of which one node after the
 * other is brought to keys that all of the others accept already. The step that is reached is in the environment's file,
 * so that the same command goes on after a crash, or after somebody else's deploy.
 */
import { nextOf, SHARED_KEYS, stepOf, type Rotation, type SharedKey, type Step } from "../../contracts/rotation";
import type { Deployer, StackId } from "../terraform/deployer";

export interface RotationFile {
  readonly path: string;
  read(): Rotation;
  write(rotation: Rotation): void;
}

export interface SharedKeysOptions {
  readonly deployer: Deployer;
  readonly file: RotationFile;
  readonly say: (line: string) => void;
  /** Do the next step in the file alone: it is deployed by a pull request. @default false */
  readonly writeOnly?: boolean;
  /** Called between two steps. @throws Error when it was interrupted */
  readonly checkpoint: () => void;
  /** Called after each deploy: the authority may be another. @default nothing */
  readonly deployed?: () => Promise<void>;
}

const DONE: Readonly<Record<Step, string>> = {
  accept: "every node accepts the next one beside the one that is used",
  use: "every node uses the next one, and accepts the one before",
  retire: "the one before is gone",
};

/** How many deploys a rotation takes. */
export const DEPLOYS = 3;

/**
 * @param keys which are to be rotated, together
 * @returns names of the steps that were taken
 * @throws Error when foundation has other changes, when another rotation is under way, or when a deploy fails; the same command goes on then
 */
export async function rotateSharedKeys(keys: readonly SharedKey[], { deployer, file, say, checkpoint, writeOnly = false, deployed = async () => undefined }: SharedKeysOptions): Promise<readonly Step[]> {
  const underWay = SHARED_KEYS.filter((key) => stepOf(file.read()[key]) !== undefined);
  const others = underWay.filter((key) => !keys.includes(key));
  if (others.length > 0) throw new Error(`a rotation of ${others.map(nameOf).join(" and ")} is under way (${file.path}), and nothing was done; bring it to its end first: gvfx rotate ${underWay.map(nameOf).join(" ")}`);

  const taken: Step[] = [];
  let rotating = underWay.length > 0 ? underWay : keys;
  if (writeOnly) {
    taken.push(...write(rotating));
    return taken;
  }
  await deployer.synthesize();
  if (underWay.length === 0) {
    await mustBeDeployed(deployer, "foundation");
  } else {
    say(`goes on with ${underWay.map((key) => `${nameOf(key)} (${stepOf(file.read()[key])})`).join(", ")}`);
    // What was written and may not have been deployed, or by halves.
    await deployer.apply("foundation");
    await deployed();
  }
  while (rotating.length > 0) {
    checkpoint();
    const steps = write(rotating);
    await deployer.synthesize();
    await deployer.apply("foundation");
    await deployed();
    taken.push(...steps);
    rotating = rotating.filter((key) => stepOf(file.read()[key]) !== undefined);
  }
  if (await deployer.hasChanges("foundation")) throw new Error("the rotation is done, and yet foundation would be changed by another deploy; see what: npm run gvfx -- diff foundation");
  return taken;

  function write(which: readonly SharedKey[]): Step[] {
    const before = file.read();
    const next = which.map((key) => ({ key, ...nextOf(before[key]) }));
    file.write({ ...before, ...Object.fromEntries(next.map(({ key, generations }) => [key, generations])) });
    for (const { key, step, generations } of next) say(`${nameOf(key)}, ${step}: ${DONE[step]} (generation ${generations.used} is used${generations.accepted.length > 1 ? `, ${generations.accepted.join(" and ")} are accepted` : ""})`);
    return [...new Set(next.map(({ step }) => step))];
  }
}

/** @throws Error when a stack has changes that are not deployed: they would be deployed with a rotation, unseen */
export async function mustBeDeployed(deployer: Pick<Deployer, "hasChanges">, stack: StackId): Promise<void> {
  if (await deployer.hasChanges(stack)) throw new Error(`${stack} has changes that are not deployed, which would be deployed with the rotation, and nothing was done; look at them, and deploy them first: npm run gvfx -- diff ${stack}; npx cdktf deploy ${stack}. After a rotation that was broken off in its last deploy, they are what was left of it: with that deploy it is done, and not to be repeated`);
}

/** As it is written on the command line. */
export function nameOf(key: SharedKey): string {
  return key === "gossipKey" ? "gossip-key" : key;
}
