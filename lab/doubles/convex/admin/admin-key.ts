/** Admin keys of a self-hosted backend: `<instance>|<hex>`, made from its secret alone. */
import { createHmac, randomBytes } from "node:crypto";
import { seal, unseal } from "./gcm-siv";

const VERSION = Buffer.from([1]);
const NONCE_LENGTH = 12;

/** NIST SP 800-108 in counter mode, of which one round of HMAC-SHA256 gives enough. */
function sealingKey(secret: Buffer): Buffer {
  return createHmac("sha256", secret).update(Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from("admin key")])).digest().subarray(0, 16);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    if (rest < 0x80n) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/**
 * @param secret INSTANCE_SECRET, 32 bytes
 * @param issued seconds since 1970, not zero
 */
export function adminKey(instance: string, secret: Buffer, issued = Math.floor(Date.now() / 1000), nonce = randomBytes(NONCE_LENGTH)): string {
  // Protobuf: field 1 the time of issue, field 3 (read-only) false.
  const plaintext = Buffer.from([0x08, ...varint(issued), 0x18, 0x00]);
  return `${instance}|${Buffer.concat([VERSION, nonce, seal(sealingKey(secret), nonce, plaintext, VERSION)]).toString("hex")}`;
}

/** Whether a key is of this instance and made from its secret. */
export function isAdminKey(key: string, instance: string, secret: Buffer): boolean {
  const [name, hex = ""] = key.split("|");
  if (name !== instance || !/^01[0-9a-f]+$/.test(hex) || hex.length % 2 !== 0) return false;
  const bytes = Buffer.from(hex, "hex");
  const nonce = bytes.subarray(1, 1 + NONCE_LENGTH);
  if (nonce.length < NONCE_LENGTH) return false;
  const plaintext = unseal(sealingKey(secret), nonce, bytes.subarray(1 + NONCE_LENGTH), VERSION);
  // A time of issue that is zero is no identity.
  return plaintext !== undefined && plaintext[0] === 0x08 && plaintext.length > 1 && plaintext[1] !== 0;
}
