import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appSource } from "../../../scripts/data/move/world/app-source";

let folder: string;
let checkout: string;
const git = (...args: string[]): string => execFileSync("git", ["-C", checkout, "-c", "user.name=t", "-c", "user.email=t@example.com", ...args], { encoding: "utf8" }).trim();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gvfx-app-"));
  checkout = join(folder, "app");
  mkdirSync(join(checkout, "convex"), { recursive: true });
  git("init", "--quiet");
  writeFileSync(join(checkout, "convex/schema.ts"), "one");
  writeFileSync(join(checkout, "convex.json"), '{"functions":"convex/"}');
  writeFileSync(join(checkout, "other.txt"), "not needed");
  git("add", ".");
  git("commit", "--quiet", "-m", "one");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const options = (given: { checkout?: string } = {}) => ({ cache: join(folder, "cache.git"), variables: process.env, ...given });
const pinned = (revision = git("rev-parse", "HEAD")) => ({ from: "repository", repository: checkout, revision }) as const;

test("of a repository the pinned commit is taken, whatever came after it", async () => {
  const source = pinned();
  writeFileSync(join(checkout, "convex/schema.ts"), "two");
  git("commit", "--quiet", "-am", "two");
  const app = await appSource(source, options());
  await app.check();
  const to = join(folder, "placed");
  await app.place(to);
  await app.place(to);
  expect(readFileSync(join(to, "convex/schema.ts"), "utf8")).toBe("one");
  expect([existsSync(join(to, "convex.json")), existsSync(join(to, "other.txt"))]).toEqual([true, false]);
  expect(app.name).toBe(`${source.revision} of ${checkout}`);
});

test("a commit that the repository does not have is said, with the other way", async () => {
  const app = await appSource(pinned("0123456789012345678901234567890123456789"), options());
  await expect(app.check()).rejects.toThrow(/has no commit 0123.*on any branch.*--app-source FOLDER/);
  const here = await appSource(pinned("0123456789012345678901234567890123456789"), options({ checkout }));
  await expect(here.check()).rejects.toThrow(/has not the commit 0123.*git -C .* fetch origin 0123/);
});

test("a checkout with changes in its functions is refused, and others do not matter", async () => {
  const app = await appSource(pinned(), options({ checkout }));
  writeFileSync(join(checkout, "other.txt"), "changed");
  await app.check();
  writeFileSync(join(checkout, "convex/new.ts"), "");
  await expect(app.check()).rejects.toThrow(/changes in convex\/ or convex\.json that are not committed.*convex\/new\.ts/s);
});

test("where the environment pins nothing, a checkout's own commit counts", async () => {
  const app = await appSource({ from: "folder", folder: "nowhere" }, options({ checkout }));
  expect(app.name).toBe(`${git("rev-parse", "HEAD")} of ${checkout}`);
  await expect(appSource({ from: "folder", folder: "nowhere" }, options({ checkout: folder }))).rejects.toThrow(/is no checkout of the app/);
});

test("a commit without functions is of something else", async () => {
  git("rm", "--quiet", "-r", "convex");
  git("commit", "--quiet", "-m", "gone");
  await expect((await appSource(pinned(), options({ checkout }))).check()).rejects.toThrow(/has no folder convex\/ with Convex functions/);
});

test("a folder of this repository is copied", async () => {
  const app = await appSource({ from: "folder", folder: "lab/convex-app" }, options());
  await app.check();
  await app.place(join(folder, "lab"));
  expect(existsSync(join(folder, "lab/convex/schema.ts"))).toBe(true);
  await expect((await appSource({ from: "folder", folder: "docs" }, options())).check()).rejects.toThrow(/has no folder convex\//);
});
