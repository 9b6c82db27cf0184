/** The small texts and table names that a deployment leaves in the store, in memory. */
export class MemoryFacts {
  readonly values = new Map<string, string>();
  readonly made: string[] = [];

  async fact(name: string): Promise<string | undefined> {
    return this.values.get(name);
  }

  async facts(prefix: string): Promise<{ name: string; value: string }[]> {
    return [...this.values].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => ({ name, value })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async setFact(name: string, value: string): Promise<void> {
    this.values.set(name, value);
  }

  async removeFact(name: string): Promise<void> {
    this.values.delete(name);
  }

  async make(names: readonly string[]): Promise<void> {
    this.made.push(...names);
  }

  /** Every table has as many. */
  async count(): Promise<number> {
    return 7;
  }
}
