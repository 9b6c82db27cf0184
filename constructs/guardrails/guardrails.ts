/** The guardrails as an Aspect: whatever ends up in a stack is checked, and a breach fails synth. */
import { Aspects, TerraformResource, TerraformStack, type App, type IAspect } from "cdktf";
import type { IConstruct } from "constructs";
import { catalogErrors, type MarketCatalog } from "../../contracts/markets";
import { Duration } from "../../contracts/units";
import { MARKET_VARIABLE } from "../../contracts/variables";
import { unescapeTemplates } from "../nomad/job";
import { protectedResource } from "./protected";
import { isBatch, type ReadJob } from "./rule";
import { jobViolations } from "./rules";
import { SECRET_PATTERNS } from "./secrets";

export interface GuardrailsProps {
  /** What holds data or must stay single must carry prevent_destroy. */
  readonly protect: boolean;
  /** BINGX_MARKET_DATA_PAIRS is deliberately not the union of both sections. */
  readonly pairsOverridden: boolean;
}

/** A resource as it will be written, overrides and all. */
interface Block {
  readonly jobspec?: unknown;
  readonly detach?: unknown;
  readonly timeouts?: Readonly<Record<string, string | undefined>>;
  readonly lifecycle?: { readonly prevent_destroy?: unknown; readonly create_before_destroy?: unknown };
  readonly path?: unknown;
  readonly items?: Readonly<Record<string, string | undefined>>;
}

export class Guardrails implements IAspect {
  private readonly visited = new WeakSet<IConstruct>();

  constructor(private readonly props: GuardrailsProps) {}

  /**
   * Puts the guardrails on a stack, or on every stack of an app. cdktf asks no app for
   * its Aspects, only each stack and what is below it: so each stack that the app has is
   * given this one, and when all are synthesized, the app looks at whatever it has missed.
   */
  static on(scope: App | TerraformStack, props: GuardrailsProps): void {
    const guardrails = new Guardrails(props);
    for (const stack of scope.node.findAll().filter((node) => TerraformStack.isStack(node))) Aspects.of(stack).add(guardrails);
    if (!TerraformStack.isStack(scope)) scope.node.addValidation({ validate: () => scope.node.findAll().filter((node) => !guardrails.visited.has(node)).flatMap((node) => guardrails.violations(node)) });
  }

  visit(node: IConstruct): void {
    this.visited.add(node);
    // Not now but when the stack is validated: another Aspect may still change the resource.
    if (TerraformResource.isTerraformResource(node)) node.node.addValidation({ validate: () => this.violations(node) });
  }

  private violations(node: IConstruct): string[] {
    if (!TerraformResource.isTerraformResource(node)) return [];
    const type = node.terraformResourceType;
    const where = node.node.path;
    switch (type) {
      case "nomad_job":
        return this.job(where, blockOf(node));
      case "nomad_variable": {
        const block = blockOf(node);
        return block?.path === MARKET_VARIABLE ? marketVariable(block, this.props.pairsOverridden) : [];
      }
      default:
        return protectedResource(type, where) ? this.unprotected(type, where, blockOf(node)) : [];
    }
  }

  private job(where: string, block: Block | undefined): string[] {
    if (!block) return [];
    const job = parseJob(block.jobspec);
    if (!job) return [`[readable-jobs] ${where}: jobspec is not JSON of a job: no guardrail could look into it; make jobs with NomadJob`];
    return [...jobViolations(job), ...waitsForHealth(job, block), ...this.unprotected("nomad_job", where, block, job.ID), ...(block.lifecycle?.create_before_destroy ? [`[protected] ${job.ID}: has create_before_destroy: both copies would run; remove it`] : [])];
  }

  private unprotected(type: string, where: string, block: Block | undefined, job?: string): string[] {
    const row = this.props.protect ? protectedResource(type, where, job) : undefined;
    if (!row || !block || block.lifecycle?.prevent_destroy === true) return [];
    return [`[protected] ${job ?? `${where} (${type})`}: has no prevent_destroy although the environment says protect: a rename or a replacement would destroy it, and ${row.loss}; set lifecycle.preventDestroy`];
  }
}

/** Undefined when the resource is only moved, and written elsewhere. */
function blockOf(node: TerraformResource): Block | undefined {
  const { resource } = node.toTerraform() as { readonly resource?: Readonly<Record<string, Readonly<Record<string, Block>>>> };
  return resource && Object.values(Object.values(resource)[0])[0];
}

/** The job inside a jobspec, or undefined when it is not JSON of one. */
export function parseJob(jobspec: unknown): ReadJob | undefined {
  try {
    const job = JSON.parse(unescapeTemplates(String(jobspec))) as ReadJob;
    return Array.isArray(job.TaskGroups) ? job : undefined;
  } catch {
    return undefined;
  }
}

function waitsForHealth(job: ReadJob, block: Block): string[] {
  // A batch job has no deployment to wait for.
  if (isBatch(job)) return [];
  // A progress deadline of 0 is none: then the time for an allocation to become healthy ends it.
  const longest = Math.max(0, ...(job.TaskGroups ?? []).flatMap(({ Update }) => [Update?.ProgressDeadline ?? 0, Update?.HealthyDeadline ?? 0]));
  const messages = block.detach === false ? [] : ["detach is not false: the apply would end before the deployment is healthy, and hide an auto-revert; make jobs with NomadJob"];
  for (const action of ["create", "update"]) {
    const timeout = block.timeouts?.[action];
    if (!timeout || Duration.parse(timeout).nanoseconds <= longest) messages.push(`the ${action} timeout (${timeout ?? "5m by default"}) does not exceed the job's progress and healthy deadlines: the apply would give up first; make jobs with NomadJob`);
  }
  return messages.map((message) => `[waits-for-health] ${job.ID}: ${message}`);
}

function marketVariable({ items = {} }: Block, overridden: boolean): string[] {
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
  { id: "readable-jobs", rule: "Every nomad_job is JSON that the guardrails can read, whichever construct made it", defects: ["a jobspec in HCL, into which no rule can look", "a resource of no class of its own"] },
  {
    id: "waits-for-health",
    rule: "`nomad_job` uses detach=false, and its timeouts exceed the progress and healthy deadlines",
    defects: ["detach left at its default", "a create timeout at its default", "an update timeout below the progress deadline", "an update timeout below the healthy deadline"],
  },
  {
    id: "protected",
    rule: "prevent_destroy on what holds data, keys or logins and on what must stay single, where the environment says `protect` (constructs/guardrails/protected.ts); a job never has create_before_destroy",
    defects: [
      "Postgres without prevent_destroy",
      "MinIO without prevent_destroy",
      "Convex without prevent_destroy",
      "a worker without prevent_destroy",
      "prevent_destroy overridden",
      "create_before_destroy",
      "a namespace without prevent_destroy",
      "a secrets mount without prevent_destroy",
      "the login to Vault without prevent_destroy",
      "the login to Consul without prevent_destroy",
      "the authority's key without prevent_destroy",
      "the authority's certificate without prevent_destroy",
      "random bytes without prevent_destroy",
      "the witness without prevent_destroy",
      "the switches without prevent_destroy",
    ],
  },
  {
    id: "one-catalog",
    rule: "Gold and Crypto pairs come from one catalog: no duplicates, no overlap, `BINGX_MARKET_DATA_PAIRS` is their union in order unless overridden",
    defects: ["pairs that are not the union of the sections", "a pair in both sections"],
  },
  { id: "no-secret-in-synth", rule: "No secret value in synthesized JSON", defects: ["a private key in the stack", "a Vault token in the stack", "a Tailscale key in the stack"] },
];
