/** What each stack creates, and what it takes from the stacks before it. */
import type { SynthesizedStack, TerraformBlocks, TerraformJson } from "../synthesized";

export interface StackModel {
  readonly id: string;
  /** Stacks that must be deployed before it, directly. */
  readonly after: readonly string[];
  /** Resources that it creates. */
  readonly resources: number;
  /** Resources that Terraform refuses to destroy. */
  readonly kept: number;
  /** The same by the construct that declares them, in the order of the stack. */
  readonly constructs: readonly ConstructModel[];
  /** Data sources: what it looks up while it plans. */
  readonly lookups: number;
  /** Values that Terraform makes and stores nowhere. */
  readonly ephemerals: number;
  readonly reads: readonly Crossing[];
}

export interface ConstructModel {
  /** Id of the construct below the stack. */
  readonly id: string;
  readonly resources: number;
  readonly types: readonly { readonly type: string; readonly count: number }[];
}

/** A value that one stack's deploy finds out and another one uses. */
export interface Crossing {
  readonly from: string;
  /** Attribute in the stack that has it, for example "tls_self_signed_cert.ca.cert_pem". */
  readonly value: string;
  /** Where it is used. */
  readonly usedBy: readonly string[];
}

/** Stacks in the order in which they are deployed. */
export function stackModels(stacks: Readonly<Record<string, SynthesizedStack>>): StackModel[] {
  return deployOrder(stacks).map((id) => {
    const { terraform } = stacks[id];
    const resources = blocks(terraform.resource);
    return {
      id,
      after: directDependencies(id, stacks),
      resources: resources.length,
      kept: resources.filter(({ block }) => block.lifecycle?.prevent_destroy === true).length,
      constructs: constructModels(id, resources),
      lookups: blocks(terraform.data).filter(({ type }) => type !== REMOTE_STATE).length,
      ephemerals: blocks(terraform.ephemeral).length,
      reads: crossings(id, stacks),
    };
  });
}

/** Id of the stack that deploys a job. */
export function stackOfJob(job: string, stacks: Readonly<Record<string, SynthesizedStack>>): string | undefined {
  return Object.keys(stacks).find((id) => Object.hasOwn(stacks[id].terraform.resource?.nomad_job ?? {}, job));
}

const REMOTE_STATE = "terraform_remote_state";

interface NamedBlock { readonly type: string; readonly name: string; readonly block: TerraformBlocks[string][string] }

function blocks(byType: TerraformBlocks = {}): NamedBlock[] {
  return Object.entries(byType).flatMap(([type, named]) => Object.entries(named).map(([name, block]) => ({ type, name, block })));
}

function deployOrder(stacks: Readonly<Record<string, SynthesizedStack>>): string[] {
  const order: string[] = [];
  const add = (id: string): void => {
    if (order.includes(id)) return;
    stacks[id].dependencies.forEach(add);
    order.push(id);
  };
  Object.keys(stacks).sort().forEach(add);
  return order;
}

/** Without those that another dependency waits for anyway. */
function directDependencies(id: string, stacks: Readonly<Record<string, SynthesizedStack>>): string[] {
  const before = (stack: string): string[] => stacks[stack].dependencies.flatMap((other) => [other, ...before(other)]);
  const own = stacks[id].dependencies;
  return own.filter((dependency) => !own.some((other) => before(other).includes(dependency)));
}

function constructModels(stack: string, resources: readonly NamedBlock[]): ConstructModel[] {
  const byConstruct = new Map<string, Map<string, number>>();
  for (const { type, name, block } of resources) {
    const construct = block["//"]?.metadata?.path?.slice(stack.length + 1).split("/")[0] ?? name;
    const types = byConstruct.get(construct) ?? new Map<string, number>();
    byConstruct.set(construct, types.set(type, (types.get(type) ?? 0) + 1));
  }
  return [...byConstruct]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, types]) => ({ id, resources: [...types.values()].reduce((sum, n) => sum + n, 0), types: [...types].sort(([a], [b]) => (a < b ? -1 : 1)).map(([type, count]) => ({ type, count })) }));
}

const CROSSING = /data\.terraform_remote_state\.cross-stack-reference-input-([A-Za-z0-9_-]+)\.outputs\.([A-Za-z0-9_-]+)/g;

function crossings(id: string, stacks: Readonly<Record<string, SynthesizedStack>>): Crossing[] {
  const uses = new Map<string, { from: string; value: string; usedBy: Set<string> }>();
  for (const [where, text] of usedTexts(stacks[id].terraform)) {
    for (const [reference, from, output] of text.matchAll(CROSSING)) {
      const use = uses.get(reference) ?? { from, value: outputValue(stacks[from]?.terraform, output), usedBy: new Set<string>() };
      uses.set(reference, use);
      use.usedBy.add(where);
    }
  }
  return [...uses.values()].map(({ from, value, usedBy }) => ({ from, value, usedBy: [...usedBy].sort() })).sort((a, b) => (a.from + a.value < b.from + b.value ? -1 : 1));
}

/** The expression behind an output, without its braces and the hash of its name. */
function outputValue(terraform: TerraformJson | undefined, output: string): string {
  const value = terraform?.output?.[output]?.value;
  return typeof value === "string" ? value.replace(/^\$\{(.*)\}$/s, "$1") : output;
}

/** Every text of a stack with the name of the block it is in. */
function usedTexts(terraform: TerraformJson): (readonly [string, string])[] {
  const providers = Object.entries(terraform.provider ?? {}).flatMap(([name, config]) => texts(config).map((text) => [`provider ${name}`, text] as const));
  const others = [...blocks(terraform.resource), ...blocks(terraform.data)].flatMap(({ type, name, block }) => texts(block).map((text) => [`${type}.${name}`, text] as const));
  const locals = Object.entries((terraform.locals ?? {}) as Readonly<Record<string, unknown>>).flatMap(([name, value]) => texts(value).map((text) => [`local ${name}`, text] as const));
  return [...providers, ...locals, ...others];
}

function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return value && typeof value === "object" ? Object.values(value).flatMap(texts) : [];
}
