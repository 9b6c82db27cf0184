/** docs/reference/environment.md: every field of an environment file, from the schema that validates it. */
import { z } from "zod";
import { environmentSchema } from "../../environments/schema";
import { membersKey, schemaComments, type Comments } from "./schema-comments";

export interface FieldRow {
  /** "nomad.certificateRenewal", "nodes[].ssh.port"; of a variant "backend.folder (kind: local)". */
  readonly path: string;
  readonly takes: string;
  readonly optional: boolean;
  readonly example: string | undefined;
  readonly says: string | undefined;
}

/** As zod 4 describes a schema to whoever walks it. */
interface Def {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
  readonly discriminator?: string;
}

const defOf = (schema: z.ZodType): Def => schema._zod.def as unknown as Def;

/** Rows of every field that takes a value, in the order of the schema. */
export function environmentRows(comments: Comments): FieldRow[] {
  const rows: FieldRow[] = [];
  const walk = (schema: z.ZodType, path: string, variant: string, optional: boolean, says: string | undefined): void => {
    const def = defOf(schema);
    switch (def.type) {
      case "optional":
      case "nullable":
      case "default":
      case "readonly":
        return walk(def.innerType!, path, variant, true, says);
      case "object": {
        const names = Object.keys(def.shape!);
        const told = comments.get(membersKey(names)) ?? {};
        if (says !== undefined) rows.push({ path: path + variant, takes: "a group", optional, example: undefined, says });
        for (const name of names) walk(def.shape![name], path === "" ? name : `${path}.${name}`, variant, false, told[name]);
        return;
      }
      case "array":
        if (defOf(def.element!).type === "object") {
          rows.push({ path: path + variant, takes: "a list", optional, example: undefined, says });
          return walk(def.element!, `${path}[]`, variant, false, undefined);
        }
        break;
      case "union":
        if (def.options!.some((option) => defOf(option).type === "object")) {
          rows.push({ path: path + variant, takes: "one of several forms", optional, example: undefined, says });
          for (const option of def.options!) walk(option, path, variantOf(option, def.discriminator), false, undefined);
          return;
        }
        break;
      case "record":
        if (defOf(def.valueType!).type === "object") {
          rows.push({ path: path + variant, takes: "a group by name", optional, example: undefined, says });
          return walk(def.valueType!, `${path}.<name>`, variant, false, undefined);
        }
        break;
      default:
    }
    const example = exampleOf(schema);
    rows.push({ path: path + variant, takes: typeText(schema), optional, example: example === undefined ? undefined : JSON.stringify(example), says });
  };
  walk(environmentSchema, "", "", false, undefined);
  return rows;
}

function variantOf(option: z.ZodType, discriminator: string | undefined): string {
  const { shape } = defOf(option);
  if (!shape) return "";
  if (discriminator === undefined) return ` (with ${Object.keys(shape).join(", ")})`;
  return ` (${discriminator}: ${String(defOf(shape[discriminator]).values?.[0])})`;
}

function exampleOf(schema: z.ZodType): unknown {
  const meta = schema.meta() as { readonly example?: unknown } | undefined;
  if (meta?.example !== undefined) return meta.example;
  const { innerType, element } = defOf(schema);
  if (innerType) return exampleOf(innerType);
  const one = element && exampleOf(element);
  return one === undefined ? undefined : [one];
}

function typeText(schema: z.ZodType): string {
  const def = defOf(schema);
  switch (def.type) {
    case "pipe":
      return typeText(def.in!);
    case "string":
      return "text";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    case "literal":
      return def.values!.map((value) => JSON.stringify(value)).join(" or ");
    case "enum":
      return Object.values(def.entries!).map((value) => JSON.stringify(value)).join(", ");
    case "array":
      return `a list of ${typeText(def.element!)}`;
    case "record":
      return `${typeText(def.valueType!)} by name`;
    case "union":
      return def.options!.map(typeText).join(", or ");
    default:
      return def.type;
  }
}

export const ENVIRONMENT_PAGE = "docs/reference/environment.md";

export function environmentPage(root: string): string {
  const rows = environmentRows(schemaComments(root));
  const section = ({ path }: FieldRow): string => path.split(/[.[ ]/)[0];
  const sections = [...new Set(rows.map(section))];
  const single = sections.filter((name) => rows.filter((row) => section(row) === name).length === 1);
  const table = (of: readonly FieldRow[]): string[] => ["| field | takes | example | |", "|---|---|---|---|", ...of.map(({ path, takes, optional, example, says }) => `| \`${path}\` | ${cell(takes)}${optional ? "; may be left out" : ""} | ${example === undefined ? "" : `\`${cell(example)}\``} | ${cell(says ?? "")} |`)];
  return [
    "# Reference: the environment file",
    "",
    "Every field of `environments/<name>.ts`, from the schema that validates it (`environments/schema/`). Durations are written as `30s`, `5m` or `365d`, sizes as `512MiB`. What is wrong is listed all at once, with path, reason and example; what must hold between fields is checked too (`environments/schema/cross-checks.ts`).",
    "",
    ...table(rows.filter((row) => single.includes(section(row)))),
    ...sections.filter((name) => !single.includes(name)).flatMap((name) => ["", `## ${name}`, "", ...table(rows.filter((row) => section(row) === name))]),
    "",
    "This page is made by `npm run docs`.",
    "",
  ].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replace(/\s+/g, " ");
}
