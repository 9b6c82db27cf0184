/** Stack ids in the order of their dependencies. A lab has one before them, "lab". */
export const STACK_IDS = ["foundation", "data-plane", "app", "cutover"] as const;
