import { reads, writes } from "./stand_in";

export const create = writes;
export const complete = writes;
export const list = reads;
