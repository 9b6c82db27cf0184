/** Why a file cannot be opened as a zip archive, for people. */
import type { FileHandle } from "node:fs/promises";
import { SnapshotError, type Problem } from "./types";

const LOCAL_HEADER = 0x04034b50;
const AGAIN = "Export again (gvfx data export), or copy the file anew and compare its SHA-256 with the original's";

/** @param error what yauzl says of it */
export async function unreadable(path: string, handle: FileHandle, size: number, error: Error): Promise<SnapshotError> {
  return new SnapshotError(path, await explain(handle, size, error));
}

async function explain(handle: FileHandle, size: number, { message }: Error): Promise<Problem> {
  if (size === 0) return { place: "the file", what: "it is empty", fix: AGAIN };
  const head = Buffer.alloc(64);
  const { bytesRead } = await handle.read(head, 0, head.length, 0);
  const isZip = bytesRead >= 4 && head.readUInt32LE(0) === LOCAL_HEADER;
  if (/signature not found|Invalid comment length/.test(message)) {
    if (!isZip) return { place: "the file", what: `it is not a zip file: it begins with ${begins(head.subarray(0, bytesRead))}`, fix: "Give the zip file that gvfx data export or convex export wrote" };
    if (/Invalid comment length/.test(message)) return { place: `the end of the file (byte ${size})`, what: "bytes follow the archive's end, or its last record is damaged", fix: AGAIN };
    return { place: `the end of the file (byte ${size})`, what: "the archive is truncated: its directory, which stands at the end, is missing", fix: AGAIN };
  }
  const name = /(?:relative path|absolute path|characters in fileName|backslash|fileName).*: (.*)$/s.exec(message)?.[1];
  if (name !== undefined) return { place: JSON.stringify(name), what: `a member has an unsafe name (${message.replace(/: .*$/s, "")})`, fix: "Do not unpack it: convex export never writes such a name. Export again" };
  return { place: "the archive's directory", what: `it is damaged, or the archive is truncated (${message})`, fix: AGAIN };
}

function begins(head: Buffer): string {
  const text = head.subarray(0, 16).toString("latin1");
  return /^[\x20-\x7e\r\n\t]+$/.test(text) ? JSON.stringify(text) : `the bytes ${head.subarray(0, 8).toString("hex")}`;
}
