import { reads, writes } from "./stand_in";

export const write = writes;
export const query = reads;
