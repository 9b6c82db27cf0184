/** What a worker may start, each as a shell script: children that do not want to end, or cannot be found from their parent. */
import type { Folder } from "./programs";

/** Ignores what can be ignored, and ends by itself never. */
export const stubborn = (folder: Folder): string => folder.script("stubborn", "trap '' TERM INT HUP QUIT\nwhile :; do sleep 0.1; done");

/** Five that outlive their parent: in sessions of their own, and adopted by whoever reaps, with a parent that ignores SIGTERM. @returns how many are alive at least */
export function detached(folder: Folder): { readonly command: string; readonly count: number } {
  const session = folder.script("session", "trap '' TERM HUP\nwhile :; do sleep 1; done");
  return { command: folder.script("detached", `setsid ${session} &\n( setsid sh -c '( sleep 1000 & ) ; exec sleep 1000' & )\n( ( sleep 1000 & ) & )\nexec ${stubborn(folder)}`), count: 6 };
}

/** Ten chains in which each process starts its detached follower and ends, among a hundred that wait: who kills one by one never comes to an end. */
export function forking(folder: Folder): { readonly command: string; readonly count: number } {
  const relay = folder.script("relay", `sleep 0.1\nsetsid "$0" &`);
  return { command: folder.script("forking", `i=0\nwhile [ $i -lt 100 ]; do sleep 1000 & i=$((i + 1)); done\ni=0\nwhile [ $i -lt 10 ]; do setsid ${relay} & i=$((i + 1)); done\nsleep 1000`), count: 110 };
}

/** Leaves dead children that nobody reaps while it lives, and afterwards only an init does. */
export const careless = (folder: Folder): string => folder.script("careless", "for i in 1 2 3 4 5; do ( sleep 1000 & ) ; done\nsleep 0.01 & exec sleep 1000");
