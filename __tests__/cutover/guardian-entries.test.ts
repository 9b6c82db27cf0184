/** Entries that the guardian's own program wrote, read back through a double of Nomad. */
import { GUARDIAN_LEDGER } from "../../contracts/variables";
import { NomadVariables } from "../../scripts/clients/nomad-variables";
import { guardianEntries } from "../../scripts/cutover/world/guardian-entries";
import { program } from "../guardian/program";
import { NomadDouble } from "./nomad-double";

const nomad = new NomadDouble();
let address: string;
beforeAll(async () => {
  address = await nomad.start();
});
afterAll(() => nomad.stop());

test("from a moment on, with the newest one before it; what is no entry is passed over", async () => {
  let now = Date.UTC(2026, 0, 1, 12);
  const written = new program.Ledger({ folder: GUARDIAN_LEDGER, namespace: "gvfx", writer: "8a3f" }, { address, token: "" }, { now: () => now, log: () => undefined });
  for (let n = 0; n < 5; n++) {
    written.append("summary", { verdict: "pass", apiErrorRatio: `pass: round ${n}` });
    now += 5 * 60_000;
  }
  await written.backlog.flush();
  const variables = new NomadVariables({ address, token: "", caPem: "" }, "gvfx");
  await variables.create(`${GUARDIAN_LEDGER}/zzz`, { note: "by hand" });
  const rounds = async (since: string) => (await guardianEntries(variables, new Date(since))).map(({ apiErrorRatio }) => apiErrorRatio);
  expect(await rounds("2026-01-01T12:09:00.000Z")).toEqual(["pass: round 1", "pass: round 2", "pass: round 3", "pass: round 4"]);
  expect(await rounds("2026-01-01T00:00:00.000Z")).toEqual([0, 1, 2, 3, 4].map((n) => `pass: round ${n}`));
  expect(await rounds("2026-01-02T00:00:00.000Z")).toEqual(["pass: round 4"]);
});
