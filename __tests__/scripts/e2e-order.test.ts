/** The order of the end-to-end tests, which share one lab. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import ByName from "../e2e/by-name.cjs";

const FOLDER = join(__dirname, "..", "e2e");

test("by name, and what destroys the lab is the last one", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".e2e.test.ts"));
  const order = new ByName({ contextConfigs: [], globalConfig: {} }).sort(files.map((name) => ({ path: join(FOLDER, name) })).reverse()).map(({ path }) => path.slice(FOLDER.length + 1));
  expect(files).toContain("teardown.e2e.test.ts");
  expect(order).toEqual([...files.filter((name) => name !== "teardown.e2e.test.ts").sort(), "teardown.e2e.test.ts"]);
});
