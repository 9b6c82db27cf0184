import { reads, writes } from "./stand_in";

export const insertOne = writes;
export const latestTime = reads;
