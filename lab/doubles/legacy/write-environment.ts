/** Writes the env files that the checkout does not have yet: those that are there may have been changed by an operator. */
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { envFile, legacyEnvironment } from "./environment";

const checkout = process.argv[2];
if (!checkout) {
  console.error("usage: write-environment.js <checkout>");
  process.exit(2);
}
try {
  const { backend, frontend, convex } = legacyEnvironment(process.env, randomBytes(32).toString("hex"));
  for (const [path, values] of [["backend/.env", backend], ["frontend/.env.local", frontend], ["convex/.env", convex]] as const) {
    const file = join(checkout, path);
    if (!existsSync(file)) writeFileSync(file, envFile(values), { mode: 0o600 });
  }
} catch (error) {
  console.error(`legacy host double: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
