/** The page as people see it: on a phone and on a desk, by day and by night. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { production } from "../../environments/production";
import { previewPage } from "../../scripts/preview/page";
import { CHROMIUM, launchChromium } from "./chromium";
import { LONG_NAMES, modelOf } from "./platform";

/** Where an operator finds the pictures beside the page. */
const FOLDER = join("dist", "preview");
const IN_PAGE = readFileSync(join(__dirname, "in-page.js"), "utf8");

const WIDTHS = [390, 1280] as const;
const SCHEMES = ["light", "dark"] as const;
const VIEWS = WIDTHS.flatMap((width) => SCHEMES.map((scheme) => ({ width, scheme })));
type View = (typeof VIEWS)[number];

const faults = (page: Page): Promise<string[]> => page.evaluate(`${IN_PAGE}; inPage.faults()`);

const there = CHROMIUM ? describe : describe.skip;

there(CHROMIUM ? "in headless Chromium" : "in headless Chromium (skipped: none at CHROMIUM_PATH or in the usual places)", () => {
  let browser: Browser;
  let shown: string;

  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    shown = previewPage(modelOf(production));
    browser = await launchChromium();
  });

  afterAll(() => browser.close());

  async function opened(html: string, { width, scheme }: View, requests: string[] = []): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
    page.on("request", (request) => requests.push(request.url()));
    await page.setContent(html);
    return page;
  }

  /** As the browser itself decodes the picture; the page's own policy admits no picture. */
  async function pixelsOf(png: Buffer): Promise<{ colours: number; corner: number }> {
    const page = await browser.newPage();
    const seen = await page.evaluate<{ colours: number; corner: number }>(`${IN_PAGE}; inPage.pixels("data:image/png;base64,${png.toString("base64")}")`);
    await page.close();
    return seen;
  }

  test.each(VIEWS)("$width pixels, $scheme: drawn, asks for nothing, and nothing sticks out, leaves its box or covers another", async (view) => {
    const requests: string[] = [];
    const page = await opened(shown, view, requests);
    expect(await faults(page)).toEqual([]);
    await page.screenshot({ fullPage: true, path: join(FOLDER, `production-${view.width}-${view.scheme}.png`) });
    await page.locator("#topology").scrollIntoViewIfNeeded();
    const { colours, corner } = await pixelsOf(await page.screenshot());
    await page.close();

    expect(colours).toBeGreaterThan(100);
    if (view.scheme === "light") expect(corner).toBeGreaterThan(200);
    else expect(corner).toBeLessThan(60);
    expect(requests).toEqual([]);
  });

  test.each(WIDTHS)("%i pixels, the longest names that an environment may have: the same", async (width) => {
    const page = await opened(previewPage(modelOf(LONG_NAMES)), { width, scheme: "light" });
    expect(await faults(page)).toEqual([]);
    await page.close();
  });

  test("a text that leaves its box, an overlap and a page that is too wide are noticed", async () => {
    const page = await opened(shown, VIEWS[0]);
    await page.evaluate(`
      const [first, second] = document.querySelectorAll("svg.narrow text");
      first.textContent = "a text that is far too long for the box that it is drawn in, whatever the font";
      second.setAttribute("y", first.getAttribute("y"));
      document.querySelector("h1").style.width = "2000px";
    `);
    const found = (await faults(page)).join("\n");
    expect(found).toMatch(/leaves its box users/);
    expect(found).toMatch(/overlap/);
    expect(found).toMatch(/the page is \d+ wide/);
    await page.close();
  });
});
