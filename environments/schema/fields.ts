/**
 * Building blocks of the environment schema. Each field carries an example, which
 * an error message shows beside what is wrong.
 */
import { z } from "zod";
import { Duration, port, Size } from "../../contracts/units";

// An environment is parsed once: compiling a parser for each object costs more than it saves.
z.config({ jitless: true });

/** Attaches the example that an error about this field shows. */
export function withExample<T extends z.ZodType>(schema: T, example: unknown): T {
  return schema.meta({ ...schema.meta(), example }) as T;
}

function parsed<T>(parse: (text: string) => T, example: string): z.ZodType<T, string> {
  const schema = z.string().transform((text, ctx) => {
    try {
      return parse(text);
    } catch (error) {
      ctx.addIssue({ code: "custom", message: (error as Error).message });
      return z.NEVER;
    }
  });
  return withExample(schema, example) as unknown as z.ZodType<T, string>;
}

export const duration = (example = "30s") => parsed(Duration.parse, example);
export const size = (example = "512MiB") => parsed(Size.parse, example);

export const portNumber = (example: number) => withExample(z.number().int().min(1).max(65_535).transform((n) => port(n)), example);

export const count = (example: number) => withExample(z.number().int().positive(), example);

/** Lower-case DNS label, RFC 1123: what Nomad, Consul, Vault and HCP Terraform all accept as a name. */
export const label = (example: string) =>
  withExample(z.string().regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be a lower-case name of letters, digits and dashes that starts with a letter, at most 63 characters"), example);

function inTailnet(address: string): boolean {
  const [a, b] = address.split(".").map(Number);
  return a === 100 && b >= 64 && b <= 127;
}

/** IPv4 address inside 100.64.0.0/10, the range of every tailnet (RFC 6598). */
export const tailnetAddress = (example: string) =>
  withExample(
    z.ipv4().refine(inTailnet, "must be a tailnet address, inside 100.64.0.0/10: anything else would be published outside the tailnet"),
    example,
  );

export const url = (example: string, protocol: RegExp = /^https?$/) => withExample(z.url({ protocol }), example);

/** An address to which a secret is sent: over TLS, or to a tailnet address, on the way to which everything is encrypted. */
export const encryptedUrl = (example: string) =>
  withExample(
    z.url({ protocol: /^https?$/ }).refine((text) => text.startsWith("https:") || !URL.canParse(text) || inTailnet(new URL(text).hostname), "must be https, or http to a tailnet address: what is sent there carries a token"),
    example,
  );

export const nonEmpty = (example: string) => withExample(z.string().min(1), example);

export const semver = (example: string) => withExample(z.string().regex(/^\d+\.\d+\.\d+$/, "must be an exact version: a range would install different programs on different days"), example);

export const sha256 = () =>
  withExample(z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 sum: 64 lower-case hex digits"), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
