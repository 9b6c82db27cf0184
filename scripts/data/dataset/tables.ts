/** What a generated data set holds: tables that between them have every kind of Convex value. */
import { fieldsText, floatText, type Value } from "./notation";
import { Random, randomId } from "./random";

export interface DatasetTable {
  readonly name: string;
  readonly number: number;
  /** The share of the documents' bytes that it gets. */
  readonly share: number;
  /** At least so many documents, however small the data set. */
  readonly least: number;
  document(random: Random, index: number, ids: { readonly id: string; readonly creationTime: string; readonly file: string | undefined }): string;
}

const TEXTS = ["", "gold", "Ω≈ç√∫ 金本位 🥇🏅", 'a "quoted" \\ back\\slash', "line\nbreak\ttab\r\b\f", "\u0000\u001f\u007f\u2028\u2029", "𝒳 \u{10ffff}", "é and e\u0301", "null", "1.0", "NaN", "ﷺ".repeat(20)];
const FLOATS = [0, -0, 1, -1, 1.5, 0.1 + 0.2, 1e16, 1e21, 1e300, 1.7976931348623157e308, 5e-324, 1e-7, 123456789012345680, -2.5e-9, NaN, Infinity, -Infinity, 9007199254740993, 2400.0];
const INTEGERS = [0n, 1n, -1n, 9007199254740993n, -9007199254740993n, 9223372036854775807n, -9223372036854775808n, 1234567890123456789n];
const PAIRS = ["BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT", "ALGO-USDT", "XAUTUSDT"];

function bytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.next() & 255);
}

/** Each document has one value of every kind; which of the kind goes round, so that all of them come. */
function kinds(random: Random, index: number): Record<string, Value> {
  return {
    nothing: null,
    yes: index % 2 === 0,
    text: TEXTS[index % TEXTS.length],
    float: FLOATS[index % FLOATS.length],
    integer: index % 3 === 0 ? BigInt.asIntN(64, (BigInt(random.next()) << 32n) | BigInt(random.next())) : INTEGERS[index % INTEGERS.length],
    bytes: bytes(random, index % 67),
    list: [FLOATS[(index + 5) % FLOATS.length], INTEGERS[(index + 3) % INTEGERS.length], TEXTS[(index + 1) % TEXTS.length], null, [], {}],
    // Both kinds of number in one field: a whole float must stay one beside an int64.
    either: index % 2 === 0 ? BigInt(index) : index % 4 === 1 ? index : index + 0.25,
    ...(index % 5 === 0 ? {} : { sometimes: "present" }),
  };
}

function nested(random: Random, index: number, depth: number): Value {
  if (depth === 0) return index % 2 === 0 ? { leaf: BigInt(index), weight: index / 8 } : [index, bytes(random, 5), TEXTS[index % TEXTS.length]];
  return index % 3 === 0 ? [nested(random, index + 1, depth - 1), null, [[], [BigInt(depth)]]] : { below: nested(random, index + 1, depth - 1), level: BigInt(depth), empty: {}, Z_first: true };
}

export const DATASET_TABLES: readonly DatasetTable[] = [
  {
    name: "set_kinds", number: 10_001, share: 0.1, least: 60,
    document: (random, index, { id, creationTime }) => withIds(fieldsText(kinds(random, index) as { readonly [field: string]: Value }), id, creationTime),
  },
  {
    name: "set_nested", number: 10_002, share: 0.1, least: 20,
    document: (random, index, { id, creationTime }) => withIds(fieldsText({ tree: nested(random, index, 1 + (index % 12)), path: Array.from({ length: index % 5 }, (_, i) => i) }), id, creationTime),
  },
  {
    name: "set_artifacts", number: 10_003, share: 0.02, least: 8,
    document: (random, index, { id, creationTime, file }) => withIds(fieldsText({ name: `model ${index}`, ...(file === undefined ? {} : { storage_id: file }), score: random.next() / 2 ** 32 }), id, creationTime),
  },
  // No document at all: a table of its own kind of trouble.
  { name: "set_empty", number: 10_004, share: 0, least: 0, document: () => "" },
  {
    // The bulk: small documents, as the feeds' are. Written by hand: a 1 GiB data set has three million of them.
    name: "set_ticks", number: 10_005, share: 0.78, least: 40,
    document: (random, index, { id, creationTime }) => {
      const price = 2_000 + random.below(100_000) / 100;
      return `{"_creationTime":${creationTime},"_id":"${id}","ask":${floatText(price + 0.5)},"bid":${floatText(price)},"count":${index},"interval":"1m","open_time":${floatText(1_767_225_600_000 + index * 60_000)},"pair":"${PAIRS[index % PAIRS.length]}","source":"bingx","volume":${floatText(random.next() / 1_000)}}`;
    },
  },
];

function withIds(text: string, id: string, creationTime: string): string {
  // "_creationTime" and "_id" sort behind upper case and before lower case, and no field here begins with upper case.
  return `{"_creationTime":${creationTime},"_id":"${id}",${text.slice(1)}`;
}

/** The documents of a table, as many as fill `size` bytes; each a line without its end. */
export function* documentsOf(table: DatasetTable, seed: number, size: number, files: readonly string[]): Generator<string> {
  const random = new Random(seed ^ Math.imul(table.number, 0x9e3779b1));
  const prefix = table.name.charAt(4).replace(/[ilou]/, "x") + String(table.number).slice(-2);
  let written = 0;
  for (let index = 0; index < table.least || written < size; index++) {
    if (table.share === 0 && index >= table.least) return;
    const id = randomId(random, prefix);
    // Some creation times are whole milliseconds: 1767225600000.0.
    const creationTime = floatText(1_767_225_600_000 + index + (index % 4) * 0.25);
    const line = table.document(random, index, { id, creationTime, file: files.length === 0 ? undefined : files[index % files.length] });
    written += line.length + 1;
    yield line;
  }
}
