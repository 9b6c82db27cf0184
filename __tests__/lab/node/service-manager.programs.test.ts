import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { clusterNodes } from "../../../constructs/cluster/node";
import { consulUnit, nomadUnit } from "../../../constructs/cluster/units";
import { loadEnvironment } from "../../../environments/load";

const SOURCES = join(__dirname, "../../../lab/node/files/usr/local/lib/lab-node");
/** Python as the node has it; nothing is written beside the sources. */
const python = (args: readonly string[], input = "") => spawnSync("python3", args, { cwd: __dirname, input, encoding: "utf8", env: { ...process.env, PYTHONPATH: SOURCES, PYTHONDONTWRITEBYTECODE: "1" } });

const missing = process.platform !== "linux" ? "not Linux" : python(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]).status === 0 ? undefined : "no Python 3.11 on PATH";
const on = missing ? describe.skip : describe;

on(`the node's service manager${missing ? ` (not run: ${missing})` : ""}`, () => {
  test.each(["unit_file_test", "command_test", "policy_test", "manager_test"])("%s", (file) => {
    const { status, stderr } = python(["-m", "unittest", file]);
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    expect(stderr).toMatch(/Ran \d+ tests in/);
  });

  test("every directive of the units that foundation delivers is in force", () => {
    const env = loadEnvironment("lab");
    const nodes = clusterNodes(env, undefined, Object.fromEntries([...env.nodes, env.witness].map(({ name }) => [name, "ssh-ed25519 AAAA"])));
    const units = nodes.flatMap((node) => [nomadUnit(env, node), consulUnit(env, node)]);
    const { stdout, stderr } = python(["-c", "import json, sys, unit_file; print([unit_file.parse('x.service', text).unknown for text in json.load(sys.stdin)])"], JSON.stringify(units));
    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: `[${units.map(() => "[]").join(", ")}]`, stderr: "" });
  });
});
