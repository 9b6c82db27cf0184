/** `gvfx review`: touched stacks by their texts, and the one comment over a fake of GitHub. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { STACK_IDS } from "../../contracts/stacks";
import type { Diff, StackOutcome } from "../../scripts/diff/report";
import { mergeDiffs } from "../../scripts/review/merge";
import { reviewCommand } from "../../scripts/review/command";
import { environment } from "../jobs/worked-example";
import { FakeGitHub } from "./fake-github";

const folder = mkdtempSync(join(tmpdir(), "review-"));
let github: FakeGitHub;
beforeAll(async () => {
  github = await FakeGitHub.start();
});
afterAll(async () => {
  await github.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  github.comments.length = 0;
  github.asked.length = 0;
  github.readOnly = false;
});

async function review(...args: string[]): Promise<string> {
  const lines: string[] = [];
  await reviewCommand(() => environment, { variables: { GITHUB_TOKEN: github.token, GITHUB_REPOSITORY: "example/platform", GITHUB_API_URL: `${github.address}/` }, write: (text) => lines.push(text) }).parseAsync(args, { from: "user" });
  return lines.join("\n");
}

const write = (path: string, value: unknown): string => {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(value));
  return file;
};
const synthesized = (name: string, change: Partial<Record<(typeof STACK_IDS)[number], unknown>> = {}): string => {
  for (const stack of STACK_IDS) write(`${name}/stacks/${stack}/cdk.tf.json`, change[stack] ?? { "//": { metadata: { version: name } }, resource: { nomad_job: { [stack]: { "//": { metadata: { path: name } }, jobspec: "{}" } } } });
  return join(folder, name);
};

describe("touched", () => {
  test("stacks whose text is another; what cdktf says of itself is none", async () => {
    const [before, after] = [synthesized("a"), synthesized("b", { app: { resource: { nomad_job: { app: { jobspec: "{ }" } } } } })];
    expect(await review("touched", before, after)).toBe('["app"]');
    expect(await review("touched", before, before)).toBe("[]");
    expect(await review("touched", before, after, "--of", "foundation,cutover")).toBe("[]");
  });
  test("planted: a folder without stacks is no change of all of them", async () => {
    await expect(review("touched", join(folder, "nothing"), synthesized("a"))).rejects.toThrow(/nothing holds no synthesized stacks; write them there first: CDKTF_OUTDIR=/);
    await expect(review("touched", synthesized("a"), synthesized("a"), "--of", "apps")).rejects.toThrow(/apps is no stack; there are foundation/);
  });
});

const planned = (stack: string, what = `job ${stack}`): StackOutcome => ({ outcome: "planned", stack, changes: [{ address: "nomad_job.x", what, action: "update", danger: undefined, words: ["count 2 to 3"], effect: undefined }], outputs: [] });
const diff = (...stacks: StackOutcome[]): Diff => ({ environment: environment.name, stacks, guardrails: { held: 24 } });

describe("comment", () => {
  const comment = (stacks: string, ...files: string[]) => review("comment", ...files, "--number", "7", "--revision", "abc123", "--stacks", stacks, "--absent", "waits for approval");

  test("is one: what comes later is written over it", async () => {
    const [open, guarded] = [write("open.json", diff(planned("app"))), write("protected.json", diff(planned("foundation")))];
    expect(await comment('["foundation","app"]', open, join(folder, "not-there.json"))).toBe("https://github.example.com/example/platform/pull/7#issuecomment-1");
    expect(github.comments[0].body).toMatch(/^<!-- gvfx diff production -->[\s\S]*\| foundation \| \*\*no plan\*\* \|[\s\S]*\| app \| 1 changed \|[\s\S]*waits for approval[\s\S]*count 2 to 3[\s\S]*24 guardrails hold\. Planned from abc123/);
    await comment('["foundation","app"]', open, guarded);
    expect(github.comments).toHaveLength(1);
    expect(github.comments[0].body).toMatch(/\| foundation \| 1 changed \|\n\| app \| 1 changed \|/);
  });

  test("is found behind a hundred others, and a person's that quotes it is left alone", async () => {
    github.add("<!-- gvfx diff production -->\nas it said", "User");
    for (let n = 0; n < 150; n++) github.add("another", "Bot");
    const own = github.add("<!-- gvfx diff production -->\nold", "Bot");
    github.add("<!-- gvfx diff staging -->\nof staging", "Bot");
    await comment("app", write("one.json", diff(planned("app"))));
    expect([github.comments.length, own.body.includes("count 2 to 3")]).toEqual([153, true]);
    expect(github.comments[0].body).toMatch(/as it said/);
  });

  test("of a change that touches no stack is not made, and one that is there says so", async () => {
    expect(await comment("[]")).toBe("no stack is touched, and there is no comment to change");
    expect(github.comments).toEqual([]);
    github.add("<!-- gvfx diff production -->\nold", "Bot");
    await comment("[]");
    expect(github.comments[0].body).toMatch(/This change touches no stack/);
  });

  test("without any plan no guardrail is counted", async () => {
    await comment("foundation");
    expect(github.comments[0].body).toMatch(/waits for approval/);
    expect(github.comments[0].body).not.toMatch(/guardrails hold/);
  });

  test("planted: a token that may not write is said, with what helps", async () => {
    github.readOnly = true;
    await expect(comment("app", write("one.json", diff(planned("app"))))).rejects.toThrow(/GitHub answered 403.*pull-requests: write/);
  });

  test("what is missing is said at once, and what is no diff is refused", async () => {
    const bare = reviewCommand(() => environment, { variables: {}, write: () => undefined });
    await expect(bare.parseAsync(["comment", "--number", "x"], { from: "user" })).rejects.toThrow(/GITHUB_TOKEN.*GITHUB_REPOSITORY.*not "x"/);
    await expect(comment("app", write("bad.json", { stacks: [] }))).rejects.toThrow(/bad\.json is not what gvfx diff --json prints/);
    await expect(comment("app", write("other.json", { ...diff(planned("app")), environment: "staging" }))).rejects.toThrow(/a diff is of staging, and the comment of production/);
    expect(github.comments).toEqual([]);
  });
});

test("a guardrail that is broken in any job is told alone", () => {
  const merged = mergeDiffs([diff(planned("app")), { environment: environment.name, stacks: [], guardrails: { broken: "rule 1" } }], { environment: environment.name, expected: [], absent: "" });
  expect(merged.guardrails).toEqual({ broken: "rule 1" });
});
