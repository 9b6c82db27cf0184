/** docs/runbooks: what an operator does, step by step, from the definitions that the commands themselves run. */
import type { Environment } from "../../environments/schema";
import { cutoverSettings } from "../cutover/settings";
import type { StepText } from "../cutover/step";
import { cutoverSteps } from "../cutover/steps/all";
import { TRIGGER_SENTENCES } from "../cutover/triggers";
import { moveSettings } from "../data/move/access";
import { counted } from "../preview/words";
import { dataMovePage } from "../runbooks/data-move";
import { nodeLoss } from "../runbooks/node-loss";
import { quorumLoss } from "../runbooks/quorum-loss";
import type { Runbook } from "../runbooks/runbook";
import { upgrade } from "../runbooks/upgrade";
import { vaultSealed } from "../runbooks/vault-sealed";

const FOLDER = "docs/runbooks";
const MADE = ["", "This page is made by `npm run docs`.", ""];

/** @param env whose commands and thresholds are shown: the production example */
export function runbooks(env: Environment): { readonly file: string; readonly text: string }[] {
  const gvfx = "npm run gvfx --";
  return [
    { file: `${FOLDER}/data-move.md`, text: dataMovePage(moveSettings(env)) },
    { file: `${FOLDER}/cutover.md`, text: cutoverPage(env) },
    { file: `${FOLDER}/roll-back.md`, text: rollBackPage(env) },
    ...[nodeLoss(env, gvfx), quorumLoss(env, gvfx), vaultSealed(env, gvfx), upgrade(env, gvfx)].map((runbook) => ({ file: `${FOLDER}/${runbook.name}.md`, text: runbookPage(runbook) })),
  ];
}

function cutoverPage(env: Environment): string {
  const settings = cutoverSettings(env);
  const { run, status, rollBack } = settings.commands;
  return [
    "# Cutover: from legacy to Nomad",
    "",
    "One command goes through the steps below. It cannot skip a gate, may be stopped, killed and repeated anywhere, and can be undone from anywhere. Commands and thresholds are those of the production example.",
    "",
    "```sh",
    `${run.replace(/run$/, "plan")}        # what a run would do now; changes nothing`,
    run,
    status,
    `${rollBack}   # --data: the data too`,
    "```",
    "",
    "What was done is in the ledger, a Nomad variable an entry, each with the hash of the one before. A second operator is refused with who is at it and since when, and a plan that was kept (`plan --save`, `run --plan`) once the ledger has moved on. Before every step the roll-back triggers are looked at. Each step looks before it changes anything, so that the same command is always the right one.",
    "",
    "A gate says pass, fail or inconclusive. Inconclusive is never a pass; where a step allows it, `--accept step=\"reason\"` goes past it, and the reason is in the ledger.",
    ...texts(cutoverSteps(settings).order.forward, settings),
    "",
    "## Roll-back triggers",
    "",
    "Judged by the guardian all the time, and read by every run before each step. One that fails stops the run; back: [roll-back.md](roll-back.md).",
    "",
    "| trigger | what is counted | fails above | in | judged from | missing data is |",
    "|---|---|---|---|---|---|",
    ...Object.entries(env.cutover.rollback).map(([name, { threshold, window, minimumSamples, missingData }]) => `| \`${name}\` | ${TRIGGER_SENTENCES[name as keyof typeof TRIGGER_SENTENCES]} | ${threshold} | ${window.toString()} | ${counted(minimumSamples, "sample")} | ${missingData} |`),
    ...MADE,
  ].join("\n");
}

function rollBackPage(env: Environment): string {
  const settings = cutoverSettings(env);
  const { rollBack, status } = settings.commands;
  return [
    "# Roll-back: legacy serves again",
    "",
    "From wherever the [cutover](cutover.md) is, also in the middle of a step. Nomad's worker goes first, so that there are never two; each step finds what is so already.",
    "",
    "```sh",
    rollBack,
    `${rollBack} --data   # legacy also gets its own data back; what was written since the data move is kept in a file, and nowhere else`,
    status,
    "```",
    ...texts(cutoverSteps(settings).order["roll-back"], settings),
    ...MADE,
  ].join("\n");
}

function runbookPage({ title, intro, steps }: Runbook): string {
  return [`# ${title}`, ...intro.flatMap((paragraph) => ["", paragraph]), ...steps.flatMap((step, index) => stepText("", step, index)), ...MADE].join("\n");
}

function texts(ids: readonly { readonly id: string }[], settings: ReturnType<typeof cutoverSettings>): string[] {
  const { all } = cutoverSteps(settings);
  return ids.flatMap(({ id }, index) => {
    const { kind, acceptable, ...text } = all.find((step) => step.id === id)!;
    return stepText(`\`${id}\`, ${kind === "check" ? "looks only" : "changes something"}${acceptable ? "; an inconclusive verdict may be accepted" : ""}. `, text, index);
  });
}

/** @param lead what is said first of it */
function stepText(lead: string, { title, proves, normal, look, otherwise }: StepText, index: number): string[] {
  return [
    "",
    `## ${index + 1}. ${title[0].toUpperCase()}${title.slice(1)}`,
    "",
    `${lead}It proves that ${proves}.`,
    "",
    `Normal: ${normal}.`,
    "",
    "Look yourself:",
    "",
    "```sh",
    ...look,
    "```",
    "",
    "When it does not pass:",
    "",
    ...otherwise.map((what, at) => `${at + 1}. ${/^(npm|npx|GVFX_ENV)/.test(what) ? `\`${what}\`` : what}`),
  ];
}
