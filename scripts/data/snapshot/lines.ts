/** Lines of a stream of bytes, handed on in blocks of whole lines: no object for each line. */

/** A document of Convex has at most 1 MiB; its text in JSON can be six times that. What is longer is no document. */
export const LONGEST_LINE_BYTES = 16 * 1024 * 1024;
/** Large enough that handing one to another thread costs little, small enough that a handful of them is no memory. */
export const BLOCK_BYTES = 768 * 1024;
const NEWLINE = 10;

/** A line that is too long to be one. */
export class LineTooLong extends Error {
  constructor() {
    super(`a line has more than ${LONGEST_LINE_BYTES} bytes`);
  }
}

export interface Block {
  readonly buffer: Buffer;
  /** So many bytes of it are whole lines; the last of them is a newline. */
  readonly length: number;
}

/**
 * Blocks of whole lines. A newline is added to a last line that has none.
 * @param buffer gives the memory of a next block, at least so large; the block's consumer owns it from then on
 */
export async function* lineBlocks(chunks: AsyncIterable<Buffer>, buffer: (bytes: number) => Buffer): AsyncGenerator<Block> {
  let block = buffer(BLOCK_BYTES);
  let filled = 0;
  /** Behind the last newline of what is filled. */
  let whole = 0;
  for await (const chunk of chunks) {
    if (filled + chunk.length + 1 > block.length) {
      if (filled - whole > LONGEST_LINE_BYTES) throw new LineTooLong();
      const next = buffer(Math.max(BLOCK_BYTES, filled - whole + chunk.length + 1));
      block.copy(next, 0, whole, filled);
      const full = { buffer: block, length: whole };
      [block, filled, whole] = [next, filled - whole, 0];
      if (full.length > 0) yield full;
    }
    chunk.copy(block, filled);
    const last = chunk.lastIndexOf(NEWLINE);
    if (last !== -1) whole = filled + last + 1;
    filled += chunk.length;
  }
  if (filled > whole) block[filled++] = NEWLINE;
  if (filled > 0) yield { buffer: block, length: filled };
}

/** Calls `onLine` for each line of a block; `buffer[end]` is its newline. @returns how many lines there were */
export function linesOf({ buffer, length }: Block, onLine: (start: number, end: number, line: number) => void): number {
  let line = 0;
  for (let start = 0; start < length; ) {
    const end = buffer.indexOf(NEWLINE, start);
    onLine(start, end, ++line);
    start = end + 1;
  }
  return line;
}

/** Calls `onLine` for each line of a stream, numbered from 1. @returns how many lines there were */
export async function eachLine(chunks: AsyncIterable<Buffer>, onLine: (buffer: Buffer, start: number, end: number, line: number) => void, onBlock: (bytes: number) => void = () => undefined): Promise<number> {
  let lines = 0;
  let spare: Buffer | undefined;
  const memory = (bytes: number): Buffer => {
    const given = spare !== undefined && spare.length >= bytes ? spare : Buffer.allocUnsafeSlow(bytes);
    spare = undefined;
    return given;
  };
  for await (const block of lineBlocks(chunks, memory)) {
    lines += linesOf(block, (start, end, line) => onLine(block.buffer, start, end, lines + line));
    spare = block.buffer;
    onBlock(block.length);
  }
  return lines;
}
