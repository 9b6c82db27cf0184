/** `gvfx data`: the app's data is exported, checked, moved, filled up, backed up and restored. */
import { Command } from "commander";
import type { Environment } from "../../environments/schema";
import { backfillCommands } from "./backfill/command";
import { convexCommands } from "./convex/command";
import { moveCommands } from "./move/command";
import { restoreCommands } from "./restore/command";
import { snapshotCommands } from "./snapshot/command";

/** @param environment is read only by a command that needs one */
export function dataCommand(environment: () => Environment): Command {
  const data = new Command("data").description("the app's data: snapshots of Convex, their move, market data, backups and restores");
  const groups: readonly (readonly [title: string, commands: readonly Command[]])[] = [
    ["Snapshots of Convex:", [...snapshotCommands(environment), ...convexCommands(environment)]],
    ["Move from legacy to Nomad:", moveCommands(environment)],
    ["Market data:", backfillCommands(environment)],
    ["Backups:", restoreCommands(environment)],
  ];
  for (const [title, commands] of groups) for (const command of commands) data.addCommand(command.helpGroup(title));
  return data;
}
