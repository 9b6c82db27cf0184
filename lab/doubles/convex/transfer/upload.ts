/** Snapshots on their way in: parts among the objects, read as one file. */
import { randomUUID } from "node:crypto";
import type { Objects } from "../objects/objects";
import type { Ranges } from "./zip-reader";

export interface Part {
  readonly key: string;
  readonly size: number;
}

/** A body that comes in one piece is cut into parts of this size, bytes. */
const PART_SIZE = 8 * 1024 * 1024;

export async function putPart(objects: Objects, upload: string, number: number, content: Uint8Array): Promise<Part> {
  const key = `${upload}/${String(number).padStart(5, "0")}-${randomUUID()}`;
  await objects.put("imports", key, content);
  return { key, size: content.length };
}

/** Takes a body in flat memory. */
export async function putBody(objects: Objects, upload: string, body: AsyncIterable<Uint8Array>): Promise<Part[]> {
  const parts: Part[] = [];
  let [held, size]: [Uint8Array[], number] = [[], 0];
  const flush = async () => {
    parts.push(await putPart(objects, upload, parts.length + 1, Buffer.concat(held)));
    [held, size] = [[], 0];
  };
  for await (const chunk of body) {
    held.push(chunk);
    size += chunk.length;
    if (size >= PART_SIZE) await flush();
  }
  if (size > 0) await flush();
  return parts;
}

/** The parts as one file. */
export function joined(objects: Objects, parts: readonly Part[]): Ranges {
  let size = 0;
  const placed = parts.map((part) => ({ ...part, start: (size += part.size) - part.size }));
  return {
    size,
    async read(start, end) {
      const pieces = placed.filter((part) => part.start < end && part.start + part.size > start);
      return Buffer.concat(
        await Promise.all(pieces.map((part) => objects.read("imports", part.key, Math.max(0, start - part.start), Math.min(part.size, end - part.start)))),
      );
    },
  };
}
