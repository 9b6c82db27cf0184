/** Lines of a stream of bytes, without a copy for each: they are handed on as places in a window that is used again. */

/** A document of Convex has at most 1 MiB; its text in JSON can be six times that. What is longer is no document. */
const LONGEST_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 10;

/** A line that is too long to be one. */
export class LineTooLong extends Error {
  constructor(readonly line: number) {
    super(`line ${line} has more than ${LONGEST_LINE_BYTES} bytes`);
  }
}

/**
 * Calls `onLine` for each line. `window[end]` is a newline always, so that a scanner needs no look at the end;
 * the window is overwritten after the call.
 * @param onChunk is told after each piece how many bytes of the stream it had
 * @returns how many lines there were
 */
export async function eachLine(chunks: AsyncIterable<Buffer>, onLine: (window: Buffer, start: number, end: number, line: number) => void, onChunk: (bytes: number) => void = () => undefined): Promise<number> {
  let window = Buffer.allocUnsafe(512 * 1024);
  let filled = 0;
  let line = 0;
  for await (const chunk of chunks) {
    if (filled + chunk.length + 1 > window.length) {
      if (filled > LONGEST_LINE_BYTES) throw new LineTooLong(line + 1);
      const larger = Buffer.allocUnsafe(Math.max(2 * window.length, filled + chunk.length + 1));
      window.copy(larger, 0, 0, filled);
      window = larger;
    }
    let search = filled;
    chunk.copy(window, filled);
    filled += chunk.length;
    let start = 0;
    for (;;) {
      const end = window.indexOf(NEWLINE, search);
      // Behind `filled` lies what an earlier chunk left.
      if (end === -1 || end >= filled) break;
      onLine(window, start, end, ++line);
      start = search = end + 1;
    }
    window.copyWithin(0, start, filled);
    filled -= start;
    onChunk(chunk.length);
  }
  if (filled > 0) {
    window[filled] = NEWLINE;
    onLine(window, 0, filled, ++line);
  }
  return line;
}
