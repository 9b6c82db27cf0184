/** The ledger against a double of Nomad's variables; nomad-ledger.programs.test.ts has the same against Nomad. */
import { CUTOVER_VARIABLES } from "../../contracts/variables";
import { NomadVariables } from "../../scripts/clients/nomad-variables";
import { EMPTY } from "../../scripts/cutover/entry";
import { NomadLedger } from "../../scripts/cutover/nomad-ledger";
import { ledgerTests } from "./ledger-suite";
import { NomadDouble } from "./nomad-double";

const nomad = new NomadDouble();
let address: string;
beforeAll(async () => {
  address = await nomad.start();
});
afterAll(() => nomad.stop());

const endpoint = () => ({ address, token: "", caPem: "" });

describe("with a double of Nomad", () => {
  ledgerTests(endpoint, "gvfx");

  test("an answer that is lost after the write is no other operator", async () => {
    const ledger = new NomadLedger({ variables: new NomadVariables(endpoint(), "gvfx"), folder: "/nowhere", by: "operator@laptop", pid: 1, alive: () => true, now: () => new Date(0) });
    nomad.losesNext = ({ method, path }) => method === "PUT" && path === `/v1/var/${CUTOVER_VARIABLES}/entry/000001`;
    await expect(ledger.append(EMPTY, { kind: "began", step: "a" })).rejects.toThrow();
    expect(await ledger.append(EMPTY, { kind: "began", step: "a" })).toMatchObject({ number: 1 });
    expect(await ledger.entries()).toHaveLength(1);
  });
});
