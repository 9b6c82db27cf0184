/** Edits of env files that change the value of some keys and nothing else: not a comment, not an order, not a line end. */

const assignment = (key: string): RegExp => new RegExp(`^([ \\t]*(?:export[ \\t]+)?${key}=)([^\\r\\n]*)`, "gm");

/** Single quotes: nothing in them means anything to a shell, and bun's own reader takes them too. */
const quoted = (value: string): string => (/^[A-Za-z0-9_.:/@%+,-]*$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`);

/** Whether a file sets a key (a line that is commented out does not). */
export function setsKey(text: string, key: string): boolean {
  return assignment(key).test(text);
}

/**
 * The text with other values for keys that it sets; keys that it does not set are left out.
 * Of a key that is set twice, both change: which one counts depends on the reader.
 */
export function withValues(text: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((edited, [key, value]) => edited.replace(assignment(key), (_, head: string) => `${head}${quoted(value)}`), text);
}

/**
 * The text with the assignments of some keys as another text has them, one by one.
 * What somebody else changed meanwhile stays.
 * @throws Error when they are not equally many: nobody knows then which belongs to which
 */
export function withAssignmentsOf(text: string, original: string, keys: readonly string[]): string {
  return keys.reduce((edited, key) => {
    const before = [...original.matchAll(assignment(key))].map(([line]) => line);
    const now = [...edited.matchAll(assignment(key))].length;
    if (now !== before.length) throw new Error(`${key} is set ${now} times now and was set ${before.length} times before`);
    let index = 0;
    return edited.replace(assignment(key), () => before[index++]);
  }, text);
}
