/** The data move, from the steps that the command runs. */
import { PLAN } from "../data/move/plan";
import type { MoveSettings, Phase } from "../data/move/step";

const PHASES: Readonly<Record<Phase, string>> = {
  prepare: "Everything runs. An undo takes back what was made ready.",
  freeze: "Trading is halted, and from the stop of worker and API on nothing is written. An undo loses nothing.",
  thaw: "Legacy writes into the platform's Convex. Going back from here gives up what it wrote since, which is kept in a file.",
};

export function dataMovePage({ commands }: MoveSettings): string {
  const phases = [...new Set(PLAN.map(({ phase }) => phase))];
  return [
    "# Data move: from legacy's Convex to the platform's",
    "",
    "```sh",
    `${commands.move} --dry-run   # what stands in the way, and every step; changes nothing`,
    commands.move,
    `${commands.move} status`,
    `${commands.resume}            # after it was killed, interrupted or stopped by a step`,
    commands.undo,
    "```",
    "",
    "Normal: it goes through by itself, and says at its end for how long trading was halted and the legacy worker and API were stopped. Whatever stops it names the step, what is wrong and what mends it; until then legacy is as `status` says. What it proves, and what to do by hand when it cannot: [data-move.md](../data-move.md).",
    ...phases.flatMap((phase) => ["", `## ${phase[0].toUpperCase()}${phase.slice(1)}`, "", PHASES[phase], "", ...PLAN.flatMap((step, index) => (step.phase === phase ? [`${index + 1}. ${step.title} (\`${step.id}\`)`] : []))]),
    "",
    "## When it does not pass",
    "",
    `1. \`${commands.move} status\`: the step, and what is stopped at this moment`,
    `2. mend what it names, and go on: \`${commands.resume}\``,
    `3. or go back: \`${commands.undo}\`; after the thaw it asks for the word that new writes are given up`,
    "",
    "Then: [cutover.md](cutover.md).",
    "",
    "This page is made by `npm run docs`.",
    "",
  ].join("\n");
}
