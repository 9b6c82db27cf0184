import { reads, writes } from "./stand_in";

export const startIfIdle = writes;
export const create = writes;
export const complete = writes;
export const list = reads;
export const latest = reads;
