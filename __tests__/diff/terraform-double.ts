/**
 * A double of `terraform plan` for golden tests: what a deploy of one synthesized stack over another would do, in the
 * form of `terraform show -json`. Arguments stand for themselves; references are not resolved.
 */
import { unescapeTemplates } from "../../constructs/nomad/job";
import type { TerraformJson } from "../stacks/synthesized";

/** Arguments that their providers cannot change in place, of the resources that the tests change. */
const FORCE_NEW: Readonly<Record<string, readonly string[]>> = {
  vultr_instance: ["region", "os_id", "user_data"],
  nomad_variable: ["path", "namespace"],
  nomad_namespace: ["name"],
  vault_mount: ["path"],
};
/** Arguments that their providers call sensitive. */
const SENSITIVE: Readonly<Record<string, readonly string[]>> = { nomad_variable: ["items"], vultr_instance: ["user_data"] };
/** What is Terraform's own, and no argument of a resource. */
const META = ["//", "lifecycle", "depends_on", "provisioner", "connection", "provider"];

/** `terraform show -json` of a plan; undefined when nothing changes. */
export function planDouble(before: TerraformJson, after: TerraformJson): unknown {
  const [was, is] = [resourcesOf(before), resourcesOf(after)];
  const resource_changes = [...new Set([...was.keys(), ...is.keys()])].sort().map((address) => {
    const [type, name] = address.split(".");
    const [old, now] = [was.get(address), is.get(address)];
    const replace = old && now ? forced(type, old, now) : [];
    const actions = !old ? ["create"] : !now ? ["delete"] : replace.length > 0 ? ["delete", "create"] : JSON.stringify(old) === JSON.stringify(now) ? ["no-op"] : ["update"];
    const sensitive = Object.fromEntries((SENSITIVE[type] ?? []).map((argument) => [argument, true]));
    return { address, mode: "managed", type, name, change: { actions, before: old ?? null, after: now ?? null, after_unknown: now ? { id: !old } : {}, before_sensitive: old ? sensitive : false, after_sensitive: now ? sensitive : false, replace_paths: replace.map((path) => [path]) } };
  });
  return resource_changes.every(({ change }) => change.actions[0] === "no-op") ? undefined : { format_version: "1.2", resource_changes };
}

function resourcesOf({ resource = {} }: TerraformJson): Map<string, Record<string, unknown>> {
  return new Map(
    Object.entries(resource).flatMap(([type, blocks]) =>
      Object.entries(blocks).map(([name, block]) => {
        const args = Object.fromEntries(Object.entries(block).filter(([argument]) => !META.includes(argument)));
        if (typeof args.jobspec === "string") args.jobspec = unescapeTemplates(args.jobspec);
        return [`${type}.${name}`, args] as const;
      }),
    ),
  );
}

/** A job that is given another id or namespace is another job: its provider replaces it. */
function forced(type: string, before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  if (type === "nomad_job") {
    const [was, is] = [before, after].map(({ jobspec }) => JSON.parse(String(jobspec)) as { ID: string; Namespace: string });
    return [...(was.ID === is.ID ? [] : ["name"]), ...(was.Namespace === is.Namespace ? [] : ["namespace"])];
  }
  return (FORCE_NEW[type] ?? []).filter((argument) => JSON.stringify(before[argument]) !== JSON.stringify(after[argument]));
}
