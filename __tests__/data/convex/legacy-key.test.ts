import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asLoginUser } from "../../../scripts/data/convex/access";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "gvfx it's "))));
afterEach(() => rmSync(folder, { recursive: true }));

const run = (script: string, variables: Record<string, string> = {}) => execFileSync("sh", ["-s"], { input: script, env: { PATH: process.env.PATH, ...variables }, encoding: "utf8" });

test("the command runs in the checkout, whatever its name, with nothing to read", () => {
  writeFileSync(join(folder, "key.sh"), 'cat; printf "%s\\n" "legacy|01 of $1"');
  expect(run(asLoginUser(folder, "sh key.sh 'a b'"))).toBe("legacy|01 of a b\n");
});

test("as root by sudo, it runs as who logged in", () => {
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin", "sudo"), '#!/bin/sh\necho "sudo $1 $2 $3 $4"; shift 4; exec "$@"');
  chmodSync(join(folder, "bin", "sudo"), 0o755);
  expect(run(asLoginUser(folder, "echo here"), { PATH: `${join(folder, "bin")}:${process.env.PATH}`, SUDO_USER: "trader" })).toBe("sudo -n -H -u trader\nhere\n");
});

test("a checkout that is not there fails instead of running elsewhere", () => {
  expect(() => run(`${asLoginUser(join(folder, "gone"), "echo here")} 2>/dev/null`)).toThrow();
});
