import { example as production } from "../jobs/worked-example";
import { staging } from "../../environments/staging";
import type { PlatformModel } from "../../scripts/preview/model";
import { machineText, previewText } from "../../scripts/preview/text";
import { sentence, table, wrap } from "../../scripts/preview/text/table";
import { modelOf } from "./platform";

// Some tests synthesize all four stacks again, beside other suites on few cores.

const model = modelOf(production);
const text = previewText(model);
const ESCAPE = String.fromCharCode(27);

test("production reads as recorded", () => {
  expect(text).toMatchSnapshot();
});

test("opens with five lines that say it all", () => {
  const [heading, ...lines] = text.split("\n\n")[0].split("\n");
  expect(heading).toBe("tv-goldviewfx platform, environment production");
  expect(lines.map((line) => line.trim().split(" ")[0])).toEqual(["stacks", "jobs", "rules", "secrets", "images"]);
  expect(lines[2]).toContain(`${model.rules.length} rules held for ${model.jobs.length} jobs`);
});

test("names every stack, job, grant, secret and image", () => {
  if (!model.access.enabled) throw new Error("production has a tailnet");
  for (const { id } of [...model.stacks, ...model.jobs]) expect(text).toContain(id);
  for (const { path, fields } of model.secrets) for (const word of [path, ...fields.map(({ field }) => field)]) expect(text).toContain(word);
  for (const { repository } of model.images) expect(text).toContain(repository);
  for (const { from, to } of model.access.grants) expect(text).toMatch(new RegExp(`^  ${from.join(" ")} +→ ${to.join(" ")} `, "m"));
});

test.each([88, 100, 120])("fits %i columns, but for a version or hash that is wider than its column", (width) => {
  expect(previewText(model, { width }).split("\n").filter((line) => line.length > width && !/\S{28}$/.test(line))).toEqual([]);
});

test("says nothing of the machine and of the day", () => {
  expect(text).not.toContain(process.cwd());
  expect(text).not.toMatch(/\b20\d\d-\d\d-\d\d\b(?!T)/);
  expect(previewText(modelOf(production))).toBe(text);
});

test("has emphasis on a terminal only, and the same words", () => {
  expect(text).not.toContain(ESCAPE);
  const coloured = previewText(model, { colour: true });
  expect(coloured).toContain(ESCAPE);
  expect(coloured.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, "g"), "")).toBe(text);
});

test("another environment reads differently", () => {
  const other = previewText(modelOf(staging));
  expect(other).toContain("environment staging");
  expect(other).toContain("gvfx-staging/app/trading");
  expect(other).not.toContain("tag:gvfx-app");
});

describe("images", () => {
  const withDigests = (change: Partial<PlatformModel>) => previewText({ ...model, ...change });

  test("are all pinned", () => {
    const pinned = withDigests({ images: model.images.map((image) => ({ ...image, digest: `sha256:${"a".repeat(64)}` })) });
    expect(pinned).toContain("all 9 are pinned by digest");
    expect(pinned).not.toContain("unpinned");
  });

  test("are deployed without a digest where the environment says so", () => {
    expect(withDigests({ requireImageDigests: false })).toContain("this environment deploys them all the same");
  });
});

test("what jobs do not share is said of each", () => {
  const [first, ...others] = model.jobs;
  const mixed = previewText({ ...model, jobs: [{ ...first, checkedEvery: "7s", updateLimit: "healthy for 1m" }, ...others] }, { width: 160 });
  expect(mixed).toMatch(/gvfx-gateway .* every 7s .*; healthy for 1m\n/);
  expect(mixed).toMatch(/gvfx-worker .* every 5s .*; healthy for 10s within 5m, else reverted\n/);
  expect(mixed).not.toContain("In each");
});

test("the machine's part says what is there, what is missing and what to do next", () => {
  const report = { checks: [{ name: "Terraform", present: true, detail: "1.11.4" }, { name: "VAULT_TOKEN", present: false, detail: "foundation writes Vault's roles" }], next: { command: "npx cdktf diff foundation", why: "shows it" } };
  expect(machineText(report)).toMatchInlineSnapshot(`
"For more than a preview, on this machine
  has      Terraform    1.11.4
  missing  VAULT_TOKEN  foundation writes Vault's roles

Next: npx cdktf diff foundation
      shows it
"
`);
});

describe("tables", () => {
  test("wrap the widest column at words and keep the others", () => {
    expect(table([["a", "one two three"], ["bb", "four"]], { width: 13 })).toEqual(["  a   one two", "      three", "  bb  four"]);
  });

  test("never cut a word", () => {
    expect(table([["unbreakable", "x"]], { width: 5 })).toEqual(["  unbreakable  x"]);
    expect(wrap("unbreakable x", 4)).toEqual(["unbreakable", "x"]);
  });

  test("keep together what belongs together", () => {
    expect(sentence("1\u00a0a 22\u00a0bb", { width: 8 })).toEqual(["  1 a", "  22 bb"]);
  });

  test("of nothing are nothing", () => {
    expect(table([], { width: 80 })).toEqual([]);
  });
});
