import { reads, writes } from "./stand_in";

export const upsertBatch = writes;
export const latestTime = reads;
export const latestSnapshot = reads;
export const listByRange = reads;
