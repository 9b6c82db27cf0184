/** Where the authority of Nomad's certificates is known, nobody who plans the other stacks reads foundation's state. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../environments/schema";
import { wantedWorkspaces } from "../../scripts/hcp/wanted";
import { followAuthority, writeAuthority } from "../../scripts/rotation/access";
import { authorityOf } from "../../synth";
import { environment } from "../jobs/worked-example";
import { synthesizeStacks } from "./synthesized";

const PEM = "-----BEGIN CERTIFICATE-----\nMIIBljCCATygAwIBAgIQLMJRWGNO+KNTQXop=\n-----END CERTIFICATE-----\n";
const folder = mkdtempSync(join(tmpdir(), "authority-"));
afterAll(() => rmSync(folder, { recursive: true }));
const withFile = (name: string, text?: string): Environment => {
  const authorityFile = join(folder, name);
  if (text !== undefined) writeFileSync(authorityFile, text);
  return { ...environment, nomad: { ...environment.nomad, authorityFile } };
};
const OTHERS = ["data-plane", "app", "cutover"] as const;

test("without the file it crosses from foundation; with it no stack reads another one's state, and nothing of foundation changes but what crossed", () => {
  const before = synthesizeStacks(withFile("none.pem"));
  const after = synthesizeStacks(withFile("one.pem", PEM));
  for (const stack of OTHERS) {
    expect([stack, Object.keys(before[stack].data?.terraform_remote_state ?? {})]).toEqual([stack, [expect.any(String)]]);
    expect([stack, after[stack].data?.terraform_remote_state]).toEqual([stack, undefined]);
    expect(JSON.stringify(after[stack].provider)).toContain(JSON.stringify(PEM).slice(1, -1));
  }
  expect(after.foundation.resource).toEqual(before.foundation.resource);
});

test("HCP Terraform then shares foundation's state with nobody", () => {
  const readers = (env: Environment) => wantedWorkspaces(env, { workspacePrefix: "gvfx" })[0].readers;
  expect(readers(withFile("none.pem"))).toEqual(["gvfx-data-plane", "gvfx-app", "gvfx-cutover"]);
  expect(readers(withFile("one.pem", PEM))).toEqual([]);
});

test.each([
  ["a private key beside it", `${PEM}-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----\n`, /holds a private key.*gvfx rotate authority/],
  ["something else", "certificate signed by unknown authority", /does not hold certificates as PEM alone.*gvfx authority/],
  ["nothing", "", /does not hold certificates/],
])("planted: %s is refused", (_what, text, message) => {
  expect(() => authorityOf(withFile("bad.pem", text))).toThrow(message);
});

test("two, while they are rotated, are both trusted", () => {
  expect(authorityOf(withFile("two.pem", PEM + PEM))).toBe(PEM + PEM);
});

test("it is written from foundation's output, and then follows it; where it is not in use it is not made", async () => {
  const deployer = { outputs: async () => ({ "nomad-ca": PEM }) };
  const env = withFile("new.pem");
  expect(await followAuthority(env, deployer)).toBe(false);
  expect(authorityOf(env)).toBeUndefined();
  expect([await writeAuthority(env, deployer), await writeAuthority(env, deployer), authorityOf(env)]).toEqual([true, false, PEM]);
  expect(await followAuthority(env, { outputs: async () => ({ "nomad-ca": PEM + PEM }) })).toBe(true);
  expect(authorityOf(env)).toBe(PEM + PEM);
  await expect(writeAuthority(env, { outputs: async () => ({}) as Record<string, string> })).rejects.toThrow(/no output nomad-ca.*deploy it first/);
});
