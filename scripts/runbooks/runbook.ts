/** What a runbook is: the operator's words, a step after the other. The cutover's and the data move's come from the steps that their commands run. */
import type { StepText } from "../cutover/step";

export interface Runbook {
  /** Name of the page, without folder and ending. */
  readonly name: string;
  readonly title: string;
  /** Paragraphs before the first step: what is seen, what goes on meanwhile. Markdown. */
  readonly intro: readonly string[];
  readonly steps: readonly StepText[];
}
