import { reads, writes } from "./stand_in";

export const upsertBatch = writes;
export const listByRange = reads;
export const listOpenTimesByRange = reads;
