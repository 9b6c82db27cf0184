/** What Terraform plans for a stack, as `terraform show -json` of a saved plan says it. */
import { z } from "zod";

const valuesSchema = z.record(z.string(), z.unknown()).nullable();

const changeSchema = z.object({
  address: z.string(),
  mode: z.enum(["managed", "data"]),
  type: z.string(),
  name: z.string(),
  change: z.object({
    actions: z.array(z.string()),
    before: valuesSchema,
    after: valuesSchema,
    /** True where a value is known after the apply only. */
    after_unknown: z.unknown(),
    before_sensitive: z.unknown(),
    after_sensitive: z.unknown(),
    /** Attributes that cannot be changed in place. */
    replace_paths: z.array(z.array(z.union([z.string(), z.number()]))).optional(),
  }),
  action_reason: z.string().optional(),
});

const planSchema = z.object({
  format_version: z.string(),
  resource_changes: z.array(changeSchema).default([]),
  output_changes: z.record(z.string(), z.object({ actions: z.array(z.string()) })).default({}),
});

/** read: a data source that is read while applying. forget: Terraform lets go of it, and it stays as it is. */
export type PlannedAction = "create" | "update" | "replace" | "destroy" | "forget";

export interface PlannedChange {
  /** "nomad_job.gvfx-api". */
  readonly address: string;
  readonly type: string;
  readonly action: PlannedAction;
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
  /** Attributes by whose change it is replaced, "zone" or "disk.0.size". */
  readonly replacedBy: readonly string[];
  /** Whether an attribute is sensitive, before or after. */
  readonly sensitive: (attribute: string) => boolean;
  /** Whether an attribute is known after the apply only. */
  readonly unknown: (attribute: string) => boolean;
}

export interface StackPlan {
  readonly stack: string;
  /** Those that change something, in the order of their addresses. */
  readonly changes: readonly PlannedChange[];
  /** Names of outputs that change; never their values. */
  readonly outputs: readonly string[];
}

/**
 * Reads the JSON of a plan.
 * @throws Error when it is none, with what is wrong with it
 */
export function readPlan(stack: string, json: unknown): StackPlan {
  const parsed = planSchema.safeParse(json);
  if (!parsed.success) throw new Error(`what is given as the plan of ${stack} is not what \`terraform show -json <plan>\` prints: ${z.prettifyError(parsed.error)}`);
  const { resource_changes: resources, output_changes: outputs } = parsed.data;
  return {
    stack,
    changes: resources.flatMap((resource) => changeOf(resource) ?? []).sort((a, b) => (a.address < b.address ? -1 : 1)),
    outputs: Object.entries(outputs).flatMap(([name, { actions }]) => (actions.every((action) => action === "no-op") ? [] : [name])).sort(),
  };
}

function changeOf({ address, mode, type, change }: z.output<typeof changeSchema>): PlannedChange | undefined {
  const action = mode === "managed" ? actionOf(change.actions) : undefined;
  if (!action) return undefined;
  const marked = (mark: unknown, attribute: string): boolean => mark === true || (typeof mark === "object" && mark !== null && anyTrue((mark as Record<string, unknown>)[attribute]));
  return {
    address,
    type,
    action,
    before: change.before ?? {},
    after: change.after ?? {},
    replacedBy: (change.replace_paths ?? []).map((path) => path.join(".")),
    sensitive: (attribute) => marked(change.before_sensitive, attribute) || marked(change.after_sensitive, attribute),
    unknown: (attribute) => marked(change.after_unknown, attribute),
  };
}

function actionOf(actions: readonly string[]): PlannedAction | undefined {
  if (actions.includes("delete") && actions.includes("create")) return "replace";
  if (actions.includes("create")) return "create";
  if (actions.includes("delete")) return "destroy";
  if (actions.includes("update")) return "update";
  if (actions.includes("forget")) return "forget";
  // "no-op", and "read" of a data source.
  return undefined;
}

/** A mark may be a tree: of a block, of a list. */
function anyTrue(mark: unknown): boolean {
  if (typeof mark === "object" && mark !== null) return Object.values(mark).some(anyTrue);
  return mark === true;
}
