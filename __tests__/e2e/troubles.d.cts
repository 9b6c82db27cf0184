/** Prints the state of the lab, and the logs of what is not well in it. */
export function printTroubles(title: string): void;
