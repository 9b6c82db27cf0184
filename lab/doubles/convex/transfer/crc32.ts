/** CRC-32 as zip files have it, over any number of chunks. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest >>> 0;
});

export class Crc32 {
  private state = 0xffffffff;

  update(chunk: Uint8Array): void {
    let state = this.state;
    for (let i = 0; i < chunk.length; i++) state = TABLE[(state ^ chunk[i]) & 0xff] ^ (state >>> 8);
    this.state = state;
  }

  get value(): number {
    return (this.state ^ 0xffffffff) >>> 0;
  }
}
