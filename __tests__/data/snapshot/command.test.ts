import { readFileSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { silentProgress } from "../../../scripts/data/progress";
import { snapshotCommands } from "../../../scripts/data/snapshot/command";
import { smallDataset, temporary, unzip, withLines } from "./zip-files";

let sound: string;
beforeAll(async () => {
  sound = await smallDataset();
});
afterEach(() => {
  process.exitCode = undefined;
});

async function run(...args: readonly string[]): Promise<{ code: unknown; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const noEnvironment = (): never => {
    throw new Error("no environment is needed offline");
  };
  const program = new Command().exitOverride();
  for (const command of snapshotCommands(noEnvironment, { variables: {}, write: (text) => void out.push(text), complain: (text) => void err.push(text), progress: silentProgress })) program.addCommand(command.exitOverride());
  await program.parseAsync(args, { from: "user" });
  return { code: process.exitCode, out: out.join("\n"), err: err.join("\n") };
}

test("validate: 0 and a table of counts for a sound file, without any environment", async () => {
  const { code, out } = await run("validate", sound);
  expect(code).toBe(0);
  expect(out).toMatch(/set_kinds +60 /);
  expect(out).toMatch(/The snapshot is sound\.$/);
});

test("validate: 1, the place and what to do, for a tampered file; the same as JSON", async () => {
  const path = await withLines(await unzip(sound), "set_ticks/documents.jsonl", (lines) => lines.with(2, "{"));
  const { code, out } = await run("validate", path);
  expect(code).toBe(1);
  expect(out).toMatch(/must not be imported:\n {2}set_ticks\/documents\.jsonl line 3: the line ends inside of the object.*\n {4}Export again/);
  const json = await run("validate", path, "--json");
  expect([json.code, JSON.parse(json.out)]).toEqual([1, expect.objectContaining({ problems: [expect.objectContaining({ place: "set_ticks/documents.jsonl line 3" })] })]);
});

test("validate: 1 for a truncated file, 2 for one that cannot be read", async () => {
  const cut = temporary();
  writeFileSync(cut, readFileSync(sound).subarray(0, 9_000));
  expect(await run("validate", cut)).toMatchObject({ code: 1, out: expect.stringMatching(/truncated/) });
  expect(JSON.parse((await run("validate", cut, "--json")).out)).toMatchObject({ path: cut, problems: [{ place: expect.stringMatching(/end of the file/) }] });
  expect(await run("validate", "/nowhere.zip")).toMatchObject({ code: 2, out: "", err: expect.stringMatching(/no such file/) });
});

test("diff: 0 for the same, 1 and the documents for others, 2 when there is nothing to compare with", async () => {
  const path = await withLines(await unzip(sound), "set_ticks/documents.jsonl", (lines) => lines.slice(1));
  expect(await run("diff", sound, sound)).toMatchObject({ code: 0, out: expect.stringMatching(/have the same: 6 tables/) });
  expect(await run("diff", sound, path)).toMatchObject({ code: 1, out: expect.stringMatching(/set_ticks +0 +1 +0\nFor example:\n {2}removed {2}set_ticks t\w{31}\n5 other tables are the same/) });
  expect(await run("diff", sound)).toMatchObject({ code: 2, err: expect.stringMatching(/give a second file, or --against/) });
  expect(await run("diff", sound, path, "--against", "nomad")).toMatchObject({ code: 2 });
});
