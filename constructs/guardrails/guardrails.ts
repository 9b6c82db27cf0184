/** The guardrails as an Aspect: whatever ends up in a stack is checked, and a breach fails synth. */
import { Job } from "@cdktf/provider-nomad/lib/job";
import { Variable } from "@cdktf/provider-nomad/lib/variable";
import { Aspects, type IAspect, type TerraformStack } from "cdktf";
import type { IConstruct } from "constructs";
import { catalogErrors, type MarketCatalog } from "../../contracts/markets";
import { JOBS } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import { MARKET_VARIABLE } from "../../contracts/variables";
import type { ApiJob } from "../nomad/api";
import { unescapeTemplates } from "../nomad/job";
import { jobViolations, SECRET_PATTERNS } from "./rules";

export interface GuardrailsProps {
  /** Stateful and singleton resources must carry prevent_destroy. */
  readonly protect: boolean;
  /** BINGX_MARKET_DATA_PAIRS is deliberately not the union of both sections. */
  readonly pairsOverridden: boolean;
}

const PROTECTED: ReadonlySet<string> = new Set([JOBS.postgres, JOBS.objectstore, JOBS.convex, JOBS.worker]);

export class Guardrails implements IAspect {
  constructor(private readonly props: GuardrailsProps) {}

  /** Puts the guardrails on a stack. */
  static on(stack: TerraformStack, props: GuardrailsProps): void {
    Aspects.of(stack).add(new Guardrails(props));
  }

  visit(node: IConstruct): void {
    const violations = this.violations(node);
    if (violations.length > 0) node.node.addValidation({ validate: () => violations });
  }

  private violations(node: IConstruct): string[] {
    if (node instanceof Job) return this.jobResource(node);
    if (node instanceof Variable && node.pathInput === MARKET_VARIABLE) return marketVariable(node, this.props.pairsOverridden);
    return [];
  }

  private jobResource(resource: Job): string[] {
    const job = parseJob(resource);
    if (!job) return ["[readable-jobs] jobspec is not JSON of a job: no guardrail could look into it; make jobs with NomadJob"];
    const where = `${job.ID}:`;
    const longest = Math.max(...job.TaskGroups.map((group) => group.Update?.ProgressDeadline ?? 0));
    const messages = jobViolations(job);
    if (resource.detachInput !== false) messages.push(`[waits-for-health] ${where} detach is not false: the apply would end before the deployment is healthy, and hide an auto-revert; make jobs with NomadJob`);
    for (const action of ["create", "update"] as const) {
      const timeout = resource.timeoutsInput && "create" in resource.timeoutsInput ? resource.timeoutsInput[action] : undefined;
      if (!timeout || Duration.parse(timeout).nanoseconds <= longest) messages.push(`[waits-for-health] ${where} the ${action} timeout (${timeout ?? "5m by default"}) does not exceed the job's progress deadline: the apply would give up first; make jobs with NomadJob`);
    }
    if (this.props.protect && PROTECTED.has(job.ID) && resource.lifecycle?.preventDestroy !== true) messages.push(`[protected] ${where} has no prevent_destroy although the environment says protect: a rename would destroy it; set preventDestroy`);
    if (resource.lifecycle?.createBeforeDestroy) messages.push(`[protected] ${where} has create_before_destroy: both copies would run; remove it`);
    return messages;
  }
}

/** The job inside a nomad_job resource, or undefined when it is not JSON. */
export function parseJob(resource: Job): ApiJob | undefined {
  try {
    const job = JSON.parse(unescapeTemplates(resource.jobspecInput ?? "")) as ApiJob;
    return Array.isArray(job.TaskGroups) ? job : undefined;
  } catch {
    return undefined;
  }
}

function marketVariable(variable: Variable, overridden: boolean): string[] {
  const items = (variable.itemsInput ?? {}) as Record<string, string>;
  const list = (key: string) => (items[key] ?? "").split(",").filter(Boolean);
  const catalog: MarketCatalog = { gold: list("MARKET_GOLD_PAIRS"), crypto: list("MARKET_CRYPTO_PAIRS") };
  const messages = catalogErrors(catalog);
  if (!overridden && items.BINGX_MARKET_DATA_PAIRS !== [...catalog.gold, ...catalog.crypto].join(",")) messages.push("BINGX_MARKET_DATA_PAIRS is not the union of gold and crypto in their order: a shown pair would not be ingested; make the variable from one catalog, or set markets.bingxOverride");
  return messages.map((message) => `[one-catalog] ${MARKET_VARIABLE}: ${message}`);
}

/** What looks like a secret in a synthesized stack. It looks at the text that was written, so that nothing can be hidden from it. */
export function secretsInSynthesized(stackId: string, text: string): string[] {
  return SECRET_PATTERNS.filter(([, pattern]) => pattern.test(text)).map(([what]) => `[no-secret-in-synth] ${stackId}: the synthesized stack contains what looks like ${what}: it would be committed to plans and logs; read it from Vault at run time`);
}

/** The rules that look at resources instead of jobs, with the defects that their tests plant. */
export const RESOURCE_RULES: readonly { readonly id: string; readonly rule: string; readonly defects: readonly string[] }[] = [
  { id: "readable-jobs", rule: "Every nomad_job is JSON that the guardrails can read, whichever construct made it", defects: ["a jobspec in HCL, into which no rule can look"] },
  {
    id: "waits-for-health",
    rule: "`nomad_job` uses detach=false, and its timeouts exceed the progress deadline",
    defects: ["detach left at its default", "a create timeout at its default", "an update timeout below the progress deadline"],
  },
  { id: "protected", rule: "prevent_destroy on stateful and singleton jobs where the environment says `protect`; never create_before_destroy", defects: ["a worker without prevent_destroy", "create_before_destroy"] },
  {
    id: "one-catalog",
    rule: "Gold and Crypto pairs come from one catalog: no duplicates, no overlap, `BINGX_MARKET_DATA_PAIRS` is their union in order unless overridden",
    defects: ["pairs that are not the union of the sections", "a pair in both sections"],
  },
  { id: "no-secret-in-synth", rule: "No secret value in synthesized JSON", defects: ["a private key in the stack", "a Vault token in the stack", "a Tailscale key in the stack"] },
];
