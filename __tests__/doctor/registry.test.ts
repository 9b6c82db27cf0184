/** Checks of the registry, against a double with both ways of asking for a password. */
import { ownRepositories, pullOutcome } from "../../scripts/doctor/checks/registry";
import type { Environment } from "../../environments/schema";
import { makeCertificates } from "./doubles/certificates";
import { doubledEnvironment, productionEnvironment } from "./doubles/environment";
import { runCheck } from "./doubles/run-check";
import { startDouble, type Double } from "./doubles/server";
import { registry, REGISTRY_USER, registryState, SECRETS, type RegistryState } from "./doubles/services";

const certificates = makeCertificates();
let state: RegistryState;
let secure: Double;
let plain: Double;
const host = (double: Double): string => new URL(double.url).host;
const open = (env: Environment): Environment => ({ ...env, images: { ...env.images, registry: { ...env.images.registry, credentials: { delivery: "none" } } } });
const CREDENTIALS = { registryCa: certificates.ca, registry: { username: REGISTRY_USER, password: SECRETS.registry } };
const check = (id: string, credentials: Parameters<typeof runCheck>[2] = CREDENTIALS) => runCheck(doubledEnvironment({ registry: host(secure) }), `registry.${id}`, credentials);

beforeAll(async () => {
  secure = await startDouble((request) => registry(state, () => secure.url)(request), certificates);
  plain = await startDouble((request) => registry(state, () => plain.url)(request));
});
beforeEach(() => {
  state = registryState();
  secure.requests.length = 0;
});
afterAll(() => Promise.all([secure.close(), plain.close()]));

test.each(["bearer", "basic"] as const)("images may be pulled by a challenge of type %s", async (scheme) => {
  state.scheme = scheme;
  expect(await check("answers")).toMatchObject({ verdict: "pass", detail: expect.stringContaining("TLS") });
  expect(await check("pull")).toMatchObject({ verdict: "pass", detail: "tv-goldviewfx-backend, tv-goldviewfx-frontend, tv-goldviewfx-rl-service" });
});

test("the right that is asked for is to pull, by repository", async () => {
  await check("pull");
  const scopes = secure.requests.filter(({ path }) => path.startsWith("/token?")).map(({ path }) => new URL(path, "http://registry").searchParams.get("scope"));
  expect(scopes.sort()).toEqual(["repository:tv-goldviewfx-backend:pull", "repository:tv-goldviewfx-frontend:pull", "repository:tv-goldviewfx-rl-service:pull"]);
});

test.each(["bearer", "basic"] as const)("a wrong password fails (%s)", async (scheme) => {
  state.scheme = scheme;
  expect(await check("pull", { ...CREDENTIALS, registry: { username: REGISTRY_USER, password: "wrong" } })).toMatchObject({ verdict: "fail", mend: expect.stringContaining("docker login") });
});

test("without credentials nothing is asked, and it does not pass", async () => {
  expect(await check("pull", { registryCa: certificates.ca })).toMatchObject({ verdict: "inconclusive", mend: expect.stringContaining("REGISTRY_USERNAME=") });
  expect(secure.requests).toEqual([]);
});

test("a repository without images yet decides nothing", async () => {
  state.repositories = ["tv-goldviewfx-backend"];
  expect(await check("pull")).toMatchObject({ verdict: "inconclusive", detail: expect.stringContaining("tv-goldviewfx-frontend, tv-goldviewfx-rl-service"), mend: expect.stringContaining("docker push") });
});

test("a password does not follow a challenge to a service without TLS", async () => {
  state.realm = `${plain.url}/token`;
  plain.requests.length = 0;
  expect(await check("pull")).toMatchObject({ verdict: "inconclusive", detail: expect.stringContaining("is not reached by TLS") });
  expect(plain.requests).toEqual([]);
});

test("plain HTTP fails where a password is sent, and passes where the environment says that none is needed", async () => {
  const env = doubledEnvironment({ registry: host(plain) });
  expect(await runCheck(env, "registry.answers", CREDENTIALS)).toMatchObject({ verdict: "fail", detail: expect.stringContaining("in the clear") });
  state.open = true;
  expect(await runCheck(open(env), "registry.answers")).toMatchObject({ verdict: "pass", detail: expect.stringContaining("plain HTTP") });
  expect(await runCheck(open(env), "registry.pull")).toMatchObject({ verdict: "pass" });
});

test("an open registry that asks for credentials all the same fails", async () => {
  expect(await runCheck(open(doubledEnvironment({ registry: host(secure) })), "registry.pull", { registryCa: certificates.ca })).toMatchObject({ verdict: "fail", mend: expect.stringContaining("images.registry.credentials") });
});

test("an authority that this machine does not know decides nothing", async () => {
  expect(await check("answers", {})).toMatchObject({ verdict: "inconclusive", mend: expect.stringContaining("export REGISTRY_CACERT=") });
  expect(await check("pull", { registry: CREDENTIALS.registry })).toMatchObject({ verdict: "inconclusive", mend: "Mend registry.answers first" });
});

test("only repositories on this registry are its own", () => {
  const env = productionEnvironment();
  expect(ownRepositories(env)).toEqual(["tv-goldviewfx-backend", "tv-goldviewfx-frontend", "tv-goldviewfx-rl-service"]);
  expect(ownRepositories({ images: { ...env.images, backend: "ghcr.io/example/backend" } })).toHaveLength(2);
  expect(pullOutcome("registry.example.com", false, [{ repository: "a", verdict: "refused" }, { repository: "b", verdict: "no-such-repository" }])).toMatchObject({ verdict: "fail", detail: expect.stringContaining("pull a") });
});
