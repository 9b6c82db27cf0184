/** The tag of what is built from a checkout: its commit, so that a tag never means two things. */
import { spawnSync } from "node:child_process";

/** @param args of git, without the folder @returns undefined when it fails */
export type Git = (folder: string, args: readonly string[]) => string | undefined;

export const git: Git = (folder, args) => {
  const { status, stdout } = spawnSync("git", ["-C", folder, ...args], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
};

/**
 * @param allowDirty take a checkout with changes, under a tag that says so and when
 * @throws Error when the folder is no checkout, or has changes
 */
export function revisionTag(folder: string, { allowDirty, now, ask = git }: { readonly allowDirty: boolean; readonly now: Date; readonly ask?: Git }): string {
  const head = ask(folder, ["rev-parse", "HEAD"]);
  if (head === undefined) throw new Error(`${folder} is no checkout of the app: git knows no commit there; clone the app, and name its folder by --source`);
  const changes = (ask(folder, ["status", "--porcelain"]) ?? "").split("\n").filter(Boolean);
  if (changes.length === 0) return head;
  if (!allowDirty) throw new Error(`${folder} has ${changes.length} change${changes.length === 1 ? "" : "s"} that no commit has, the first ${changes[0].trim()}: nobody could tell later what is in the image; commit them, or say --allow-dirty`);
  return `${head}-dirty-${now.toISOString().replace(/\D/g, "").slice(0, 14)}`;
}
