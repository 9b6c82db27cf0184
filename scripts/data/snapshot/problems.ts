/** Gathers problems: the first of a kind in a place are listed, the others counted. */
import type { Problem } from "./types";

/** Of one kind in one member: enough to see a pattern, few enough to read. */
export const LISTED = 10;

export class Problems {
  private readonly listed: { -readonly [K in keyof Problem]: Problem[K] }[] = [];
  private readonly kinds = new Map<string, { count: number; last: { more?: number } }>();

  /**
   * @param member where in the snapshot, without the line
   * @param kind problems of the same kind and member are counted together
   */
  add(member: string, problem: Problem, kind: string = problem.what): void {
    const key = `${member}\0${kind}`;
    const known = this.kinds.get(key);
    if (known && known.count >= LISTED) {
      known.last.more = (known.last.more ?? 0) + 1 + (problem.more ?? 0);
      return;
    }
    const entry = { ...problem };
    this.listed.push(entry);
    this.kinds.set(key, { count: (known?.count ?? 0) + 1, last: entry });
  }

  all(): readonly Problem[] {
    return this.listed;
  }
}
