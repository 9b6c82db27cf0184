/** The order of the end-to-end tests, which share one lab. */
declare class ByName {
  constructor(options: { readonly contextConfigs: readonly []; readonly globalConfig: object });
  sort<T extends { readonly path: string }>(tests: readonly T[]): T[];
}
export = ByName;
