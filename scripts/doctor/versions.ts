/** Versions as numbers. */

/** Negative when `a` is older than `b`; pre-release suffixes are not looked at. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** "1.21" of "1.21.4". */
export function minorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}
