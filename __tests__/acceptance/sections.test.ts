import { foldChecks, runAcceptance, type Checked } from "../../scripts/acceptance/result";
import { sectionChecks, type SectionsExpected } from "../../scripts/acceptance/sections";
import { AppDouble, TOKEN } from "./app-double";

const signal = new AbortController().signal;
const CATALOG = { gold: ["XAUTUSDT", "PAXGUSDT"], crypto: ["BTC-USDT", "ETH-USDT"] };

let app: AppDouble;
beforeEach(async () => {
  app = await new AppDouble().start();
});
afterEach(() => app.close());

const sections = (expected: SectionsExpected = "open") => runAcceptance(sectionChecks({ expected, frontends: [app.url], apis: [app.url], token: TOKEN, catalog: CATALOG }), signal);
const wrong = (checks: readonly Checked[]) => Object.fromEntries(checks.filter(({ outcome }) => outcome.verdict !== "pass").map(({ id, outcome }) => [id, `${outcome.verdict}: ${outcome.detail}`]));

test("open sections with the catalog's pairs pass; closed ones pass where they must be closed", async () => {
  expect(wrong(await sections())).toEqual({});
  app.sections = "closed";
  expect(wrong(await sections("closed"))).toEqual({});
});

test("planted: a section is open while it must be closed, and closed while it must be open", async () => {
  expect(wrong(await sections("closed"))).toEqual({ "gold-route": expect.stringContaining("/gold answered 200 while it must be closed"), "crypto-route": expect.stringContaining("/crypto answered 200") });
  app.sections = "closed";
  expect(wrong(await sections())).toEqual({ "gold-route": expect.stringContaining("/gold is closed at the gateway"), "crypto-route": expect.anything() });
});

test("planted: a 404 of an app that has no such page is no closed section; and interrupted, it could not be judged", async () => {
  app.sections = "absent";
  expect(wrong(await sections("closed"))).toEqual({ "gold-route": expect.stringContaining("the app has no such page"), "crypto-route": expect.anything() });
  const found = await runAcceptance(sectionChecks({ expected: "open", frontends: [app.url], apis: [app.url], token: TOKEN, catalog: CATALOG }), AbortSignal.abort());
  expect(new Set(found.map(({ outcome }) => outcome.verdict))).toEqual(new Set(["inconclusive"]));
});

test.each<[string, readonly string[], string]>([
  ["a pair is missing", ["BTC-USDT"], "missing: ETH-USDT"],
  ["one is too many", ["BTC-USDT", "ETH-USDT", "DOGE-USDT"], "not of the catalog: DOGE-USDT"],
  ["the order is another", ["ETH-USDT", "BTC-USDT"], "in another order: ETH-USDT, BTC-USDT"],
])("planted: %s", async (_what, crypto, said) => {
  app.pairs = { ...app.pairs, crypto };
  app.pagePairs = CATALOG;
  expect(wrong(await sections())).toEqual({ "crypto-pairs": expect.stringContaining(said) });
});

test("planted: a page of an image that was built with other pairs", async () => {
  app.pagePairs = { ...CATALOG, gold: ["XAGUSDT"] };
  const checks = await sections();
  expect(wrong(checks)).toEqual({ "gold-route": expect.stringContaining("does not name XAUTUSDT") });
  expect(foldChecks(checks, "gvfx sections")).toMatchObject({ verdict: "fail", detail: expect.stringMatching(/^1 of 4 checks failed: \/gold is open: /), mend: expect.stringMatching(/build it with this environment's pairs; all of them: gvfx sections$/) });
});
