/** From what an environment file says to a typed environment, or to all of its errors at once. */
import { z } from "zod";
import { environmentSchema, type Environment } from "./schema";
import { crossFindings, type Finding } from "./schema/cross-checks";

/** All errors of an environment; the message lists each with its path, what is wrong and an example. */
export class EnvironmentError extends Error {
  constructor(readonly environment: string, readonly findings: readonly Finding[]) {
    const lines = findings.map((f) => `  ${f.path}: ${f.message}${f.example === undefined ? "" : `\n      for example: ${JSON.stringify(f.example)}`}`);
    super(`environment "${environment}" has ${findings.length} error${findings.length === 1 ? "" : "s"}; nothing was synthesized\n${lines.join("\n")}`);
    this.name = "EnvironmentError";
  }
}

/**
 * Validates an environment.
 * @param name of the environment, for messages
 * @throws EnvironmentError with every error found
 */
export function parseEnvironment(name: string, input: unknown): Environment {
  const result = environmentSchema.safeParse(input);
  const structural = result.success ? [] : result.error.issues.flatMap((issue) => findingsOf(issue, input));
  const unsound = new Set<string>();
  const sections = result.success ? result.data : soundSections(input, unsound);
  const findings = [...structural, ...crossFindings(sections, unsound)];
  if (result.success && findings.length === 0) return result.data;
  throw new EnvironmentError(name, findings);
}

/** Parses each section by itself; those that fail join `unsound`. */
function soundSections(input: unknown, unsound: Set<string>): Partial<Environment> {
  const sections: [string, unknown][] = [];
  for (const [section, schema] of Object.entries(environmentSchema.shape)) {
    const result = (schema as z.ZodType).safeParse(valueAt(input, [section]));
    if (result.success) sections.push([section, result.data]);
    else unsound.add(section);
  }
  return Object.fromEntries(sections) as Partial<Environment>;
}

type Path = readonly PropertyKey[];

function findingsOf(issue: z.core.$ZodIssue, input: unknown): Finding[] {
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(issue.path, input);
    return issue.keys.map((key) => ({ path: render([...issue.path, key]), message: `is not a field of the environment; remove it or correct the name${known.length ? ` (fields here: ${known.join(", ")})` : ""}` }));
  }
  const missing = valueAt(input, issue.path) === undefined;
  return [{ path: render(issue.path), message: missing ? `is missing (${issue.message})` : issue.message, example: exampleAt(issue.path, input) }];
}

function render(path: Path): string {
  return path.reduce<string>((text, part) => (typeof part === "number" ? `${text}[${part}]` : text ? `${text}.${String(part)}` : String(part)), "") || "(the whole file)";
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => (at === null || at === undefined ? undefined : (at as Record<PropertyKey, unknown>)[part]), value);
}

function knownKeys(path: Path, input: unknown): string[] {
  const schema = schemaAt(path, input);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function exampleAt(path: Path, input: unknown): unknown {
  const schema = schemaAt(path, input);
  const own = schema && (schema.meta() as { example?: unknown } | undefined)?.example;
  return own ?? (schema ? exampleOf(schema) : undefined);
}

/** An example for a whole section: those of its fields. */
function exampleOf(schema: z.ZodType): unknown {
  const own = (schema.meta() as { example?: unknown } | undefined)?.example;
  if (own !== undefined) return own;
  if (schema instanceof z.ZodObject) return Object.fromEntries(Object.entries(schema.shape).flatMap(([key, field]) => {
    const example = exampleOf(field as z.ZodType);
    return example === undefined ? [] : [[key, example]];
  }));
  if (schema instanceof z.ZodDiscriminatedUnion) return exampleOf(schema.options[0] as z.ZodType);
  if (schema instanceof z.ZodLiteral) return [...schema.values][0];
  if (schema instanceof z.ZodBoolean) return true;
  if (schema instanceof z.ZodOptional) return exampleOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodArray) {
    const element = exampleOf(schema.element as z.ZodType);
    return element === undefined ? undefined : [element];
  }
  return undefined;
}

function schemaAt(path: Path, input: unknown): z.ZodType | undefined {
  let schema: z.ZodType | undefined = environmentSchema;
  let value = input;
  for (const part of path) {
    schema = step(schema, part, value);
    if (!schema) return undefined;
    value = valueAt(value, [part]);
  }
  return unwrapped(schema, value);
}

function unwrapped(schema: z.ZodType, value: unknown): z.ZodType {
  if ((schema.meta() as { example?: unknown } | undefined)?.example !== undefined) return schema;
  if (schema instanceof z.ZodOptional) return unwrapped(schema.unwrap() as z.ZodType, value);
  if (schema instanceof z.ZodDiscriminatedUnion) return optionFor(schema, value);
  return schema;
}

function optionFor(schema: z.ZodDiscriminatedUnion, value: unknown): z.ZodType {
  const discriminator = schema.def.discriminator;
  const given = valueAt(value, [discriminator]);
  const options = schema.options as unknown as z.ZodObject[];
  return options.find((option) => (option.shape[discriminator] as z.ZodLiteral).values.has(given as never)) ?? options[0];
}

function step(schema: z.ZodType, part: PropertyKey, value: unknown): z.ZodType | undefined {
  if (schema instanceof z.ZodOptional) return step(schema.unwrap() as z.ZodType, part, value);
  if (schema instanceof z.ZodDiscriminatedUnion) return step(optionFor(schema, value), part, value);
  if (schema instanceof z.ZodObject) return schema.shape[part as string] as z.ZodType | undefined;
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType;
  if (schema instanceof z.ZodRecord) return schema.valueType as z.ZodType;
  return undefined;
}
