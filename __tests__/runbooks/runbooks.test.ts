/** The runbooks name commands that there are, and files that there are. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { loadEnvironment } from "../../environments/load";
import { runbooks } from "../../scripts/docs/runbooks";
import { gvfxProgram } from "../../scripts/program";

const production = loadEnvironment("production");
const pages = runbooks(production);
const program = gvfxProgram(() => production);

/** What of a typed command commander knows: subcommands down to the one, and its options. */
function unknownPart(words: readonly string[]): string | undefined {
  let command: Command = program;
  for (const word of words) {
    const next = command.commands.find((sub) => sub.name() === word);
    if (next) {
      command = next;
      continue;
    }
    if (word.startsWith("--")) {
      if (!command.options.some(({ long }) => long === word)) return word;
    } else if (command.commands.length > 0 && command.registeredArguments.length === 0) return word;
  }
  return undefined;
}

test("every runbook that an operator may need is there, each with what is normal, where to look and what to do", () => {
  expect(pages.map(({ file }) => file)).toEqual(["data-move", "cutover", "roll-back", "node-loss", "quorum-loss", "vault-sealed", "upgrade"].map((name) => `docs/runbooks/${name}.md`));
  for (const { text } of pages.filter(({ file }) => !file.endsWith("data-move.md"))) {
    const steps = text.split("\n## ").slice(1).filter((step) => /^\d+\. /.test(step));
    expect(steps.length).toBeGreaterThan(2);
    for (const step of steps) expect(step).toMatch(/It proves that [^]*Normal: [^]*Look yourself:\n\n```sh\n.+\n[^]*When it does not pass:\n\n1\. /);
  }
});

test("every gvfx command in them is one, with options that it has", () => {
  const typed = pages.flatMap(({ file, text }) => [...text.matchAll(/npm run (?:--silent )?gvfx -- ([a-z][a-z -]*[a-z])/g)].map(([, words]) => ({ file, words: words.split(" ").filter(Boolean) })));
  expect(typed.length).toBeGreaterThan(40);
  expect(typed.flatMap(({ file, words }) => (unknownPart(words) === undefined ? [] : [`${file}: ${words.join(" ")}: ${unknownPart(words)}`]))).toEqual([]);
});

test("planted: a command that there is not is found", () => {
  expect([unknownPart(["cutover", "rollback"]), unknownPart(["cutover", "roll-back", "--date"]), unknownPart(["cutover", "roll-back", "--data"])]).toEqual(["rollback", "--date", undefined]);
});

test("what they link to is there", () => {
  const links = pages.flatMap(({ file, text }) => [...text.matchAll(/\]\(([^)#]+)/g)].map(([, path]) => join(dirname(file), path)));
  expect(links.length).toBeGreaterThan(5);
  expect(links.filter((path) => !existsSync(path) && !pages.some(({ file }) => file === path))).toEqual([]);
});
