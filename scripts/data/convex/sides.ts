/** What a command needs of one side: the running Convex and the real CLI for it. */
import { join } from "node:path";
import type { Environment } from "../../../environments/schema";
import type { Variables } from "../../doctor/credentials";
import type { Side } from "../../lease/sources";
import { convexAccess, type ConvexAccess } from "./access";
import { convexCli, type ConvexCli } from "./cli";
import { ConvexInstance } from "./instance";

/** Snapshots, records of uploads, reports: of one environment, and for its operator's eyes. */
export function dataFolder(env: Environment, ...below: readonly string[]): string {
  return join(".gvfx", env.name, "data", ...below);
}

export interface ConvexSurroundings {
  readonly variables: Variables;
  readonly signal?: AbortSignal;
  /** Sees what the CLI prints. */
  readonly say?: (line: string) => void;
  /** @default by the environment */
  readonly access?: (env: Environment, side: Side) => Promise<ConvexAccess>;
}

export interface OpenedSide {
  readonly instance: ConvexInstance;
  readonly cli: ConvexCli;
}

/** @throws Error when the lab is not up; whether Convex answers is not asked yet */
export async function openSide(env: Environment, side: Side, { variables, signal, say, access = (of, which) => convexAccess(of, which, variables) }: ConvexSurroundings): Promise<OpenedSide> {
  const opened = await access(env, side);
  return { instance: new ConvexInstance(opened, { signal }), cli: convexCli(opened, { variables, signal, onLine: say }) };
}
