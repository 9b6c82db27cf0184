/** docs/guardrails.md, from the rules themselves. */
import { RESOURCE_RULES } from "../../constructs/guardrails/guardrails";
import { JOB_RULES } from "../../constructs/guardrails/rules";

export function guardrailsPage(): string {
  const row = (where: string) => (r: { readonly id: string; readonly rule: string; readonly defects: readonly string[] }) => `| \`${r.id}\` | ${r.rule} | ${where} | ${r.defects.join("; ")} |`;
  return [
    "# Guardrails",
    "",
    "Rules that hold for everything that is deployed. `cdktf synth` fails on a breach, with what is wrong, why it matters and how to fix it. The checks look at each resource as it will be written, whichever construct made it, in every stack of the app (synth.ts). Each rule has planted defects that its tests must find.",
    "",
    "| rule | what it says | where it is enforced | planted defects |",
    "|---|---|---|---|",
    ...JOB_RULES.map(row("Aspect on every `nomad_job` (constructs/guardrails/rules.ts)")),
    ...RESOURCE_RULES.map(row("Aspect on resources and stacks (constructs/guardrails/guardrails.ts)")),
    "| environment | Everything else that an operator decides: the errors are listed all at once, each with its path and an example | environments/parse.ts, before anything is synthesized | __tests__/environments/parse.test.ts, `PLANTED` |",
    "| env contract | A job is given only keys of its contract, of the right kind, none missing, secrets never as plain value | contracts/env.ts, when the job is built | __tests__/contracts/env.test.ts |",
    "| pinned deploys | An image without a digest is shown by preview and diff, and its deploy is refused | Terraform precondition on the job (constructs/nomad/job.ts) | __tests__/terraform/stacks.programs.test.ts |",
    "",
    "This page is made by `npm run docs`.",
    "",
  ].join("\n");
}
