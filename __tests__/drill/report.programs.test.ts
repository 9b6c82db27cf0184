/** The drill's report as people see it: on a laptop and in a narrow window, by day, by night and on paper. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { drillPage } from "../../scripts/drill/report/page";
import { CHROMIUM, launchChromium } from "../preview/chromium";
import { exampleReport } from "./report-example";

const FOLDER = join("dist", "drill-example");
const IN_PAGE = readFileSync(join(__dirname, "in-page.js"), "utf8");
const VIEWS = [1280, 800, 390].flatMap((width) => (["light", "dark"] as const).map((scheme) => ({ width, scheme })));

const faults = (page: Page): Promise<string[]> => page.evaluate(`${IN_PAGE}; inPage.faults()`);
const there = CHROMIUM ? describe : describe.skip;

there(CHROMIUM ? "in headless Chromium" : "in headless Chromium (skipped: none at CHROMIUM_PATH or in the usual places)", () => {
  let browser: Browser;
  const shown = drillPage(exampleReport());

  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  async function opened({ width, scheme }: (typeof VIEWS)[number], requests: string[] = []): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
    page.on("request", (request) => requests.push(request.url()));
    await page.setContent(shown);
    return page;
  }

  test.each(VIEWS)("$width pixels, $scheme: asks for nothing, and nothing sticks out, leaves its drawing or covers another", async (view) => {
    const requests: string[] = [];
    const page = await opened(view, requests);
    expect(await faults(page)).toEqual([]);
    await page.screenshot({ path: join(FOLDER, `report-${view.width}-${view.scheme}.png`) });
    await page.locator("#case-partition-90s").screenshot({ path: join(FOLDER, `case-${view.width}-${view.scheme}.png`) });
    await page.close();
    expect(requests).toEqual([]);
  });

  test("the keyboard reaches every case from the table, and its figures", async () => {
    const page = await opened({ width: 1280, scheme: "light" });
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.locator('a[href="#case-drain"]').focus();
    await page.keyboard.press("Enter");
    expect(await page.evaluate<boolean>("(({ top }) => top >= 0 && top < innerHeight)(document.querySelector('#case-drain').getBoundingClientRect())")).toBe(true);
    const summary = page.locator("#case-drain summary").first();
    await summary.focus();
    await page.keyboard.press("Enter");
    expect(await page.locator("#case-drain details").first().getAttribute("open")).toBe("");
    await page.close();
  });

  test("on paper it is light, without navigation, and no drawing is cut off", async () => {
    const page = await opened({ width: 794, scheme: "dark" });
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    expect(await page.evaluate<string>("getComputedStyle(document.body).backgroundColor")).toBe("rgb(255, 255, 255)");
    expect(await page.locator("nav").isVisible()).toBe(false);
    expect(await faults(page)).toEqual([]);
    await page.close();
  });

  test("texts that overlap, one that leaves its drawing and a page that is too wide are noticed", async () => {
    const page = await opened({ width: 800, scheme: "light" });
    await page.evaluate(`
      const [first, second, third] = document.querySelectorAll("svg.plot text[data-label]");
      for (const name of ["x", "y", "dx"]) second.setAttribute(name, first.getAttribute(name));
      second.setAttribute("text-anchor", first.getAttribute("text-anchor"));
      third.setAttribute("x", "120%");
      document.querySelector("h1").style.width = "2000px";
    `);
    const found = (await faults(page)).join("\n");
    expect(found).toMatch(/overlap/);
    expect(found).toMatch(/leaves its drawing/);
    expect(found).toMatch(/the page is \d+ wide/);
    await page.close();
  });
});
