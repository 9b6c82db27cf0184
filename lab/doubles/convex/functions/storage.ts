/** storage.ts of the app, and one function more: the app has none that makes an upload URL. */
import { STORAGE_TABLE } from "../schema";
import type { Functions } from "./definition";
import { v } from "./validate";

export const STORAGE_FUNCTIONS: Functions = {
  "storage:storeTextFile": {
    kind: "action",
    args: { content: v.string, contentType: v.string, filename: v.optional(v.string) },
    run: async (files, args) => ({ storageId: await files.store(new TextEncoder().encode(args.content as string), args.contentType as string) }),
  },
  "storage:storeBinaryFile": {
    kind: "action",
    args: { data: v.bytes, contentType: v.string, filename: v.optional(v.string) },
    run: async (files, args) => ({ storageId: await files.store(args.data as Uint8Array, args.contentType as string) }),
  },
  "storage:getFileUrl": {
    kind: "query",
    args: { storageId: v.string },
    run: (db, args, files) => files.url(db, args.storageId as string),
  },
  "storage:deleteFile": {
    kind: "mutation",
    args: { storageId: v.string },
    tables: () => [STORAGE_TABLE],
    async run(db, args, files) {
      await files.remove(db, args.storageId as string);
      return { deleted: true };
    },
  },
  "storage:generateUploadUrl": { kind: "mutation", args: {}, tables: () => [], run: async (_db, _args, files) => files.uploadUrl() },
};
