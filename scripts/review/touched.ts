/** Which stacks a change touches: those whose synthesized text is another, whatever file made it so. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { STACK_IDS } from "../../contracts/stacks";

/**
 * @param before folder that `cdktf synth` wrote before the change
 * @param after and after it
 * @returns ids in the order of their dependencies
 * @throws Error when a folder holds no synthesized stacks
 */
export function touchedStacks(before: string, after: string): string[] {
  const text = (folder: string, stack: string): string | undefined => {
    const file = join(folder, "stacks", stack, "cdk.tf.json");
    return existsSync(file) ? withoutVersions(readFileSync(file, "utf8")) : undefined;
  };
  for (const folder of [before, after]) if (STACK_IDS.every((stack) => text(folder, stack) === undefined)) throw new Error(`${folder} holds no synthesized stacks; write them there first: CDKTF_OUTDIR=${folder} npm run synth`);
  return STACK_IDS.filter((stack) => text(before, stack) !== text(after, stack));
}

/** What cdktf says of itself and of where a construct is declared changes nothing that is deployed. */
function withoutVersions(text: string): string {
  return JSON.stringify(JSON.parse(text, (key, value: unknown) => (key === "//" ? undefined : value)));
}
