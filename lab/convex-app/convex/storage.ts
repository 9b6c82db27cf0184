import { acts, reads, writes } from "./stand_in";

export const storeTextFile = acts;
export const storeBinaryFile = acts;
export const getFileUrl = reads;
export const deleteFile = writes;
// The double's own, which makes the address that a file is posted to.
export const generateUploadUrl = writes;
