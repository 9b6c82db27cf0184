/** `gvfx rotate` over doubles of Terraform and Nomad. */
import { FIRST_GENERATIONS } from "../../contracts/rotation";
import type { Environment } from "../../environments/schema";
import { rotateCommand } from "../../scripts/rotation/command";
import { environment } from "../jobs/worked-example";
import { DeployerDouble, FileDouble, NomadDouble } from "./doubles";

let file: FileDouble;
let nomad: NomadDouble;
let deployer: DeployerDouble;
let legacyHolds: boolean;
beforeEach(() => {
  file = new FileDouble();
  nomad = new NomadDouble();
  deployer = new DeployerDouble(file, nomad);
  legacyHolds = false;
});

/** Outside of a lab, confirmed. */
async function rotate(...args: string[]): Promise<string> {
  return rotateIn(environment, ...args, ...(args.length > 0 && !args.includes("--write-only") ? ["--confirm", environment.name] : []));
}
async function rotateIn(env: Environment, ...args: string[]): Promise<string> {
  const lines: string[] = [];
  const add = (line: string): void => void lines.push(line);
  await rotateCommand(() => env, { variables: {}, say: add, write: add, deployer: () => deployer, file: () => file, management: () => nomad, legacyHolds: async () => legacyHolds, authorityIsStale: async () => false })
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .parseAsync(args, { from: "user" });
  const said = lines.join("\n");
  expect(said).not.toMatch(/secret-\d/);
  return said;
}

const [second, third] = [{ accepted: [2], used: 2 }, { accepted: [3], used: 3 }];
const stepsOf = (key: "authority" | "gossipKey") => deployer.applies.map(({ rotation }) => [rotation[key].accepted.join("+"), rotation[key].used]);

describe("authority and gossip key", () => {
  test("three deploys: accepted, used, alone; both keys in the same ones", async () => {
    const said = await rotate("authority", "gossip-key");
    for (const key of ["authority", "gossipKey"] as const) expect(stepsOf(key)).toEqual([["1+2", 1], ["1+2", 2], ["2", 2]]);
    expect(file.rotation).toEqual({ ...FIRST_GENERATIONS, authority: second, gossipKey: second });
    expect(said).toMatch(/authority, accept: .*\n[\s\S]*done; commit environments\/example\.rotation\.json, and .*ca\.pem where it is in use\..*NOMAD_CACERT.*output -raw nomad-ca/);
  });

  test("one alone leaves the other as it is", async () => {
    await rotate("gossip-key");
    expect(file.rotation).toEqual({ ...FIRST_GENERATIONS, gossipKey: second });
  });

  test.each([0, 1, 2])("broken off in deploy %i, the same command comes to the same end, and repeats no step", async (failAt) => {
    deployer.failAt = failAt;
    await expect(rotate("authority")).rejects.toThrow("the deploy failed");
    if (failAt === 2) {
      // Nothing of the file says that the last deploy failed: the operator is told to do it.
      await expect(rotate("authority")).rejects.toThrow(/changes that are not deployed.*npx cdktf deploy foundation/);
      await deployer.apply("foundation");
    } else expect(await rotate("authority")).toMatch(/goes on with authority/);
    expect(file.rotation.authority).toEqual(second);
    expect(stepsOf("authority")).toEqual([["1+2", 1], ["1+2", 2], ["2", 2]]);
  });

  test("a second rotation begins where the first ended", async () => {
    await rotate("authority");
    await rotate("authority");
    expect(file.rotation.authority).toEqual(third);
  });

  test("planted: other changes of foundation are not deployed with it", async () => {
    deployer.pending = true;
    await expect(rotate("authority")).rejects.toThrow(/foundation has changes that are not deployed.*nothing was done/);
    expect([deployer.applies, file.rotation]).toEqual([[], FIRST_GENERATIONS]);
  });

  test("planted: another rotation that is under way is brought to its end first", async () => {
    deployer.failAt = 1;
    await expect(rotate("authority")).rejects.toThrow("the deploy failed");
    await expect(rotate("gossip-key")).rejects.toThrow(/a rotation of authority is under way.*gvfx rotate authority/);
    expect(await rotate()).toMatch(/authority +generation 2, 1 and 2 are accepted: a rotation is under way \(use\); go on: gvfx rotate authority/);
  });

  test("--write-only does a step in the file, and deploys nothing", async () => {
    expect(await rotate("authority", "--write-only")).toMatch(/authority, accept[\s\S]*commit environments.*deploy foundation; .*gvfx -- authority.*and repeat/);
    await rotate("authority", "--write-only");
    await rotate("authority", "--write-only");
    expect([deployer.applies, file.rotation.authority]).toEqual([[], second]);
    await expect(rotate("certificates", "--write-only")).rejects.toThrow(/--write-only is of authority and gossip-key/);
  });
});

describe("the management token", () => {
  test("the new one is known before all else is planned with it, and the old one is void", async () => {
    const said = await rotate("management-token");
    expect(deployer.applies.map(({ options }) => options.targets?.length ?? 0)).toEqual([2, 0]);
    // Closed first: what a run that was ended by force may have left.
    expect([[...nomad.tokens], file.rotation.managementToken, nomad.said]).toEqual([["secret-2"], 2, ["close", "open", "close"]]);
    expect(said).toMatch(/1 old management token removed; the new one, NOMAD_TOKEN of whoever deploys cutover.*: terraform .*output -raw management-token/);
  });

  test.each([0, 1])("broken off in deploy %i, the same command goes on, and Nomad is not left open", async (failAt) => {
    deployer.failAt = failAt;
    await expect(rotate("management-token")).rejects.toThrow("the deploy failed");
    expect(nomad.opened).toBe(false);
    expect(await rotate("management-token")).toMatch(/goes on with generation 2/);
    expect([[...nomad.tokens], file.rotation.managementToken]).toEqual([["secret-2"], 2]);
  });

  test("planted: Nomad that refuses keeps the old one", async () => {
    nomad.refuses = true;
    await expect(rotate("management-token")).rejects.toThrow(/turned on before/);
    expect([[...nomad.tokens], nomad.opened]).toEqual([["secret-1"], false]);
    // The new secret is in the state, and Nomad does not know it: the same command goes on with the one it knows.
    nomad.refuses = false;
    await rotate("management-token");
    expect([[...nomad.tokens], file.rotation.managementToken, nomad.opened]).toEqual([["secret-2"], 2, false]);
  });
});

test("an interrupt ends it between two steps, and the same command goes on", async () => {
  const apply = deployer.apply.bind(deployer);
  deployer.apply = async (...args) => {
    await apply(...args);
    process.emit("SIGINT");
  };
  await expect(rotate("authority")).rejects.toThrow(/interrupted between two steps; the same command goes on/);
  expect(stepsOf("authority")).toEqual([["1+2", 1]]);
  deployer.apply = apply;
  await rotate("authority");
  expect(file.rotation.authority).toEqual(second);
});

test("planted: by pull requests, an authority's file that is stale stops the step that would use the next one", async () => {
  await rotate("authority", "--write-only");
  const stale = rotateCommand(() => environment, { variables: {}, say: () => undefined, write: () => undefined, deployer: () => deployer, file: () => file, authorityIsStale: async () => true });
  await expect(stale.parseAsync(["authority", "--write-only"], { from: "user" })).rejects.toThrow(/is not what foundation has.*nothing was written.*gvfx -- authority/);
  expect(file.rotation.authority).toEqual({ accepted: [1, 2], used: 1 });
});

describe("certificates and tokens", () => {
  test("certificates: keys of the nodes are made anew, never the authority's", async () => {
    expect(await rotate("certificates")).toMatch(/2 nodes have a new key and certificate/);
    expect(deployer.applies).toMatchObject([{ stack: "foundation", options: { replace: ["tls_private_key.pki_server-1-key_1", "tls_private_key.pki_witness-key_1"] } }]);
  });

  test.each([
    ["deployer", "foundation", ["nomad_acl_token.deployer"], /output -raw deployer-token/],
    ["consul-agents", "foundation", ["consul_acl_token.one"], /nobody has to be given them/],
    ["cutover-operator", "cutover", ["nomad_acl_token.operator", "consul_acl_token.operator"], /operator-consul-token/],
    ["legacy-lease", "cutover", ["consul_acl_token.legacy"], /docs\/legacy-lease\.md/],
  ] as const)("%s", async (name, stack, replace, said) => {
    expect(await rotate(name)).toMatch(said);
    expect(deployer.applies).toMatchObject([{ stack, options: { replace } }]);
  });

  test("planted: the token of the lease that legacy holds is left alone", async () => {
    legacyHolds = true;
    await expect(rotate("legacy-lease")).rejects.toThrow(/legacy's worker holds the lease with this very token.*nothing was done.*gvfx lease give nomad/);
    expect(deployer.applies).toEqual([]);
  });

  test("planted: other changes of the stack are not deployed with it", async () => {
    deployer.pending = true;
    await expect(rotate("deployer")).rejects.toThrow(/changes that are not deployed/);
    expect(deployer.applies).toEqual([]);
  });
});

test("outside of a lab the environment's name is asked for", async () => {
  await expect(rotateIn(environment, "certificates")).rejects.toThrow(/add --confirm production/);
  await expect(rotateIn(environment, "certificates", "--confirm", "staging")).rejects.toThrow(/add --confirm production/);
  expect(deployer.applies).toEqual([]);
});

test("what is no key is named with those that there are", async () => {
  await expect(rotateIn(environment, "vault")).rejects.toThrow(/Allowed choices are certificates, authority, gossip-key, management-token, deployer/);
});
