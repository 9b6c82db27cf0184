import { reads, writes } from "./stand_in";

export const ping = reads;
export const reset = writes;
export const seed = writes;
