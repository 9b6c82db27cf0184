/** `gvfx review`: what a pipeline needs besides the plans, which stacks are touched and the one comment. */
import { existsSync, readFileSync } from "node:fs";
import { Command } from "commander";
import { STACK_IDS } from "../../contracts/stacks";
import type { Environment } from "../../environments/schema";
import { commentMarker, diffComment } from "../diff/report";
import type { Variables } from "../doctor/credentials";
import { writeComment } from "./github";
import { mergeDiffs, readDiff } from "./merge";
import { touchedStacks } from "./touched";

export interface ReviewSurroundings {
  /** @default those of the process */
  readonly variables?: Variables;
  /** @default standard output */
  readonly write?: (text: string) => void;
}

const GITHUB = "https://api.github.com";

interface CommentFlags {
  readonly number: string;
  readonly revision?: string;
  readonly stacks: string;
  readonly absent: string;
}

export function reviewCommand(environment: () => Environment, { variables = process.env, write = (text) => void process.stdout.write(`${text}\n`) }: ReviewSurroundings = {}): Command {
  const command = new Command("review").description("for a pipeline: which stacks a change touches, and the one comment of its pull request");

  command
    .command("touched")
    .description("print the stacks whose synthesized text differs, as a JSON list")
    .argument("<before>", "folder that a synth wrote before the change")
    .argument("[after]", "and after it", "cdktf.out")
    .option("--of <stacks>", "only these of them, separated by commas", STACK_IDS.join(","))
    .action((before: string, after: string, { of }: { readonly of: string }) => {
      const asked = listOf(of);
      write(JSON.stringify(touchedStacks(before, after).filter((stack) => asked.includes(stack))));
    });

  command
    .command("comment")
    .description("write the comment of a pull request, over the one that is there")
    .argument("[diffs...]", "files with what gvfx diff --json printed; one that is not there is left out")
    .requiredOption("--number <n>", "number of the pull request")
    .option("--revision <text>", "what was planned: a commit")
    .option("--stacks <ids>", "stacks that the change touches, as a JSON list or separated by commas; without any, only a comment that is there is changed", "[]")
    .option("--absent <text>", "what is said of a touched stack that no file tells of", "its plan was not made: see the run of this workflow")
    .addHelpText("after", "\nReads GITHUB_TOKEN and GITHUB_REPOSITORY, and GITHUB_API_URL for an Enterprise server.")
    .action(async (files: readonly string[], { number, revision, stacks, absent }: CommentFlags) => {
      const { name } = environment();
      const expected = listOf(stacks);
      const [token, repository, api] = [variables.GITHUB_TOKEN?.trim(), variables.GITHUB_REPOSITORY?.trim(), variables.GITHUB_API_URL?.trim() || GITHUB];
      const missing = [...(token ? [] : ["GITHUB_TOKEN (a token that may write comments)"]), ...(repository ? [] : ["GITHUB_REPOSITORY (owner/name)"]), ...(/^[1-9]\d*$/.test(number) ? [] : [`--number as a number, not "${number}"`])];
      if (!token || !repository || missing.length > 0) throw new Error(`nothing was written; needed: ${missing.join("; ")}`);
      const diff = mergeDiffs(files.filter((file) => existsSync(file)).map((file) => readDiff(readFileSync(file, "utf8"), file)), { environment: name, expected, absent });
      const none = diff.stacks.length === 0 && "held" in diff.guardrails;
      const text = none ? `${commentMarker(name)}\n## Plan of ${name}\n\nThis change touches no stack.\n` : diffComment(diff, { revision });
      const url = await writeComment({ api, repository, number: Number(number), token }, commentMarker(name), text, !none);
      write(url ?? "no stack is touched, and there is no comment to change");
    });
  return command;
}

function listOf(text: string): string[] {
  const list = text.trim().startsWith("[") ? (JSON.parse(text) as string[]) : text.split(",").map((one) => one.trim()).filter(Boolean);
  const unknown = list.filter((stack) => !(STACK_IDS as readonly string[]).includes(stack));
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")} ${unknown.length === 1 ? "is no stack" : "are no stacks"}; there are ${STACK_IDS.join(", ")}`);
  return list;
}
