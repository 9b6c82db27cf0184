/** A double of Consul's DNS: answers SRV for the names it is told, with the addresses as additional records, as Consul does. */
import { createSocket, type Socket } from "node:dgram";
import type { AddressInfo } from "node:net";

const A = 1;
const SRV = 33;
const NAME_ERROR = 3;

export class DnsDouble {
  /** Ports on 127.0.0.1 by the first label of the name, for example `_gvfx-api-alloc`. */
  readonly services = new Map<string, readonly number[]>();
  /** Takes questions and says nothing. */
  silent = false;
  unanswered = 0;
  private constructor(private readonly socket: Socket) {}

  static async start(): Promise<DnsDouble> {
    const socket = createSocket("udp4");
    const double = new DnsDouble(socket);
    socket.on("message", (query, from) => {
      if (double.silent) double.unanswered++;
      else socket.send(double.answer(query), from.port, from.address);
    });
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    return double;
  }

  get port(): number { return (this.socket.address() as AddressInfo).port; }
  stop(): void { this.socket.close(); }

  private answer(query: Buffer): Buffer {
    const { name, end } = readName(query, 12);
    const type = query.readUInt16BE(end);
    const ports = type === SRV ? (this.services.get(name.split(".")[0]) ?? []) : [];
    const target = (p: number) => encodeName(`p${p}.addr.dc1.consul`);
    const answers = type === A ? [record(query.subarray(12, end), A, Buffer.from([127, 0, 0, 1]))] : ports.map((p) => record(query.subarray(12, end), SRV, Buffer.concat([uint16(1), uint16(1), uint16(p), target(p)])));
    const additional = ports.map((p) => record(target(p), A, Buffer.from([127, 0, 0, 1])));
    const flags = 0x8580 | (answers.length === 0 ? NAME_ERROR : 0);
    return Buffer.concat([query.subarray(0, 2), ...[flags, 1, answers.length, 0, additional.length].map(uint16), query.subarray(12, end + 4), ...answers, ...additional]);
  }
}

function uint16(n: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(n);
  return bytes;
}

function record(name: Buffer, type: number, data: Buffer): Buffer {
  // Class IN; a time to live of zero, as Consul's.
  return Buffer.concat([name, uint16(type), uint16(1), Buffer.alloc(4), uint16(data.length), data]);
}

function encodeName(name: string): Buffer {
  return Buffer.concat([...name.split(".").map((label) => Buffer.from(String.fromCharCode(label.length) + label)), Buffer.from([0])]);
}

function readName(packet: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (let length = packet[at]; length > 0; length = packet[at]) {
    labels.push(packet.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), end: at + 1 };
}
