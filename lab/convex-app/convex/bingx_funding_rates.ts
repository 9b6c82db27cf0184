import { reads, writes } from "./stand_in";

export const upsertBatch = writes;
export const latestTime = reads;
export const earliestTime = reads;
export const listByRange = reads;
