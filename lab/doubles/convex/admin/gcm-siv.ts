/** AES-128-GCM-SIV, RFC 8452: Convex seals admin keys with it, and neither Node nor Bun has it. For texts of a few bytes. */
import { createCipheriv, timingSafeEqual } from "node:crypto";

const BLOCK = 16;
const TAG = 16;

function aes(key: Buffer, block: Buffer): Buffer {
  const cipher = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

const toInteger = (block: Buffer) => BigInt(`0x${Buffer.from(block).reverse().toString("hex")}`);
const toBlock = (value: bigint) => Buffer.from(value.toString(16).padStart(2 * BLOCK, "0"), "hex").reverse();

/** x^-128 in POLYVAL's field: x^127 + x^124 + x^121 + x^114 + 1. */
const DOT_FACTOR = (1n << 127n) | (1n << 124n) | (1n << 121n) | (1n << 114n) | 1n;
/** The field's polynomial without x^128: x^127 + x^126 + x^121 + 1. */
const REDUCTION = (1n << 127n) | (1n << 126n) | (1n << 121n) | 1n;
const TOP = 1n << 127n;
const MASK = (1n << 128n) - 1n;

function multiply(left: bigint, right: bigint): bigint {
  let product = 0n;
  for (let bit = TOP; bit > 0n; bit >>= 1n) {
    product = product & TOP ? ((product << 1n) & MASK) ^ REDUCTION : product << 1n;
    if (right & bit) product ^= left;
  }
  return product;
}

/** POLYVAL of whole blocks, RFC 8452 section 3. */
export function polyval(key: Buffer, blocks: Buffer): Buffer {
  const h = multiply(toInteger(key), DOT_FACTOR);
  let sum = 0n;
  for (let at = 0; at < blocks.length; at += BLOCK) sum = multiply(sum ^ toInteger(blocks.subarray(at, at + BLOCK)), h);
  return toBlock(sum);
}

const padded = (text: Buffer) => Buffer.concat([text, Buffer.alloc((BLOCK - (text.length % BLOCK)) % BLOCK)]);

function derivedKeys(key: Buffer, nonce: Buffer): { authentication: Buffer; encryption: Buffer } {
  const half = (counter: number) => {
    const block = Buffer.alloc(BLOCK);
    block.writeUInt32LE(counter);
    nonce.copy(block, 4);
    return aes(key, block).subarray(0, 8);
  };
  return { authentication: Buffer.concat([half(0), half(1)]), encryption: Buffer.concat([half(2), half(3)]) };
}

function tagOf(keys: ReturnType<typeof derivedKeys>, nonce: Buffer, plaintext: Buffer, associated: Buffer): Buffer {
  const lengths = Buffer.alloc(BLOCK);
  lengths.writeBigUInt64LE(BigInt(associated.length) * 8n);
  lengths.writeBigUInt64LE(BigInt(plaintext.length) * 8n, 8);
  const sum = polyval(keys.authentication, Buffer.concat([padded(associated), padded(plaintext), lengths]));
  for (const [i, byte] of nonce.entries()) sum[i] ^= byte;
  sum[BLOCK - 1] &= 0x7f;
  return aes(keys.encryption, sum);
}

/** AES in counter mode, the counter being the first four bytes, little-endian; its own inverse. */
function counterMode(key: Buffer, tag: Buffer, text: Buffer): Buffer {
  const counter = Buffer.from(tag);
  counter[BLOCK - 1] |= 0x80;
  const out = Buffer.from(text);
  for (let at = 0; at < text.length; at += BLOCK) {
    const stream = aes(key, counter);
    for (let i = 0; i < Math.min(BLOCK, text.length - at); i++) out[at + i] ^= stream[i];
    counter.writeUInt32LE((counter.readUInt32LE() + 1) >>> 0);
  }
  return out;
}

/** Ciphertext and tag. @param key 16 bytes @param nonce 12 bytes */
export function seal(key: Buffer, nonce: Buffer, plaintext: Buffer, associated: Buffer): Buffer {
  const keys = derivedKeys(key, nonce);
  const tag = tagOf(keys, nonce, plaintext, associated);
  return Buffer.concat([counterMode(keys.encryption, tag, plaintext), tag]);
}

/** The plaintext, or undefined when the text is not what was sealed. */
export function unseal(key: Buffer, nonce: Buffer, sealed: Buffer, associated: Buffer): Buffer | undefined {
  if (sealed.length < TAG) return undefined;
  const keys = derivedKeys(key, nonce);
  const tag = sealed.subarray(sealed.length - TAG);
  const plaintext = counterMode(keys.encryption, tag, sealed.subarray(0, sealed.length - TAG));
  return timingSafeEqual(tag, tagOf(keys, nonce, plaintext, associated)) ? plaintext : undefined;
}
