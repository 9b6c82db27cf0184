export function beginPlans(args: readonly string[], environment: string): void;
