/** Stacks of an earlier time, known by their sources; in a folder of the test. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { synthesizerOf } from "../../scripts/diff/synthesizer";
import { STACK_IDS } from "../../contracts/stacks";
import { environment } from "../jobs/worked-example";

const home = process.cwd();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gvfx-synthesizer-"));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

const file = (stack: string) => join("cdktf.out", "stacks", stack, "cdk.tf.json");

async function synthesized(sources?: string): Promise<void> {
  const synthesizer = synthesizerOf(environment, sources);
  const { stacks, held } = await synthesizer.synthesize(environment);
  expect([Object.keys(stacks).sort(), held > 10]).toEqual([[...STACK_IDS].sort(), true]);
  synthesizer.putInPlace();
  synthesizer.close();
}

test("what was synthesized lies where a deploy looks for it, and nothing else is left", async () => {
  await synthesized("hash of the sources");
  for (const stack of STACK_IDS) expect(JSON.parse(readFileSync(file(stack), "utf8"))).toHaveProperty("terraform");
  expect(existsSync(join("cdktf.out", "manifest.json"))).toBe(true);
  expect(readdirSync(".gvfx")).toEqual(["cdktf.out.synthesized.json"]);
});

test("the stacks are known while sources and texts are the same, and no longer", async () => {
  expect(synthesizerOf(environment, "one").known()).toBeUndefined();
  await synthesized("one");
  expect(Object.keys(synthesizerOf(environment, "one").known()!.stacks).sort()).toEqual([...STACK_IDS].sort());
  expect(synthesizerOf(environment, "another").known()).toBeUndefined();
  expect(synthesizerOf(environment).known()).toBeUndefined();
  expect(synthesizerOf({ ...environment, name: "staging" }, "one").known()).toBeUndefined();
  // The same name, and another environment: a lab after a loss.
  expect(synthesizerOf({ ...environment, dataPlane: { ...environment.dataPlane, node: "server-2" } }, "one").known()).toBeUndefined();
  const locked = { ...environment, images: { ...environment.images, lockFile: "images.lock.json" } };
  expect(synthesizerOf(locked, "one").known()).toBeUndefined();
  // Another command has synthesized another environment to the same folder, or somebody has edited it.
  writeFileSync(file("app"), "{}");
  expect(synthesizerOf(environment, "one").known()).toBeUndefined();
});

test("a file whose text is the same is not written: Terraform may be reading it", async () => {
  await synthesized("one");
  const before = statSync(file("app"), { bigint: true }).mtimeNs;
  writeFileSync(file("cutover"), "{}");
  await synthesized("two");
  expect(statSync(file("app"), { bigint: true }).mtimeNs).toBe(before);
  expect(readFileSync(file("cutover"), "utf8")).not.toBe("{}");
});

test("Terraform begins only where it was initialized", async () => {
  await synthesized("one");
  expect(synthesizerOf(environment, "one").before("app")).toBeUndefined();
  mkdirSync(join("cdktf.out", "stacks", "app", ".terraform"));
  writeFileSync(join("cdktf.out", "stacks", "app", ".terraform", "initialized"), "");
  expect(synthesizerOf(environment, "one").before("app")).toBe(readFileSync(file("app"), "utf8"));
});
