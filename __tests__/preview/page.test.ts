import { production } from "../../environments/production";
import { html } from "../../scripts/preview/page/html";
import { previewPage } from "../../scripts/preview/page";
import { modelOf, TAILNET } from "./platform";

// Some tests synthesize all four stacks again, beside other suites on few cores.

const model = modelOf(production);
const page = previewPage(model);
const escaped = (text: string) => html`${text}`.toString();

test("is one well-formed page: every element that is opened is closed in order", () => {
  const open: string[] = [];
  for (const [, closing, name, selfClosing] of page.matchAll(/<(\/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*?(\/?)>/g)) {
    if (["meta", "br"].includes(name) || selfClosing) continue;
    if (closing) expect(open.pop()).toBe(name);
    else open.push(name);
  }
  expect(open).toEqual([]);
  expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
  expect(page).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
});

test("contains every stack, job, secret, grant, image and rule", () => {
  if (!model.access.enabled) throw new Error("production has a tailnet");
  const words = [
    ...model.stacks.flatMap(({ id, constructs }) => [id, ...constructs.map((construct) => construct.id)]),
    ...model.jobs.flatMap(({ id, why, health, placement }) => [id, why, ...health, placement]),
    ...model.secrets.flatMap(({ path, fields }) => [path, ...fields.map(({ field }) => field)]),
    ...model.access.grants.flatMap(({ from, to, ports, purpose }) => [...from, ...to, ports, purpose]),
    ...model.images.map(({ repository }) => repository),
    ...model.flows.map(({ what }) => what),
  ];
  for (const word of words) expect(page).toContain(escaped(word));
  expect(page.match(/<li>/g)!.length).toBeGreaterThanOrEqual(model.rules.length);
});

test("loads nothing: no script, no image, no style sheet, no font, and a policy that forbids them", () => {
  expect(page).not.toMatch(/<(script|img|link|iframe|object|embed|image|use)\b/i);
  expect(page).not.toMatch(/\b(src|srcset|action|formaction|xlink:href)=/i);
  expect([...page.matchAll(/href="([^"]*)"/g)].map(([, target]) => target[0])).toEqual(expect.arrayContaining(["#"]));
  expect([...page.matchAll(/href="([^"]*)"/g)].every(([, target]) => target.startsWith("#"))).toBe(true);
  expect(page).not.toMatch(/url\(|@import/);
  expect(page).toContain("default-src 'none'");
});

test("a section for each link", () => {
  for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`<section id="${id}">`);
});

test("what an environment file says is text, never markup", () => {
  const planted = `"><script>alert('x')</script><b title='&`;
  const hostile = previewPage(modelOf({ ...production, tailnet: { ...TAILNET, name: planted } }));
  expect(hostile).not.toContain("<script");
  expect(hostile).toContain("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&lt;b title=&#39;&amp;");
});

test("what a model says is text in tables, attributes and drawing alike", () => {
  const planted = "<script>1</script>\"'";
  const hostile = previewPage({
    ...model,
    environment: planted,
    nodes: model.nodes.map((node) => ({ ...node, machine: planted })),
    jobs: model.jobs.map((job) => ({ ...job, why: planted, update: planted })),
    parties: model.parties.map((party) => ({ ...party, label: planted, detail: planted })),
    flows: model.flows.map((flow) => ({ ...flow, what: planted })),
    rules: [{ id: "planted", rule: `${planted} \`${planted}\`` }],
    images: model.images.map((image) => ({ ...image, source: planted })),
  });
  expect(hostile).not.toContain("<script");
});

test("is the same for the same model, whatever the machine and the day", () => {
  expect(previewPage(modelOf(production))).toBe(page);
  expect(page).not.toContain(process.cwd());
});
